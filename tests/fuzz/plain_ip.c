#include "fuzz/plain_ip.h"

#include <string.h>

uint32_t plain_length(const uint8_t *packet, size_t len)
{
	if (len >= 40 && packet[0] / 16 == 6) {
		uint32_t v6 = 40u + packet[4] * 256u + packet[5];
		return v6 <= len ? v6 : 0;
	}
	if (len < 20 || packet[0] / 16 != 4)
		return 0;
	uint32_t header = packet[0] % 16 * 4u, v4 = packet[2] * 256u + packet[3];
	return header >= 20 && v4 >= header && v4 <= len ? v4 : 0;
}

uint8_t plain_tos(const uint8_t *packet)
{
	return plain_is_v4(packet) ? packet[1] : (uint8_t)(packet[0] % 16 * 16 + packet[1] / 16);
}

uint32_t plain_sum(const uint8_t *packet)
{
	uint32_t sum = 0;
	for (int i = 0; i < packet[0] % 16 * 4; i += 2)
		sum += packet[i] * 256u + packet[i + 1];
	while (sum > 0xffff)
		sum = sum % 0x10000 + sum / 0x10000;
	return sum;
}

uint8_t plain_mark(uint8_t inner_tos, uint8_t outer_tos)
{
	static const uint8_t marks[4][4] = {
		{0, 0, 0, PLAIN_DROP}, /* not ECT */
		{1, 1, 1, 3},	       /* ECT(1) */
		{2, 1, 2, 3},	       /* ECT(0) */
		{3, 3, 3, 3},	       /* CE */
	};
	return marks[inner_tos & 3][outer_tos & 3];
}

bool plain_is_marked(const uint8_t *before, const uint8_t *after, size_t len, uint8_t outer_tos)
{
	bool is_v4 = plain_is_v4(before);
	uint8_t tos = plain_tos(before), mark = plain_mark(tos, outer_tos);
	size_t checksum = is_v4 ? 10 : 2, rest = is_v4 ? 12 : 2;
	return mark != PLAIN_DROP && before[0] == after[0] &&
	       plain_tos(after) == ((tos & ~3) | mark) &&
	       (is_v4 ? plain_sum(before) == plain_sum(after) : before[1] % 16 == after[1] % 16) &&
	       !memcmp(before + 2, after + 2, checksum - 2) &&
	       !memcmp(before + rest, after + rest, len - rest);
}
