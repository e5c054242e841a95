/*
 * The header before each packet of a TUN with IFF_VNET_HDR, as linux/virtio_net.h
 * and linux/if_tun.h have it, with what headers older than Linux 6.2 lack. Its
 * numbers are in the machine's byte order.
 */
#ifndef ADIT_IO_VIRTIO_H
#define ADIT_IO_VIRTIO_H

#include <linux/if_tun.h>
#include <linux/virtio_net.h>

#define VIRTIO_HEADER_LEN ((unsigned)sizeof(struct virtio_net_hdr))

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

_Static_assert(sizeof(struct virtio_net_hdr) == 10, "without the count of buffers");

/* Where the checksum lies in a TCP and in a UDP header [RFC 9293, RFC 768]. */
#define TCP_CHECKSUM_OFFSET 16
#define UDP_CHECKSUM_OFFSET 6
#define TCP_HEADER_MIN_LEN  20
#define UDP_HEADER_LEN	    8
#define PROTOCOL_TCP	    6
#define PROTOCOL_UDP	    17

#endif
