#include "unit/netbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fib_rules.h>
#include <linux/filter.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io/tun.h"
#include "manage/netlink_request.h"
#include "text/addrtext.h"
#include "unit/sandbox.h"

struct netbox box;

static bool (*current)(void);

static bool begin(void)
{
	REQUIRE(netlink_open(&box.n) == 0);
	box.tun = netbox_tun("t0", &box.ifindex);
	return box.tun < 0 ? sandbox_skip("no TUN device can be made here") : current();
}

void netbox_run(bool (*body)(void))
{
	current = body;
	sandbox_run(begin);
}

struct ip_prefix netbox_prefix(const char *text)
{
	struct ip_prefix p;
	if (addrtext_read_prefix(&p, text, strlen(text)) != ADDRTEXT_OK)
		abort();
	return p;
}

int netbox_tun(const char *name, uint32_t *ifindex)
{
	int fd = tun_create(name);
	*ifindex = fd < 0 ? 0 : if_nametoindex(name);
	return fd;
}

int netbox_tun_at(const char *name, uint32_t ifindex)
{
	struct ifreq request = {.ifr_flags = IFF_TUN};
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (ioctl(fd, TUNSETIFINDEX, &ifindex) || ioctl(fd, TUNSETIFF, &request))
		return -1;
	return fd;
}

int netbox_foreign_route(struct netlink *n, uint32_t ifindex, const char *prefix, uint32_t mtu)
{
	struct ip_prefix p = netbox_prefix(prefix);
	bool v6 = p.address.family == IP_V6;
	union netlink_request r;
	struct rtmsg *m =
		netlink_request_init(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, sizeof(*m));
	m->rtm_family = v6 ? AF_INET6 : AF_INET;
	m->rtm_dst_len = p.len;
	m->rtm_protocol = RTPROT_STATIC;
	m->rtm_type = RTN_UNICAST;
	m->rtm_scope = v6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	m->rtm_table = RT_TABLE_MAIN;
	mnl_attr_put(&r.header, RTA_DST, v6 ? 16 : 4, p.address.bytes);
	mnl_attr_put_u32(&r.header, RTA_OIF, ifindex);
	if (mtu) {
		struct nlattr *metrics = mnl_attr_nest_start(&r.header, RTA_METRICS);
		mnl_attr_put_u32(&r.header, RTAX_MTU, mtu);
		mnl_attr_nest_end(&r.header, metrics);
	}
	return netlink_request_run(n, &r, NULL, NULL);
}

int netbox_rule(struct netlink *n, uint32_t fwmark, uint32_t table)
{
	union netlink_request r;
	struct fib_rule_hdr *m =
		netlink_request_init(&r, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, sizeof(*m));
	m->family = AF_INET;
	m->action = FR_ACT_TO_TBL;
	mnl_attr_put_u32(&r.header, FRA_FWMARK, fwmark);
	mnl_attr_put_u32(&r.header, FRA_TABLE, table);
	return netlink_request_run(n, &r, NULL, NULL);
}

int netbox_namespace(struct netlink *inside)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home < 0 || unshare(CLONE_NEWNET))
		return -1;
	int there = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int error = netlink_open(inside);
	if (setns(home, CLONE_NEWNET))
		error = -errno;
	close(home);
	return error ? -1 : there;
}

int netbox_move(struct netlink *n, uint32_t ifindex, int namespace_fd)
{
	union netlink_request r;
	struct ifinfomsg *m = netlink_request_init(&r, RTM_SETLINK, 0, sizeof(*m));
	m->ifi_index = (int)ifindex;
	mnl_attr_put_u32(&r.header, IFLA_NET_NS_FD, (uint32_t)namespace_fd);
	return netlink_request_run(n, &r, NULL, NULL);
}

int netbox_delete(struct netlink *n, uint32_t ifindex)
{
	union netlink_request r;
	struct ifinfomsg *m = netlink_request_init(&r, RTM_DELLINK, 0, sizeof(*m));
	m->ifi_index = (int)ifindex;
	return netlink_request_run(n, &r, NULL, NULL);
}

bool netbox_forbid_netfilter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_socket, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NETLINK_NETFILTER, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPROTONOSUPPORT),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(*code), code};
	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
