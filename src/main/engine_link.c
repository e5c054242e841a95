#include "main/engine_link.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/channel.h"
#include "io/clock.h"
#include "io/engine.h"
#include "io/handover.h"
#include "io/log.h"
#include "main/background.h"
#include "text/addrtext.h"

#define PLACE_TEXT_MAX (ADDRTEXT_ENDPOINT_MAX + IFNAMSIZ)

static int run_engine(int channel, void *is_background)
{
	if (*(bool *)is_background)
		background_leave_terminal();
	return engine_run(channel, NULL);
}

int engine_link_start(struct engine_link *engine, bool is_background)
{
	engine->udp = UDP_NO_SOCKETS;
	engine->has_last_stamp = false;
	return process_start(&engine->process, "adit-engine", run_engine, &is_background, NULL, 0);
}

/* One message that is whole and valid, or channel_receive's result; -EPROTO: not valid. */
static int receive_message(struct engine_link *engine, struct from_engine *message)
{
	int fds[CHANNEL_FDS_MAX];
	size_t fd_count;
	int got =
		channel_receive(engine->process.channel, message, sizeof *message, fds, &fd_count);
	if (got != 1 || from_engine_is_valid(message, fd_count))
		return got;
	channel_close_fds(fds, fd_count);
	return -EPROTO;
}

/* Waits until the descriptor is readable; false: it is not by `deadline`. */
static bool is_readable_by(int fd, nanos deadline)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int n;
	do {
		nanos left = nanos_since(deadline, clock_read().boottime);
		n = poll(&p, 1, (int)((left + NANOS_PER_MS - 1) / NANOS_PER_MS));
	} while (n < 0 && errno == EINTR);
	return n > 0;
}

/* Told to end, it says the last stamp, and closes the channel. */
static void hear_last_stamp(struct engine_link *engine, nanos deadline)
{
	struct from_engine message;
	int got = 1;
	shutdown(engine->process.channel, SHUT_WR);
	while (got == 1 && is_readable_by(engine->process.channel, deadline)) {
		got = receive_message(engine, &message);
		if (got != 1 || message.kind != FROM_ENGINE_LAST_STAMP)
			continue;
		engine->sent_stamp = message.sent_stamp;
		engine->has_last_stamp = true;
	}
}

int engine_link_stop(struct engine_link *engine)
{
	nanos deadline = nanos_add(clock_read().boottime, ENGINE_LINK_STOP_NS);
	udp_close(&engine->udp);
	hear_last_stamp(engine, deadline);
	if (!is_readable_by(engine->process.pidfd, deadline)) {
		log_error("the engine has not ended within %u s: killing it",
			(unsigned)(ENGINE_LINK_STOP_NS / NANOS_PER_SECOND));
		process_kill(&engine->process);
	}
	int status = process_finish(&engine->process);
	engine->process.pid = 0;
	return status;
}

/* The engine empties its queue quickly; when it is full, waiting is right. */
static int send_message(struct engine_link *engine, const struct to_engine *message, const int *fds,
	size_t fd_count)
{
	int error;
	while ((error = channel_send(engine->process.channel, message, sizeof *message, fds,
			fd_count)) == -EAGAIN)
		if ((error = channel_wait(engine->process.channel, POLLOUT)))
			break;
	return error;
}

static struct message_stamps limit_of(const struct stamps *stamps)
{
	return (struct message_stamps){.is_limited = stamps->is_limited, .limit = stamps->limit};
}

int engine_link_give_tun(struct engine_link *engine, int tun, uint32_t mtu,
	const struct tuning *tuning, const struct stamps *stamps)
{
	struct to_engine message = {
		.kind = TO_ENGINE_START,
		.start = {.mtu = mtu,
			.stamps = limit_of(stamps),
			.stamp_floor = stamps->floor,
			.tuning = *tuning},
	};
	engine->told_mtu = mtu;
	return send_message(engine, &message, &tun, 1);
}

