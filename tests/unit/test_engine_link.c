#include "unit/test.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io/channel.h"
#include "main/engine_link.h"
#include "unit/capture.h"
#include "unit/netbox.h"
#include "unit/outer.h"
#include "unit/sandbox.h"

/* The supervisor's side; the test is the engine. */
static struct engine_link link_to_engine;
static int engine; /* its end of the channel */
static struct to_engine got;
static int fds[CHANNEL_FDS_MAX];
static size_t fd_count;

static bool begin(void)
{
	int ends[2];
	REQUIRE(capture_begin(NULL, "wg0"));
	REQUIRE(channel_pair(ends) == 0);
	link_to_engine =
		(struct engine_link){.process = {.channel = ends[0]}, .udp = UDP_NO_SOCKETS};
	engine = ends[1];
	return true;
}

/* What the supervisor said: in `got`, `fds` and `fd_count`. */
static bool heard(enum to_engine_kind kind)
{
	channel_close_fds(fds, fd_count);
	return channel_receive(engine, &got, sizeof got, fds, &fd_count) == 1 && got.kind == kind &&
	       to_engine_is_valid(&got, fd_count);
}

static bool heard_nothing(void)
{
	channel_close_fds(fds, fd_count);
	return channel_receive(engine, &got, sizeof got, fds, &fd_count) == -EAGAIN;
}

static ino_t inode_of(int fd)
{
	struct stat st;
	return fstat(fd, &st) ? 0 : st.st_ino;
}

static bool is_free(uint16_t port)
{
	struct udp_sockets udp;
	bool ok = udp_open(&udp, port, UDP_V4) == 0;
	if (ok)
		udp_close(&udp);
	return ok;
}

static bool ask_for(uint32_t id, uint16_t port, uint32_t fwmark)
{
	enum from_engine_kind kind = 0;
	struct from_engine message = {
		.kind = FROM_ENGINE_NEED_SOCKETS, .need_sockets = {id, fwmark, port}};
	return !channel_send(engine, &message, sizeof message, NULL, 0) &&
	       engine_link_receive(&link_to_engine, &kind) == 1 && kind == FROM_ENGINE_NEED_SOCKETS;
}

static bool hands_over(void)
{
	REQUIRE(begin());
	int tun = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct stamps stamps = {.floor = {{1}}, .limit = {{2}}, .is_limited = true};
	const struct tuning tuning = {1, 2, 3, 4};
	REQUIRE(engine_link_give_tun(&link_to_engine, tun, 1380, &tuning, &stamps) == 0);
	REQUIRE(heard(TO_ENGINE_START) && got.start.mtu == 1380 && got.start.stamps.is_limited);
	REQUIRE(got.start.stamp_floor.bytes[0] == 1 && got.start.stamps.limit.bytes[0] == 2);
	REQUIRE(!memcmp(&tuning, &got.start.tuning, sizeof tuning));
	REQUIRE(inode_of(fds[0]) == inode_of(tun) && fcntl(tun, F_GETFD) >= 0);
	unsigned before = open_fd_count();
	REQUIRE(engine_link_give_control(&link_to_engine, tun, false) == 0);
	REQUIRE(open_fd_count() == before - 1);
	REQUIRE(heard(TO_ENGINE_CONTROL) && heard_nothing());
	REQUIRE(engine_link_ping(&link_to_engine) == 0 && heard(TO_ENGINE_PING));
	REQUIRE(engine_link_tell_tuning(&link_to_engine, &tuning) == 0);
	REQUIRE(heard(TO_ENGINE_TUNING) && !memcmp(&tuning, &got.tuning, sizeof tuning));
	struct message_sources wrong = {.is_last = 1};
	REQUIRE(engine_link_tell_routes(&link_to_engine, &wrong) == 0 && heard(TO_ENGINE_ROUTES));
	REQUIRE(got.sources.is_last == 1);
	stamps.is_limited = false;
	REQUIRE(engine_link_give_stamps(&link_to_engine, &stamps) == 0 && heard(TO_ENGINE_STAMPS));
	REQUIRE(!got.stamps.is_limited);
	return true;
}

