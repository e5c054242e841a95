#include "manage/netlink.h"

#include <linux/filter.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "manage/netlink_request.h"
#include "unit/netbox.h"
#include "unit/sandbox.h"

static struct netlink n;
static uint32_t ifindex;
static int tun;

/* Every body below begins with a socket and a TUN device t0, which is down. */
static bool begin(void)
{
	REQUIRE(netlink_open(&n) == 0);
	tun = netbox_tun("t0", &ifindex);
	return tun >= 0 || sandbox_skip("no TUN device can be made here");
}

static bool link_states(void)
{
	struct netlink_link link;
	REQUIRE(begin());
	REQUIRE(netlink_link_get(&n, ifindex, &link) == 0);
	REQUIRE(!strcmp(link.name, "t0") && link.ifindex == ifindex);
	REQUIRE(!link.is_up && link.mtu == 1500);
	REQUIRE(netlink_link_set_up(&n, ifindex, true) == 0);
	REQUIRE(netlink_link_set_mtu(&n, ifindex, 1420) == 0);
	REQUIRE(netlink_link_find(&n, "t0", NETLINK_NSID_OWN, &link) == 0);
	REQUIRE(link.is_up && link.mtu == 1420 && link.ifindex == ifindex);
	REQUIRE(netlink_link_set_up(&n, ifindex, false) == 0);
	REQUIRE(netlink_link_get(&n, ifindex, &link) == 0 && !link.is_up);
	return true;
}

TEST(netlink_reads_and_sets_a_link)
{
	sandbox_run(link_states);
}

static bool link_missing(void)
{
	struct netlink_link link = {.mtu = 7};
	REQUIRE(begin());
	REQUIRE(netlink_link_get(&n, ifindex + 1, &link) == -ENODEV);
	REQUIRE(netlink_link_find(&n, "t1", NETLINK_NSID_OWN, &link) == -ENODEV);
	REQUIRE(netlink_link_find(&n, "0123456789abcdef", NETLINK_NSID_OWN, &link) == -ENODEV);
	REQUIRE(netlink_link_set_up(&n, ifindex + 1, true) == -ENODEV);
	REQUIRE(link.mtu == 7);
	close(tun);
	REQUIRE(netlink_link_set_mtu(&n, ifindex, 1420) == -ENODEV);
	return true;
}

TEST(netlink_says_that_a_link_is_missing)
{
	sandbox_run(link_missing);
}

static bool kernels_words(void)
{
	REQUIRE(begin());
	int error = netlink_link_set_mtu(&n, ifindex, 10);
	REQUIRE(error == -EINVAL);
	REQUIRE(!strcmp(netlink_explain(&n, error), "mtu less than device minimum"));
	/* Where the kernel says nothing, strerror does; and old words do not stick. */
	error = netlink_link_set_up(&n, ifindex + 1, true);
	REQUIRE(!strcmp(netlink_explain(&n, error), "No such device"));
	return true;
}

TEST(netlink_passes_on_the_kernels_words)
{
	sandbox_run(kernels_words);
}

static bool no_autoconf(void)
{
	uint32_t other_index;
	struct ip_prefix found[4];
	size_t count;
	REQUIRE(begin());
	int other = netbox_tun("t1", &other_index);
	REQUIRE(other >= 0);
	REQUIRE(netlink_link_set_no_autoconf(&n, ifindex) == 0);
	REQUIRE(netlink_link_set_up(&n, ifindex, true) == 0);
	REQUIRE(netlink_link_set_up(&n, other_index, true) == 0);
	/* A device left alone gives itself fe80::something. */
	REQUIRE(netlink_address_list(&n, other_index, found, 4, &count) == 0 && count == 1);
	REQUIRE(netlink_address_list(&n, ifindex, found, 4, &count) == 0 && count == 0);
	/* Below 1280 there is no IPv6 on the device at all: nothing to do. */
	REQUIRE(netlink_link_set_mtu(&n, ifindex, 1000) == 0);
	REQUIRE(netlink_link_set_no_autoconf(&n, ifindex) == 0);
	return true;
}

TEST(netlink_keeps_a_link_without_link_local_address)
{
	sandbox_run(no_autoconf);
}

