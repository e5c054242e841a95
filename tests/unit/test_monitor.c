#include "manage/monitor.h"

#include <libmnl/libmnl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit/netbox.h"
#include "unit/sandbox.h"

static struct monitor m;
static bool (*current)(void);

static bool monitored(void)
{
	REQUIRE(monitor_open(&m, box.tun) == 0);
	return current();
}

static void run_monitored(bool (*body)(void))
{
	current = body;
	netbox_run(monitored);
}

/*
 * All messages there are, together. The kernel queues them before the call that
 * caused them returns, so nothing has to be waited for.
 */
static uint32_t drain(void)
{
	uint32_t all = 0, changes;
	int got;
	while ((got = monitor_read(&m, &changes)) == 1)
		all |= changes;
	return got == 0 ? all : ~0u;
}

static bool begins_with_what_is(void)
{
	REQUIRE(m.link.ifindex == box.ifindex && m.link.mtu == 1500 && !m.link.is_up);
	REQUIRE(m.nsid == NETLINK_NSID_OWN);
	monitor_close(&m);
	REQUIRE(netlink_link_set_up(&box.n, box.ifindex, true) == 0);
	REQUIRE(netlink_link_set_mtu(&box.n, box.ifindex, 1400) == 0);
	REQUIRE(monitor_open(&m, box.tun) == 0);
	REQUIRE(m.link.mtu == 1400 && m.link.is_up);
	REQUIRE(drain() == 0);
	return true;
}

TEST(monitor_begins_with_what_is)
{
	run_monitored(begins_with_what_is);
}

static bool each_event(void)
{
	uint32_t changes;
	struct pollfd p;
	p = (struct pollfd){.fd = m.fd, .events = POLLIN};
	REQUIRE(poll(&p, 1, 0) == 0);
	REQUIRE(netlink_link_set_up(&box.n, box.ifindex, true) == 0);
	REQUIRE(poll(&p, 1, 0) == 1);
	REQUIRE(drain() == MONITOR_UP && m.link.is_up);
	REQUIRE(poll(&p, 1, 0) == 0);
	REQUIRE(netlink_link_set_mtu(&box.n, box.ifindex, 1300) == 0);
	REQUIRE(drain() == MONITOR_MTU && m.link.mtu == 1300);
	REQUIRE(netlink_link_set_up(&box.n, box.ifindex, false) == 0);
	REQUIRE(drain() == MONITOR_DOWN && !m.link.is_up);
	/* Nothing is missed between two reads, whatever the state is by then. */
	REQUIRE(netlink_link_set_up(&box.n, box.ifindex, true) == 0);
	REQUIRE(netlink_link_set_up(&box.n, box.ifindex, false) == 0);
	REQUIRE(drain() == (MONITOR_UP | MONITOR_DOWN) && !m.link.is_up);

	REQUIRE(netbox_delete(&box.n, box.ifindex) == 0);
	REQUIRE(drain() == MONITOR_DELETED);
	REQUIRE(monitor_read(&m, &changes) == 0);
	/* A new device with its index is another one. */
	REQUIRE(netbox_tun_at("t9", box.ifindex) >= 0);
	REQUIRE(netlink_link_set_up(&box.n, box.ifindex, true) == 0);
	REQUIRE(drain() == 0);
	return true;
}

TEST(monitor_hears_up_down_mtu_and_deletion)
{
	run_monitored(each_event);
}

static bool others_devices(void)
{
	uint32_t other;
	int fd = netbox_tun("t1", &other);
	REQUIRE(fd >= 0);
	REQUIRE(netlink_link_set_up(&box.n, other, true) == 0);
	REQUIRE(netlink_link_set_mtu(&box.n, other, 1300) == 0);
	close(fd);
	REQUIRE(drain() == 0);
	return true;
}

TEST(monitor_ignores_other_devices)
{
	run_monitored(others_devices);
}

/* The device's life in another namespace, where it may have another index. */
static bool life_elsewhere(void)
{
	struct netlink there;
	struct netlink_link link;
	int other = netbox_namespace(&there);
	REQUIRE(other >= 0);
	REQUIRE(netlink_link_set_up(&box.n, box.ifindex, true) == 0);
	REQUIRE(drain() == MONITOR_UP);
	REQUIRE(netbox_move(&box.n, box.ifindex, other) == 0);
	REQUIRE(drain() == (MONITOR_MOVED | MONITOR_DOWN)); /* the kernel takes it down */
	REQUIRE(m.nsid >= 0 && !m.link.is_up && m.link.mtu == 1500);

	REQUIRE(netlink_link_get(&there, m.link.ifindex, &link) == 0 && !strcmp(link.name, "t0"));
	REQUIRE(netlink_link_set_up(&there, link.ifindex, true) == 0);
	REQUIRE(drain() == MONITOR_UP && m.link.is_up);
	REQUIRE(netlink_link_set_mtu(&there, link.ifindex, 1280) == 0);
	REQUIRE(drain() == MONITOR_MTU && m.link.mtu == 1280);
	/* Another device with the same index, in our namespace, is not ours. */
	REQUIRE(netbox_tun_at("t9", m.link.ifindex) >= 0);
	REQUIRE(netlink_link_set_mtu(&box.n, m.link.ifindex, 1111) == 0);
	REQUIRE(drain() == 0 && m.link.mtu == 1280);
	REQUIRE(netlink_link_set_up(&there, link.ifindex, false) == 0);
	REQUIRE(drain() == MONITOR_DOWN);
	REQUIRE(netbox_delete(&there, link.ifindex) == 0);
	REQUIRE(drain() == MONITOR_DELETED);
	return true;
}