TEST(engine_link_hands_descriptors_over)
{
	sandbox_run(hands_over);
}

static bool opens_ports(void)
{
	REQUIRE(begin());
	REQUIRE(engine_link_open_port(&link_to_engine, 0, 0) == 0);
	REQUIRE(heard(TO_ENGINE_SOCKETS) && got.sockets.request_id == 0 && !got.sockets.error);
	uint16_t port = got.sockets.port;
	ino_t socket = inode_of(fds[0]);
	REQUIRE(port && port == link_to_engine.udp.port && !is_free(port));

	/* the same port: the same sockets */
	REQUIRE(ask_for(5, port, 0) && heard(TO_ENGINE_SOCKETS));
	REQUIRE(got.sockets.request_id == 5 && got.sockets.port == port);
	REQUIRE(inode_of(fds[0]) == socket);

	/* in use: a message, and all stays as it was */
	struct udp_sockets other;
	REQUIRE(udp_open(&other, 0, UDP_DUAL) == 0);
	REQUIRE(ask_for(6, other.port, 0) && heard(TO_ENGINE_SOCKETS));
	REQUIRE(got.sockets.request_id == 6 && got.sockets.error == -EADDRINUSE);
	REQUIRE(strstr(captured(), "wg0: cannot listen on UDP port "));
	REQUIRE(inode_of(data_v4(&link_to_engine.udp)) == socket);
	REQUIRE(engine_link_open_port(&link_to_engine, other.port, 0) == -EADDRINUSE);
	REQUIRE(heard_nothing());

	/* free again: new sockets, and the old are closed */
	udp_close(&other);
	REQUIRE(ask_for(7, other.port, 0) && heard(TO_ENGINE_SOCKETS));
	REQUIRE(!got.sockets.error && got.sockets.port == other.port);
	REQUIRE(inode_of(fds[0]) != socket && is_free(port));
	return true;
}

TEST(engine_link_opens_ports)
{
	sandbox_run(opens_ports);
}

static uint32_t mark_of(int fd)
{
	uint32_t mark = UINT32_MAX;
	socklen_t len = sizeof mark;
	getsockopt(fd, SOL_SOCKET, SO_MARK, &mark, &len);
	return mark;
}

static void wish(uint8_t last_byte)
{
	struct udp_wishes *wishes = &link_to_engine.wishes;
	wishes->places[wishes->count++].address =
		(struct ip_address){IP_V4, {127, 0, 0, last_byte}};
}

/* Another port is another port of the same places, and the mark is on all of them. */
static bool listens(void)
{
	REQUIRE(begin());
	wish(2);
	wish(3);
	REQUIRE(engine_link_open_port(&link_to_engine, 0, 0x10) == 0);
	for (uint32_t id = 1; id < 3; id++) {
		REQUIRE(heard(TO_ENGINE_SOCKETS) && got.sockets.count == 2 && fd_count == 4);
		REQUIRE(got.sockets.places[0].address.bytes[3] == 2);
		REQUIRE(got.sockets.places[1].address.bytes[3] == 3);
		for (size_t i = 0; i < fd_count; i++)
			REQUIRE(mark_of(fds[i]) == 0x10);
		REQUIRE(ask_for(id, 0, 0x10));
	}
	REQUIRE(heard(TO_ENGINE_SOCKETS) && got.sockets.request_id == 2);
	uint16_t port = got.sockets.port;
	link_to_engine.wishes.count = 0; /* any address is no free place any more */
	REQUIRE(ask_for(3, port, 0x10) && heard(TO_ENGINE_SOCKETS) && !got.sockets.error);
	return true;
}

TEST(engine_link_listens_where_it_shall)
{
	sandbox_run(listens);
}

/* The user stays, who alone may share its ports. */
static bool drop_privilege(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
	return !syscall(SYS_capset, &header, none);
}