static bool namespaces(void)
{
	struct netlink there;
	struct netlink_link link;
	int nsid, again;
	REQUIRE(begin());
	int other = netbox_namespace(&there);
	REQUIRE(other >= 0);
	REQUIRE(netlink_nsid_get(&n, other, &nsid) == 0 && nsid >= 0);
	REQUIRE(netlink_nsid_get(&n, other, &again) == 0 && again == nsid);
	REQUIRE(netlink_nsid_get(&there, other, &nsid) == 0 && nsid == NETLINK_NSID_OWN);
	REQUIRE(netlink_nsid_get(&n, tun, &nsid) < 0);
	/* Asked by its id, the other namespace tells of its own devices. */
	REQUIRE(netlink_link_find(&n, "t0", again, &link) == -ENODEV);
	REQUIRE(netlink_link_find(&n, "lo", again, &link) == 0 && !link.is_up);
	return true;
}

TEST(netlink_knows_namespaces_by_their_ids)
{
	sandbox_run(namespaces);
}

/* The kernel's answer falls to a filter, as good as never given. */
static bool answer_lost(void)
{
	struct sock_filter nothing = {.code = BPF_RET | BPF_K, .k = 0};
	struct sock_fprog drop = {.len = 1, .filter = &nothing};
	struct timeval timeout, soon = {.tv_usec = 20000};
	socklen_t len = sizeof(timeout);
	struct netlink_link link;
	REQUIRE(begin());
	int fd = mnl_socket_get_fd(n.socket);
	REQUIRE(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, &len) == 0);
	REQUIRE(timeout.tv_sec == NETLINK_TIMEOUT_SECONDS);
	REQUIRE(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon)) == 0);
	REQUIRE(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &drop, sizeof(drop)) == 0);
	REQUIRE(netlink_link_get(&n, ifindex, &link) == -ETIMEDOUT);
	REQUIRE(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &drop, sizeof(drop)) == 0);
	REQUIRE(netlink_link_get(&n, ifindex, &link) == 0);
	return true;
}

TEST(netlink_never_waits_for_ever)
{
	sandbox_run(answer_lost);
}

/* An answer that comes after its request was given up, and one that a process forged. */
static bool foreign_answers(void)
{
	struct netlink other;
	struct netlink_link link;
	union netlink_request late, forged;
	REQUIRE(begin());
	netlink_request_init(&late, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	late.header.nlmsg_seq = n.sequence;
	REQUIRE(mnl_socket_sendto(n.socket, late.bytes, late.header.nlmsg_len) > 0);
	REQUIRE(netlink_link_get(&n, ifindex, &link) == 0);

	struct nlmsgerr *error =
		netlink_request_init(&forged, NLMSG_ERROR, 0, sizeof(struct nlmsgerr));
	error->error = -EXDEV;
	forged.header.nlmsg_seq = n.sequence + 1;
	struct sockaddr_nl us = {
		.nl_family = AF_NETLINK, .nl_pid = mnl_socket_get_portid(n.socket)};
	REQUIRE(netlink_open(&other) == 0);
	REQUIRE(sendto(mnl_socket_get_fd(other.socket), forged.bytes, forged.header.nlmsg_len, 0,
			(struct sockaddr *)&us, sizeof(us)) > 0);
	REQUIRE(netlink_link_get(&n, ifindex, &link) == 0 && link.ifindex == ifindex);
	return true;
}

TEST(netlink_takes_only_the_kernels_answer_to_the_question)
{
	sandbox_run(foreign_answers);
}

/* regressions.md 34 */
static bool interrupted(void)
{
	struct netlink_routes routes;
	struct netlink_link link;
	bool ok = begin();
	storm_begin();
	for (int i = 0; ok && i < 3000; i++) {
		ok = !netlink_link_get(&n, ifindex, &link) &&
		     !netlink_link_set_mtu(&n, ifindex, 1300 + (uint32_t)i % 100) &&
		     !netlink_route_list(&n, 0, 0, &routes);
		netlink_routes_free(&routes);
	}
	REQUIRE(storm_end() > 0);
	return ok;
}

TEST(netlink_stands_a_storm_of_signals)
{
	sandbox_run(interrupted);
}

static bool nothing_left_open(void)
{
	REQUIRE(begin());
	unsigned before = open_fd_count();
	for (int i = 0; i < 10; i++) {
		struct netlink other;
		int nsid, own = dup(tun);
		REQUIRE(netlink_open(&other) == 0);
		REQUIRE(fd_is_cloexec(mnl_socket_get_fd(other.socket)));
		netlink_nsid_get(&other, own, &nsid);
		close(own);
		netlink_close(&other);
		netlink_close(&other);
	}
	REQUIRE(open_fd_count() == before);
	return true;
}

TEST(netlink_leaves_no_descriptor_open)
{
	sandbox_run(nothing_left_open);
}
