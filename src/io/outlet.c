#include "io/outlet.h"

#include "io/clock.h"

static uint32_t longest(const struct burst *burst)
{
	uint32_t len = 0;
	for (uint32_t i = 0; i < burst->count; i++)
		len = burst->len[i] > len ? burst->len[i] : len;
	return len;
}

static void settle(struct outlet *outlet, const struct device_send *send, struct narrator *narrator,
	const struct udp_progress *progress)
{
	struct demotions *demotions = &outlet->demotions;
	if (!progress->segment_error) {
		if (demotions->count && progress->segment_len)
			demotions_lift(demotions, &send->to, progress->segment_len);
		return;
	}
	nanos now = clock_read().boottime;
	uint32_t len = progress->segment_len;
	int error = progress->segment_error;
	if (demotions_add(demotions, &send->to, len, error, now))
		narrate_demotion(narrator, &send->peer, &send->to, len, error, now);
}

int outlet_send(struct outlet *outlet, const struct udp_sockets *sockets,
	const struct device_send *send, struct narrator *narrator, struct udp_progress *progress)
{
	if (outlet->demotions.count && !progress->is_plain)
		progress->is_plain = demotions_hold(
			&outlet->demotions, &send->to, longest(send->burst), clock_read().boottime);
	int error = udp_send_burst(sockets, send->burst, &send->to, send->is_handshake, progress);
	if (!error)
		settle(outlet, send, narrator, progress);
	return error;
}
