#include "manage/netlink.h"

#include <linux/filter.h>
#include <linux/rtnetlink.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/clock.h"
#include "manage/netlink_request.h"
#include "unit/netbox.h"
#include "unit/sandbox.h"

static int queue_len(const char *name)
{
	struct ifreq request = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	strcpy(request.ifr_name, name);
	int error = ioctl(fd, SIOCGIFTXQLEN, &request);
	close(fd);
	return error ? -1 : request.ifr_qlen;
}

static bool link_states(void)
{
	struct netlink_link link;
	REQUIRE(netlink_link_get(&box.n, box.ifindex, &link) == 0);
	REQUIRE(!strcmp(link.name, "t0") && link.ifindex == box.ifindex);
	REQUIRE(!link.is_up && link.mtu == 1500);
	REQUIRE(netlink_link_set_up(&box.n, box.ifindex, true) == 0);
	REQUIRE(netlink_link_set_mtu(&box.n, box.ifindex, 1420) == 0);
	REQUIRE(netlink_link_find(&box.n, "t0", NETLINK_NSID_OWN, &link) == 0);
	REQUIRE(link.is_up && link.mtu == 1420 && link.ifindex == box.ifindex);
	REQUIRE(netlink_link_set_queue_len(&box.n, box.ifindex, 77) == 0 && queue_len("t0") == 77);
	REQUIRE(netlink_link_set_up(&box.n, box.ifindex, false) == 0);
	REQUIRE(netlink_link_get(&box.n, box.ifindex, &link) == 0 && !link.is_up);
	return true;
}

TEST(netlink_reads_and_sets_a_link)
{
	netbox_run(link_states);
}

static bool link_missing(void)
{
	struct netlink_link link = {.mtu = 7};
	REQUIRE(netlink_link_get(&box.n, box.ifindex + 1, &link) == -ENODEV);
	REQUIRE(netlink_link_find(&box.n, "t1", NETLINK_NSID_OWN, &link) == -ENODEV);
	REQUIRE(netlink_link_find(&box.n, "0123456789abcdef", NETLINK_NSID_OWN, &link) == -ENODEV);
	REQUIRE(netlink_link_set_up(&box.n, box.ifindex + 1, true) == -ENODEV);
	REQUIRE(link.mtu == 7);
	close(box.tun);
	REQUIRE(netlink_link_set_mtu(&box.n, box.ifindex, 1420) == -ENODEV);
	REQUIRE(netlink_link_set_queue_len(&box.n, box.ifindex, 7) == -ENODEV);
	return true;
}

TEST(netlink_says_that_a_link_is_missing)
{
	netbox_run(link_missing);
}

static bool kernels_words(void)
{
	int error = netlink_link_set_mtu(&box.n, box.ifindex, 10);
	REQUIRE(error == -EINVAL);
	REQUIRE(!strcmp(netlink_explain(&box.n, error), "mtu less than device minimum"));
	/* Where the kernel says nothing, strerror does; and old words do not stick. */
	error = netlink_link_set_up(&box.n, box.ifindex + 1, true);
	REQUIRE(!strcmp(netlink_explain(&box.n, error), "No such device"));
	return true;
}

TEST(netlink_passes_on_the_kernels_words)
{
	netbox_run(kernels_words);
}

static bool no_autoconf(void)
{
	uint32_t other_index;
	struct ip_prefix found[4];
	size_t count;
	int other = netbox_tun("t1", &other_index);
	REQUIRE(other >= 0);
	REQUIRE(netlink_link_set_no_autoconf(&box.n, box.ifindex) == 0);
	REQUIRE(netlink_link_set_up(&box.n, box.ifindex, true) == 0);
	REQUIRE(netlink_link_set_up(&box.n, other_index, true) == 0);
	/* A device left alone gives itself fe80::something. */
	REQUIRE(netlink_address_list(&box.n, other_index, found, 4, &count) == 0 && count == 1);
	REQUIRE(netlink_address_list(&box.n, box.ifindex, found, 4, &count) == 0 && count == 0);
	/* Below 1280 there is no IPv6 on the device at all: nothing to do. */
	REQUIRE(netlink_link_set_mtu(&box.n, box.ifindex, 1000) == 0);
	REQUIRE(netlink_link_set_no_autoconf(&box.n, box.ifindex) == 0);
	return true;
}