TEST(monitor_follows_into_another_namespace)
{
	run_monitored(life_elsewhere);
}

/*
 * From the second namespace into a third, which has no id in ours, and home. The
 * ids in those messages are the second's and third's own, and lead nowhere here.
 */
static bool several_moves(void)
{
	struct netlink second, third;
	int home = ioctl(mnl_socket_get_fd(box.n.socket), SIOCGSKNS);
	int b = netbox_namespace(&second), c = netbox_namespace(&third);
	REQUIRE(home >= 0 && b >= 0 && c >= 0);
	REQUIRE(netbox_move(&box.n, box.ifindex, b) == 0);
	REQUIRE(drain() == MONITOR_MOVED);
	REQUIRE(netbox_move(&second, m.link.ifindex, c) == 0);
	REQUIRE(drain() == MONITOR_MOVED);
	REQUIRE(netlink_link_set_up(&third, m.link.ifindex, true) == 0);
	REQUIRE(drain() == MONITOR_UP);
	REQUIRE(netbox_move(&third, m.link.ifindex, home) == 0);
	REQUIRE(drain() == (MONITOR_MOVED | MONITOR_DOWN));
	REQUIRE(m.nsid == NETLINK_NSID_OWN);
	REQUIRE(netlink_link_set_mtu(&box.n, m.link.ifindex, 1333) == 0);
	REQUIRE(drain() == MONITOR_MTU);

	/* Two moves before anybody looks: where it is now is what counts. */
	REQUIRE(netbox_move(&box.n, m.link.ifindex, b) == 0);
	struct netlink_link link;
	REQUIRE(netlink_link_find(&second, "t0", NETLINK_NSID_OWN, &link) == 0);
	REQUIRE(netbox_move(&second, link.ifindex, c) == 0);
	REQUIRE(drain() == MONITOR_MOVED);
	REQUIRE(netlink_link_set_up(&third, m.link.ifindex, true) == 0);
	REQUIRE(drain() == MONITOR_UP);
	return true;
}

TEST(monitor_follows_several_moves)
{
	run_monitored(several_moves);
}

/* Has the kernel throw messages away, until it says so with ENOBUFS. */
static bool overflow(void)
{
	int size = 1;
	REQUIRE(setsockopt(m.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) == 0);
	for (uint32_t i = 0; i < 50; i++)
		REQUIRE(netlink_link_set_mtu(&box.n, box.ifindex, 1000 + i) == 0);
	return true;
}

static bool lost_change(void)
{
	REQUIRE(overflow());
	REQUIRE(netlink_link_set_up(&box.n, box.ifindex, true) == 0);
	REQUIRE(netlink_link_set_mtu(&box.n, box.ifindex, 1234) == 0);
	REQUIRE(drain() == (MONITOR_MTU | MONITOR_UP));
	REQUIRE(m.link.mtu == 1234 && m.link.is_up);
	return true;
}

TEST(monitor_asks_after_lost_messages)
{
	run_monitored(lost_change);
}

static bool lost_move(void)
{
	struct netlink there;
	int other = netbox_namespace(&there);
	REQUIRE(other >= 0 && overflow());
	REQUIRE(netbox_move(&box.n, box.ifindex, other) == 0);
	uint32_t changes = drain();
	REQUIRE(changes & MONITOR_MOVED && !(changes & MONITOR_DELETED));
	REQUIRE(m.nsid >= 0 && m.link.mtu == 1049);
	REQUIRE(netbox_delete(&there, m.link.ifindex) == 0);
	REQUIRE(drain() & MONITOR_DELETED);
	return true;
}

TEST(monitor_finds_a_device_whose_move_was_lost)
{
	run_monitored(lost_move);
}

static bool namespace_gone(void)
{
	struct netlink there;
	int other = netbox_namespace(&there);
	REQUIRE(other >= 0);
	REQUIRE(netbox_move(&box.n, box.ifindex, other) == 0);
	REQUIRE(drain() == MONITOR_MOVED);
	netlink_close(&there);
	close(other);
	/* The kernel takes a namespace apart in its own time. */
	struct pollfd p = {.fd = m.fd, .events = POLLIN};
	uint32_t changes = 0;
	while (!changes) {
		REQUIRE(poll(&p, 1, 10000) == 1);
		changes = drain();
	}
	REQUIRE(changes == MONITOR_DELETED);
	return true;
}

TEST(monitor_hears_that_the_devices_namespace_is_gone)
{
	run_monitored(namespace_gone);
}

static bool renamed(void)
{
	struct ifreq rename = {.ifr_name = "t0", .ifr_newname = "t7"};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	REQUIRE(fd >= 0 && ioctl(fd, SIOCSIFNAME, &rename) == 0);
	REQUIRE(drain() == 0 && !strcmp(m.link.name, "t7"));
	REQUIRE(netlink_link_set_up(&box.n, box.ifindex, true) == 0);
	REQUIRE(drain() == MONITOR_UP);
	return true;
}

TEST(monitor_knows_a_device_by_more_than_its_name)
{
	run_monitored(renamed);
}

static bool not_a_tun(void)
{
	struct monitor other;
	unsigned before = open_fd_count();
	REQUIRE(monitor_open(&other, STDIN_FILENO) < 0);
	REQUIRE(monitor_open(&other, -1) == -EBADF);
	REQUIRE(netbox_delete(&box.n, box.ifindex) == 0);
	REQUIRE(monitor_open(&other, box.tun) == -EBADFD);
	REQUIRE(open_fd_count() == before);
	return true;
}

TEST(monitor_refuses_what_is_no_tun)
{
	run_monitored(not_a_tun);
}
