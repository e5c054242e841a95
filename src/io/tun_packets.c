#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "io/log.h"
#include "io/tun.h"

/* ---- reading */

static int read_next(struct tun *tun)
{
	struct virtio_net_hdr header = {0};
	uint8_t *packet = tun->bytes + VIRTIO_HEADER_LEN;
	ssize_t got, header_len = tun->has_headers ? (ssize_t)VIRTIO_HEADER_LEN : 0;
	do /* the kernel cuts a packet without a word */
		got = read(tun->fd, packet - header_len, (size_t)(header_len + TUN_PACKET_MAX + 1));
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		return got < 0 ? -errno : -EIO;
	if (got <= header_len) /* of no bytes: older kernels let a raw socket send it */
		return -EPROTO;
	if (got - header_len > TUN_PACKET_MAX)
		return -EMSGSIZE;
	memcpy(&header, packet - header_len, (size_t)header_len);
	bool fits = segment_begin(&tun->rest, &header, packet, (uint32_t)(got - header_len));
	return fits ? 0 : -EPROTO;
}

/* Behind packets that are handed over, an error waits for the next call. */
int tun_read_burst(struct tun *tun, struct burst *burst, uint32_t mtu)
{
	int error = tun->error;
	tun->error = 0;
	tun->is_drained = false;
	burst->count = 0;
	while (!error) {
		if (segment_is_done(&tun->rest))
			error = read_next(tun);
		if (error || !segment_append(&tun->rest, burst, mtu) || segment_is_full(burst, mtu))
			break;
	}
	if (burst->count == 0 && !error) {
		tun->rest = (struct segment){0};
		return -EMSGSIZE;
	}
	tun->is_drained = error == -EAGAIN;
	if (burst->count == 0)
		return error;
	tun->error = tun->is_drained ? 0 : error;
	return (int)burst->count;
}

/* ---- writing */

/* 0 or -errno */
static int write_parts(const struct tun *tun, const struct iovec *parts, int count)
{
	ssize_t written;
	do
		written = writev(tun->fd, parts, count);
	while (written < 0 && errno == EINTR);
	return written < 0 ? -errno : 0;
}

/* The virtio-net header, of zeros, takes the place of that of the datagram. */
static bool write_single(struct tun *tun, const struct iovec *packet)
{
	uint8_t *begin = packet->iov_base;
	size_t header_len = 0;
	if (tun->has_headers) {
		header_len = VIRTIO_HEADER_LEN;
		memset(begin - header_len, 0, header_len);
	}
	struct iovec part = {begin - header_len, packet->iov_len + header_len};
	bool ok = write_parts(tun, &part, 1) == 0;
	tun->refused += !ok;
	return ok;
}

static uint32_t write_singles(struct tun *tun, const struct coalesce_run *run)
{
	uint32_t written = 0;
	for (uint32_t i = 0; i < run->count; i++)
		written += write_single(tun, &run->packets[i]);
	return written;
}

/* What is refused as a super-packet only is not to be refused again and again. */
static void demote(struct tun *tun, int error)
{
	if (tun->now >= tun->single_until)
		log_info("the kernel refuses merged packets on the interface (%s); it gets single "
			 "ones for a minute",
			strerror(-error));
	tun->single_until = nanos_add(tun->now, TUN_RETRY_AFTER);
	tun->coalesce.takes_tcp = tun->coalesce.takes_udp = false;
}

static void write_run(void *context, const struct coalesce_run *run)
{
	struct tun *tun = context;
	struct coalesce_super super;
	if (run->count == 1) {
		write_single(tun, &run->packets[0]);
		return;
	}
	coalesce_build(&super, run);
	int error = write_parts(tun, super.parts, super.part_count);
	bool is_short_of_memory = error == -ENOMEM || error == -ENOBUFS || error == -EAGAIN;
	if (error && write_singles(tun, run) && !is_short_of_memory)
		demote(tun, error);
}

uint32_t tun_write_bursts(struct tun *tun, const struct burst *first, nanos now)
{
	bool may_merge = now >= tun->single_until;
	tun->now = now;
	tun->refused = 0;
	coalesce_init(&tun->coalesce, may_merge && tun->offloads & TUN_F_TSO4,
		may_merge && tun->offloads & TUN_F_USO4, write_run, tun);
	for (const struct burst *burst = first; burst; burst = burst->next)
		for (uint32_t i = 0; i < burst->count; i++)
			if (burst->len[i])
				coalesce_add(&tun->coalesce, burst_inner(burst, i), burst->len[i]);
	coalesce_flush(&tun->coalesce);
	return tun->refused;
}