TEST(netlink_keeps_a_link_without_link_local_address)
{
	netbox_run(no_autoconf);
}

static bool namespaces(void)
{
	struct netlink there;
	struct netlink_link link;
	int nsid, again;
	int other = netbox_namespace(&there);
	REQUIRE(other >= 0);
	REQUIRE(netlink_nsid_get(&box.n, other, &nsid) == 0 && nsid >= 0);
	REQUIRE(netlink_nsid_get(&box.n, other, &again) == 0 && again == nsid);
	REQUIRE(netlink_nsid_get(&there, other, &nsid) == 0 && nsid == NETLINK_NSID_OWN);
	REQUIRE(netlink_nsid_get(&box.n, box.tun, &nsid) < 0);
	/* Asked by its id, the other namespace tells of its own devices. */
	REQUIRE(netlink_link_find(&box.n, "t0", again, &link) == -ENODEV);
	REQUIRE(netlink_link_find(&box.n, "lo", again, &link) == 0 && !link.is_up);
	return true;
}

TEST(netlink_knows_namespaces_by_their_ids)
{
	netbox_run(namespaces);
}

/* The kernel's answer falls to a filter, as good as never given; in a storm of signals, too. */
static bool answer_lost(void)
{
	struct sock_filter nothing = {.code = BPF_RET | BPF_K, .k = 0};
	struct sock_fprog drop = {.len = 1, .filter = &nothing};
	struct netlink_link link;
	int fd = mnl_socket_get_fd(box.n.socket);
	REQUIRE(box.n.timeout_ns == NETLINK_TIMEOUT_SECONDS * NANOS_PER_SECOND);
	box.n.timeout_ns = 30 * NANOS_PER_MS;
	REQUIRE(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &drop, sizeof(drop)) == 0);
	REQUIRE(netlink_link_get(&box.n, box.ifindex, &link) == -ETIMEDOUT);
	storm_begin();
	nanos before = clock_read().boottime;
	int error = netlink_link_get(&box.n, box.ifindex, &link);
	nanos after = clock_read().boottime;
	REQUIRE(storm_end() >= 3 && error == -ETIMEDOUT);
	REQUIRE(after - before >= 30 * NANOS_PER_MS);
	REQUIRE(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &drop, sizeof(drop)) == 0);
	REQUIRE(netlink_link_get(&box.n, box.ifindex, &link) == 0);
	return true;
}

/* regressions 34 */
TEST(netlink_never_waits_for_ever)
{
	netbox_run(answer_lost);
}

/* An answer that comes after its request was given up, and one that a process forged. */
static bool foreign_answers(void)
{
	struct netlink other;
	struct netlink_link link;
	union netlink_request late, forged;
	netlink_request_init(&late, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	late.header.nlmsg_seq = box.n.sequence;
	REQUIRE(mnl_socket_sendto(box.n.socket, late.bytes, late.header.nlmsg_len) > 0);
	REQUIRE(netlink_link_get(&box.n, box.ifindex, &link) == 0);

	struct nlmsgerr *error =
		netlink_request_init(&forged, NLMSG_ERROR, 0, sizeof(struct nlmsgerr));
	error->error = -EXDEV;
	forged.header.nlmsg_seq = box.n.sequence + 1;
	struct sockaddr_nl us = {
		.nl_family = AF_NETLINK, .nl_pid = mnl_socket_get_portid(box.n.socket)};
	REQUIRE(netlink_open(&other) == 0);
	REQUIRE(sendto(mnl_socket_get_fd(other.socket), forged.bytes, forged.header.nlmsg_len, 0,
			(struct sockaddr *)&us, sizeof(us)) > 0);
	REQUIRE(netlink_link_get(&box.n, box.ifindex, &link) == 0 && link.ifindex == box.ifindex);
	return true;
}

TEST(netlink_takes_only_the_kernels_answer_to_the_question)
{
	netbox_run(foreign_answers);
}

static bool nothing_left_open(void)
{
	unsigned before = open_fd_count();
	for (int i = 0; i < 10; i++) {
		struct netlink other;
		int nsid, own = dup(box.tun);
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
	netbox_run(nothing_left_open);
}