int engine_link_tell_tuning(struct engine_link *engine, const struct tuning *tuning)
{
	struct to_engine message = {.kind = TO_ENGINE_TUNING, .tuning = *tuning};
	return send_message(engine, &message, NULL, 0);
}

int engine_link_give_stamps(struct engine_link *engine, const struct stamps *stamps)
{
	struct to_engine message = {.kind = TO_ENGINE_STAMPS, .stamps = limit_of(stamps)};
	return send_message(engine, &message, NULL, 0);
}

/* Hands over what engine->udp holds, or the error. */
static int give_sockets(struct engine_link *engine, uint32_t request_id, int error)
{
	int fds[UDP_SOCKETS_MAX];
	struct to_engine message = {
		.kind = TO_ENGINE_SOCKETS,
		.sockets = {.request_id = request_id, .error = error},
	};
	size_t count = error ? 0 : handover_put(&message, &engine->udp, fds);
	engine->answered_id = request_id;
	return send_message(engine, &message, fds, count);
}

/* Only under a flood does it make a difference. */
static void tell_about_steering(const struct udp_sockets *udp)
{
	if (udp->steer_error)
		log_info("handshakes share the socket of data, so a flood of them can slow it "
			 "down: the kernel does not tell them apart (%s)",
			strerror(-udp->steer_error));
}

/* "192.0.2.1:51820" or "[fe80::1%eth0]:51820" */
static void write_place(char text[static PLACE_TEXT_MAX], const struct udp_wishes *wishes,
	uint32_t i, uint16_t port)
{
	const struct ip_address *address = &wishes->places[i].address;
	const char *zone = wishes->places[i].zone;
	bool is_v6 = address->family == IP_V6;
	char plain[ADDRTEXT_ADDRESS_MAX];
	addrtext_write_address(plain, address);
	snprintf(text, PLACE_TEXT_MAX, "%s%s%s%s%s:%u", is_v6 ? "[" : "", plain, *zone ? "%" : "",
		zone, is_v6 ? "]" : "", port);
}

static void say_failure(const struct udp_wishes *wishes, uint32_t i, uint16_t port, int error)
{
	char place[PLACE_TEXT_MAX];
	bool has_place = i < wishes->count;
	const char *zone = has_place ? wishes->places[i].zone : "";
	if (has_place)
		write_place(place, wishes, i, port);
	if (error == -ENODEV && !*zone)
		log_error("BindDevice: there is no interface \"%s\"", wishes->device);
	else if (error == -ENODEV)
		log_error("Listen: %s: there is no interface \"%s\"", place, zone);
	else if (!has_place)
		log_error("cannot listen on UDP port %u: %s", port, strerror(-error));
	else if (error == -EADDRNOTAVAIL)
		log_error("Listen: %s: this machine has no such address%s%s", place,
			*wishes->device ? " on " : "", wishes->device);
	else
		log_error("Listen: %s: %s", place, strerror(-error));
}

/* The same again is no news: without sockets they are asked for whenever routes change. */
static int open_sockets(struct engine_link *engine, struct udp_sockets *fresh, uint16_t port)
{
	uint32_t failed;
	int error = udp_open_at(fresh, port, &engine->wishes, &failed);
	if (error && error != engine->told_error)
		say_failure(&engine->wishes, failed, port, error);
	return error;
}

/* The port's sockets, with the mark: those at hand if they fit, else new ones. */
static int get_sockets(struct engine_link *engine, uint16_t port, uint32_t fwmark)
{
	struct udp_sockets fresh = engine->udp;
	bool is_open = engine->udp.count > 0;
	bool is_new = !is_open || port != engine->udp.port;
	int error = is_new ? open_sockets(engine, &fresh, port) : 0;
	engine->told_error = is_open ? 0 : error;
	if (error)
		return error;
	if ((is_new && fwmark) || (!is_new && fwmark != engine->fwmark))
		error = udp_set_mark(&fresh, fwmark);
	if (error) {
		log_error("cannot mark what is sent: %s", strerror(-error));
		if (is_new)
			udp_close(&fresh);
		return error;
	}
	if (is_new) {
		udp_close(&engine->udp);
		tell_about_steering(&fresh);
	}
	engine->udp = fresh;
	engine->fwmark = fwmark;
	return 0;
}