/* A configuration read anew: the engine is given the sockets without having asked. */
static bool moves(void)
{
	struct udp_wishes wishes = {.count = 1};
	REQUIRE(begin());
	wishes.places[0].address = (struct ip_address){IP_V4, {127, 0, 0, 2}};
	REQUIRE(engine_link_listen(&link_to_engine, &wishes) == 0 && heard_nothing());
	REQUIRE(engine_link_open_port(&link_to_engine, 0, 0x10) == 0);
	REQUIRE(heard(TO_ENGINE_SOCKETS) && got.sockets.count == 1);
	uint16_t port = got.sockets.port;
	REQUIRE(ask_for(5, port, 0x10) && heard(TO_ENGINE_SOCKETS));
	REQUIRE(engine_link_listen(&link_to_engine, &(struct udp_wishes){0}) == 0);
	REQUIRE(heard(TO_ENGINE_SOCKETS) && got.sockets.count == 2 && got.sockets.port == port);
	REQUIRE(got.sockets.request_id == 5 && mark_of(fds[0]) == 0x10);
	wishes.places[0].address.bytes[0] = 192;
	REQUIRE(engine_link_listen(&link_to_engine, &wishes) == -EADDRNOTAVAIL && heard_nothing());
	REQUIRE(strstr(captured(), "this machine has no such address"));
	REQUIRE(link_to_engine.wishes.count == 0 && link_to_engine.udp.count == 2);
	/* without the mark nothing is given up either */
	ino_t socket = inode_of(data_v4(&link_to_engine.udp));
	wishes.places[0].address.bytes[0] = 127;
	REQUIRE(drop_privilege() && engine_link_listen(&link_to_engine, &wishes) == -EPERM);
	REQUIRE(heard_nothing() && strstr(captured(), "cannot listen on UDP port"));
	REQUIRE(!link_to_engine.wishes.count && socket == inode_of(data_v4(&link_to_engine.udp)));
	return true;
}

TEST(engine_link_moves_to_other_places)
{
	sandbox_run(moves);
}

/* What is wrong is said in the words of the configuration, and once. */
static bool explains(void)
{
	struct udp_wishes *wishes = &link_to_engine.wishes;
	REQUIRE(begin());
	strcpy(wishes->device, "eth7");
	REQUIRE(engine_link_open_port(&link_to_engine, 7, 0) == -ENODEV);
	REQUIRE(!strcmp("wg0: BindDevice: there is no interface \"eth7\"\n", captured()));
	REQUIRE(engine_link_open_port(&link_to_engine, 7, 0) == -ENODEV);
	REQUIRE(!*captured()); /* the same again */
	wishes->device[0] = 0;
	wish(1);
	wishes->places[wishes->count++].address = (struct ip_address){IP_V4, {192, 0, 2, 1}};
	REQUIRE(ask_for(1, 7, 0) && heard(TO_ENGINE_SOCKETS));
	REQUIRE(got.sockets.error == -EADDRNOTAVAIL && got.sockets.request_id == 1);
	REQUIRE(!strcmp(
		"wg0: Listen: 192.0.2.1:7: this machine has no such address\n", captured()));
	wishes->places[1].address = (struct ip_address){IP_V6, {0xfe, 0x80, [15] = 1}};
	strcpy(wishes->places[1].zone, "eth7");
	REQUIRE(engine_link_open_port(&link_to_engine, 7, 0) == -ENODEV);
	REQUIRE(!strcmp(
		"wg0: Listen: [fe80::1%eth7]:7: there is no interface \"eth7\"\n", captured()));
	wishes->count = 1;
	struct udp_sockets other;
	REQUIRE(udp_open(&other, 7, UDP_V4) == 0);
	REQUIRE(engine_link_open_port(&link_to_engine, 7, 0) == -EADDRINUSE);
	REQUIRE(!strcmp("wg0: Listen: 127.0.0.1:7: Address already in use\n", captured()));
	return true;
}

TEST(engine_link_explains_in_the_words_of_the_configuration)
{
	sandbox_run(explains);
}

