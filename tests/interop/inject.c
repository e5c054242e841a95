/*
 * inject INTERFACE FROM TO LENGTH [TOS]
 * Gives an interface one IP packet, as if it had been routed there: LENGTH bytes in
 * all, the same bytes for the same arguments, of a protocol that nobody answers.
 */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PROTOCOL 253 /* for experiments [RFC 3692] */
#define TTL	 64

static uint16_t checksum(const void *header, size_t len)
{
	const uint8_t *p = header;
	uint32_t sum = 0;
	for (size_t i = 0; i < len; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* The length of the header, or 0 if these are no two addresses of IPv4. */
static size_t write_v4(void *out, const char *from, const char *to, size_t len, uint8_t tos)
{
	struct ip header = {.ip_v = 4,
		.ip_hl = sizeof(header) / 4,
		.ip_tos = tos,
		.ip_len = htons((uint16_t)len),
		.ip_ttl = TTL,
		.ip_p = PROTOCOL};
	if (len < sizeof(header) || inet_pton(AF_INET, from, &header.ip_src) != 1 ||
		inet_pton(AF_INET, to, &header.ip_dst) != 1)
		return 0;
	header.ip_sum = checksum(&header, sizeof(header));
	memcpy(out, &header, sizeof(header));
	return sizeof(header);
}

static size_t write_v6(void *out, const char *from, const char *to, size_t len, uint8_t tos)
{
	struct ip6_hdr header = {.ip6_plen = htons((uint16_t)(len - sizeof(header))),
		.ip6_nxt = PROTOCOL,
		.ip6_hlim = TTL};
	header.ip6_flow = htonl(6U << 28 | (uint32_t)tos << 20);
	if (len < sizeof(header) || inet_pton(AF_INET6, from, &header.ip6_src) != 1 ||
		inet_pton(AF_INET6, to, &header.ip6_dst) != 1)
		return 0;
	memcpy(out, &header, sizeof(header));
	return sizeof(header);
}

int main(int argc, char **argv)
{
	static uint8_t packet[IP_MAXPACKET];
	if (argc != 5 && argc != 6)
		return 2;
	size_t len = strtoul(argv[4], NULL, 10), header;
	uint8_t tos = argc == 6 ? (uint8_t)strtoul(argv[5], NULL, 0) : 0;
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP)};
	to.sll_ifindex = (int)if_nametoindex(argv[1]);
	if (len > sizeof(packet))
		return 2;
	header = write_v4(packet, argv[2], argv[3], len, tos);
	if (!header) {
		to.sll_protocol = htons(ETH_P_IPV6);
		header = write_v6(packet, argv[2], argv[3], len, tos);
	}
	if (!header) {
		fprintf(stderr, "inject: not two addresses, or too short a packet\n");
		return 2;
	}
	for (size_t i = header; i < len; i++)
		packet[i] = (uint8_t)(len + i);
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, packet, len, 0, (struct sockaddr *)&to, sizeof(to)) < 0) {
		perror(argv[1]);
		return 1;
	}
	return 0;
}