int engine_link_open_port(struct engine_link *engine, uint16_t port, uint32_t fwmark)
{
	int error = get_sockets(engine, port, fwmark);
	return error ? error : give_sockets(engine, 0, 0);
}

int engine_link_listen(struct engine_link *engine, const struct udp_wishes *wishes)
{
	uint32_t failed;
	int error = 0;
	if (engine->udp.count)
		error = udp_move(&engine->udp, wishes, engine->fwmark, &failed);
	if (error) {
		say_failure(wishes, failed, engine->udp.port, error);
		return error;
	}
	engine->wishes = *wishes;
	if (!engine->udp.count)
		return 0; /* for those that are asked for next */
	return give_sockets(engine, engine->answered_id, 0);
}

/* A device that our sockets were bound to has gone, and one of its name has come. */
int engine_link_renew_sockets(struct engine_link *engine)
{
	int renewed = udp_renew(&engine->udp, &engine->wishes, engine->fwmark);
	if (renewed == 0 || renewed == -EADDRNOTAVAIL) /* it has no addresses yet */
		return 0;
	if (renewed < 0) {
		log_error("an interface came anew, but it cannot be listened to: %s",
			strerror(-renewed));
		return 0;
	}
	log_info("an interface came anew: listening to it");
	return give_sockets(engine, engine->answered_id, 0);
}

int engine_link_tell_routes(struct engine_link *engine, const struct message_sources *wrong)
{
	struct to_engine message = {.kind = TO_ENGINE_ROUTES, .sources = *wrong};
	return send_message(engine, &message, NULL, 0);
}

int engine_link_give_control(struct engine_link *engine, int fd, bool is_own)
{
	struct to_engine message = {.kind = TO_ENGINE_CONTROL, .control.is_own = is_own};
	int error = send_message(engine, &message, &fd, 1);
	close(fd);
	return error;
}

int engine_link_tell(struct engine_link *engine, bool is_up, uint32_t mtu)
{
	struct to_engine message = {
		.kind = TO_ENGINE_LINK,
		.link = {.is_up = is_up, .mtu = mtu},
	};
	if (is_up == engine->told_up && mtu == engine->told_mtu)
		return 0;
	engine->told_up = is_up;
	engine->told_mtu = mtu;
	engine->is_closed = !is_up;
	if (!is_up) {
		udp_close(&engine->udp);
		engine->told_error = 0;
	}
	return send_message(engine, &message, NULL, 0);
}

int engine_link_ping(struct engine_link *engine)
{
	struct to_engine message = {.kind = TO_ENGINE_PING};
	return send_message(engine, &message, NULL, 0);
}

int engine_link_receive(struct engine_link *engine, enum from_engine_kind *kind)
{
	struct from_engine message;
	int got = receive_message(engine, &message);
	if (got != 1)
		return got;
	*kind = (enum from_engine_kind)message.kind;
	if (message.kind == FROM_ENGINE_NEED_STAMPS)
		engine->sent_stamp = message.sent_stamp;
	if (message.kind == FROM_ENGINE_SOURCES)
		engine->sources = message.sources;
	if (message.kind != FROM_ENGINE_NEED_SOCKETS)
		return 1;
	/* from before the link went down: the engine throws the answer away */
	if (engine->is_closed)
		return 1;
	int error = get_sockets(engine, message.need_sockets.port, message.need_sockets.fwmark);
	error = give_sockets(engine, message.need_sockets.request_id, error);
	return error ? error : 1;
}