/* A device of the same name: the engine is given other sockets without having asked. */
static bool follows_a_device(void)
{
	if (netbox_tun("d0", &(uint32_t){0}) < 0)
		return sandbox_skip("no TUN device can be made; run as root");
	REQUIRE(begin());
	int tun = netbox_tun("d1", &(uint32_t){0});
	strcpy(link_to_engine.wishes.device, "d1");
	REQUIRE(engine_link_open_port(&link_to_engine, 0, 0x10) == 0);
	REQUIRE(heard(TO_ENGINE_SOCKETS));
	REQUIRE(ask_for(9, got.sockets.port, 0x10) && heard(TO_ENGINE_SOCKETS));
	uint16_t port = got.sockets.port;
	ino_t socket = inode_of(fds[0]);
	REQUIRE(engine_link_renew_sockets(&link_to_engine) == 0 && heard_nothing());
	close(tun);
	REQUIRE(engine_link_renew_sockets(&link_to_engine) == 0 && heard_nothing());
	REQUIRE(netbox_tun("d1", &(uint32_t){0}) >= 0 && !*captured());
	REQUIRE(engine_link_renew_sockets(&link_to_engine) == 0 && heard(TO_ENGINE_SOCKETS));
	REQUIRE(got.sockets.request_id == 9 && got.sockets.port == port);
	REQUIRE(inode_of(fds[0]) != socket && mark_of(fds[0]) == 0x10);
	REQUIRE(strstr(captured(), "wg0: an interface came anew: listening to it\n"));
	return heard_nothing();
}

TEST(engine_link_follows_a_device_that_comes_anew)
{
	sandbox_run(follows_a_device);
}

/* Row 33: a new mark needs no new bind, and what does not change no privilege. */
static bool marks(void)
{
	if (geteuid() != 0)
		return sandbox_skip("SO_MARK needs root");
	REQUIRE(begin());
	REQUIRE(engine_link_open_port(&link_to_engine, 0, 0x10) == 0);
	REQUIRE(heard(TO_ENGINE_SOCKETS) && mark_of(fds[0]) == 0x10);
	uint16_t port = got.sockets.port;
	ino_t socket = inode_of(fds[0]);
	REQUIRE(ask_for(1, port, 0x20) && heard(TO_ENGINE_SOCKETS));
	REQUIRE(inode_of(fds[0]) == socket && mark_of(fds[0]) == 0x20);
	REQUIRE(ask_for(2, 0, 0x20) && heard(TO_ENGINE_SOCKETS));
	REQUIRE(inode_of(fds[0]) != socket && mark_of(fds[0]) == 0x20);
	port = got.sockets.port;
	REQUIRE(!setuid(65534));
	REQUIRE(ask_for(3, port, 0x20) && heard(TO_ENGINE_SOCKETS) && !got.sockets.error);
	REQUIRE(ask_for(4, port, 0) && heard(TO_ENGINE_SOCKETS));
	REQUIRE(got.sockets.error == -EPERM && link_to_engine.fwmark == 0x20);
	return true;
}

TEST(engine_link_marks_the_same_sockets_row_33)
{
	sandbox_run(marks);
}

static bool tells_news(void)
{
	REQUIRE(begin());
	REQUIRE(engine_link_open_port(&link_to_engine, 0, 0) == 0);
	uint16_t port = link_to_engine.udp.port;
	REQUIRE(heard(TO_ENGINE_SOCKETS));
	REQUIRE(engine_link_tell(&link_to_engine, true, 1420) == 0);
	REQUIRE(heard(TO_ENGINE_LINK) && got.link.is_up == 1 && got.link.mtu == 1420);
	REQUIRE(engine_link_tell(&link_to_engine, true, 1420) == 0 && heard_nothing());
	REQUIRE(engine_link_tell(&link_to_engine, true, 1280) == 0);
	REQUIRE(heard(TO_ENGINE_LINK) && got.link.is_up == 1 && got.link.mtu == 1280);
	REQUIRE(!is_free(port));
	REQUIRE(engine_link_tell(&link_to_engine, false, 1280) == 0);
	REQUIRE(heard(TO_ENGINE_LINK) && got.link.is_up == 0 && is_free(port));

	/* asked before the engine heard of it: nothing is opened behind its back */
	REQUIRE(ask_for(1, port, 0) && heard_nothing() && is_free(port));
	REQUIRE(engine_link_tell(&link_to_engine, true, 1280) == 0 && heard(TO_ENGINE_LINK));
	REQUIRE(ask_for(2, port, 0) && heard(TO_ENGINE_SOCKETS) && got.sockets.port == port);
	return true;
}

TEST(engine_link_tells_what_is_news)
{
	sandbox_run(tells_news);
}

static bool receives(void)
{
	enum from_engine_kind kind = 0;
	struct from_engine message = {.kind = FROM_ENGINE_PONG};
	REQUIRE(begin());
	REQUIRE(engine_link_receive(&link_to_engine, &kind) == -EAGAIN);
	REQUIRE(channel_send(engine, &message, sizeof message, NULL, 0) == 0);
	REQUIRE(engine_link_receive(&link_to_engine, &kind) == 1 && kind == FROM_ENGINE_PONG);
	message = (struct from_engine){.kind = FROM_ENGINE_NEED_STAMPS, .sent_stamp = {{7}}};
	REQUIRE(channel_send(engine, &message, sizeof message, NULL, 0) == 0);
	REQUIRE(engine_link_receive(&link_to_engine, &kind) == 1);
	REQUIRE(kind == FROM_ENGINE_NEED_STAMPS && link_to_engine.sent_stamp.bytes[0] == 7);
	message = (struct from_engine){.kind = FROM_ENGINE_SOURCES, .sources.is_last = 1};
	REQUIRE(channel_send(engine, &message, sizeof message, NULL, 0) == 0);
	REQUIRE(engine_link_receive(&link_to_engine, &kind) == 1);
	REQUIRE(kind == FROM_ENGINE_SOURCES && link_to_engine.sources.is_last == 1);
	unsigned before = open_fd_count();
	REQUIRE(channel_send(engine, &message, sizeof message, &engine, 1) == 0);
	REQUIRE(engine_link_receive(&link_to_engine, &kind) == -EPROTO);
	message.kind = 99;
	REQUIRE(channel_send(engine, &message, sizeof message, NULL, 0) == 0);
	REQUIRE(engine_link_receive(&link_to_engine, &kind) == -EPROTO);
	REQUIRE(channel_send(engine, &message, sizeof message - 1, NULL, 0) == 0);
	REQUIRE(engine_link_receive(&link_to_engine, &kind) == -EPROTO);
	REQUIRE(open_fd_count() == before);
	close(engine);
	REQUIRE(engine_link_receive(&link_to_engine, &kind) == 0);
	REQUIRE(engine_link_ping(&link_to_engine) == -EPIPE);
	return true;
}

TEST(engine_link_checks_what_the_engine_says)
{
	sandbox_run(receives);
}

static bool lives(void)
{
	unsigned before = open_fd_count();
	struct stamps stamps = {.floor = {{0x40, 7}}};
	const struct tuning tuning = TUNING_USUAL;
	int tun[2];
	REQUIRE(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, tun));
	REQUIRE(engine_link_start(&link_to_engine, false) == 0);
	REQUIRE(link_to_engine.udp.count == 0);
	REQUIRE(engine_link_give_tun(&link_to_engine, tun[0], 1420, &tuning, &stamps) == 0);
	close(tun[0]);
	REQUIRE(engine_link_stop(&link_to_engine) == 0);
	REQUIRE(link_to_engine.has_last_stamp);
	REQUIRE(tai64n_is_after(&link_to_engine.sent_stamp, &stamps.floor));
	close(tun[1]);
	REQUIRE(engine_link_start(&link_to_engine, false) == 0);
	REQUIRE(!kill(link_to_engine.process.pid, SIGKILL));
	REQUIRE(engine_link_stop(&link_to_engine) == 128 + SIGKILL);
	REQUIRE(!link_to_engine.has_last_stamp); /* nobody knows */
	REQUIRE(open_fd_count() == before);
	return true;
}

TEST(engine_link_starts_and_stops_it)
{
	sandbox_run_child(lives);
}
