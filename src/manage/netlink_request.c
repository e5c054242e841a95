#include "manage/netlink_request.h"

#include "io/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define ERRNO_MAX 4095 /* the kernel's bound */

void *netlink_request_init(union netlink_request *r, uint16_t type, uint16_t flags, size_t len)
{
	*r = (union netlink_request){0};
	struct nlmsghdr *header = mnl_nlmsg_put_header(r->bytes);
	header->nlmsg_type = type;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	return mnl_nlmsg_put_extra_header(header, len);
}

/* The namespace that NETLINK_LISTEN_ALL_NSID puts beside a message from another than ours. */
static int read_nsid(struct msghdr *header)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		if (c->cmsg_level != SOL_NETLINK || c->cmsg_type != NETLINK_LISTEN_ALL_NSID)
			continue;
		int nsid;
		memcpy(&nsid, CMSG_DATA(c), sizeof(nsid));
		return nsid;
	}
	return NETLINK_NSID_OWN;
}

ssize_t netlink_receive(const struct mnl_socket *socket, void *bytes, size_t len, int *nsid)
{
	struct sockaddr_nl from;
	struct iovec iov = {.iov_base = bytes, .iov_len = len};
	union {
		struct cmsghdr aligned;
		char bytes[128];
	} control;
	for (;;) {
		struct msghdr header = {.msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control)};
		ssize_t got = recvmsg(mnl_socket_get_fd(socket), &header, MSG_DONTWAIT);
		if (got < 0)
			return -errno;
		/* A privileged process may write to our port, too. */
		if (header.msg_namelen != sizeof(from) || from.nl_pid != 0)
			continue;
		if (header.msg_flags & MSG_TRUNC)
			return -EMSGSIZE;
		if (nsid)
			*nsid = read_nsid(&header);
		return got;
	}
}

bool netlink_message_ok(const struct nlmsghdr *message, int len)
{
	return mnl_nlmsg_ok(message, len) && message->nlmsg_len <= (uint32_t)len;
}

bool netlink_message_is(const struct nlmsghdr *message, uint16_t type, size_t len)
{
	return message->nlmsg_type == type && mnl_nlmsg_get_payload_len(message) >= len;
}

static int take_attr(const struct nlattr *attr, void *context)
{
	struct netlink_attrs *attrs = context;
	if (mnl_attr_get_type(attr) < NETLINK_ATTRS_MAX)
		attrs->by_type[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

void netlink_attrs_read(
	struct netlink_attrs *out, const struct nlmsghdr *message, unsigned int offset)
{
	*out = (struct netlink_attrs){0};
	mnl_attr_parse(message, offset, take_attr, out);
}

void netlink_attrs_read_nested(struct netlink_attrs *out, const struct nlattr *outer)
{
	*out = (struct netlink_attrs){0};
	mnl_attr_parse_nested(outer, take_attr, out);
}

uint32_t netlink_attr_u32(const struct nlattr *attr)
{
	if (!attr || mnl_attr_get_payload_len(attr) < sizeof(uint32_t))
		return 0;
	return mnl_attr_get_u32(attr);
}

void netlink_attr_copy_text(const struct nlattr *attr, char *out, size_t size)
{
	int len = attr ? mnl_attr_get_payload_len(attr) : 0;
	snprintf(out, size, "%.*s", len, attr ? mnl_attr_get_str(attr) : "");
}

/* The attributes that NETLINK_EXT_ACK puts `offset` bytes behind an answer's header. */
static void keep_words(struct netlink *n, const struct nlmsghdr *message, unsigned int offset)
{
	struct netlink_attrs attrs;
	if (!(message->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	netlink_attrs_read(&attrs, message, offset);
	netlink_attr_copy_text(attrs.by_type[NLMSGERR_ATTR_MSG], n->words, sizeof(n->words));
}

/* NLMSG_DONE and NLMSG_ERROR both begin with an error number; NETLINK_CAP_ACK cuts the latter. */
static int end_of_answer(struct netlink *n, const struct nlmsghdr *message)
{
	bool is_done = message->nlmsg_type == NLMSG_DONE;
	unsigned int len = is_done ? sizeof(int) : sizeof(struct nlmsgerr);
	if (mnl_nlmsg_get_payload_len(message) < len)
		return is_done ? 0 : -EBADMSG;
	int error;
	memcpy(&error, mnl_nlmsg_get_payload(message), sizeof(error));
	if (error < -ERRNO_MAX)
		return -EBADMSG;
	if (error < 0)
		keep_words(n, message, len);
	return error < 0 ? error : 0;
}

struct answer {
	uint32_t sequence;
	int (*row)(const struct nlmsghdr *message, void *context);
	void *context;
	int error;
	bool is_complete;
};

static void read_answer(struct netlink *n, struct answer *a, const void *bytes, int len)
{
	const struct nlmsghdr *m = bytes;
	for (; netlink_message_ok(m, len) && !a->is_complete; m = mnl_nlmsg_next(m, &len)) {
		if (m->nlmsg_seq != a->sequence) /* of a request that timed out */
			continue;
		int error = 0;
		if (m->nlmsg_flags & NLM_F_DUMP_INTR)
			error = -EINTR;
		if (m->nlmsg_type == NLMSG_ERROR || m->nlmsg_type == NLMSG_DONE) {
			a->is_complete = true;
			if (!error)
				error = end_of_answer(n, m);
		} else if (!error && !a->error && a->row) {
			error = a->row(m, a->context);
		}
		if (!a->error)
			a->error = error;
	}
}

static int wait_until(const struct mnl_socket *socket, nanos deadline)
{
	struct pollfd p = {.fd = mnl_socket_get_fd(socket), .events = POLLIN};
	nanos t = clock_read().boottime;
	if (nanos_is_due(deadline, t))
		return -ETIMEDOUT;
	/* Rounded up, so that it never spins. */
	int ms = (int)((deadline - t + NANOS_PER_MS - 1) / NANOS_PER_MS);
	return poll(&p, 1, ms) < 0 && errno != EINTR ? -errno : 0;
}

/* The answer is mostly there when the request has been sent. */
static ssize_t receive_until(struct netlink *n, void *bytes, size_t len, nanos deadline)
{
	for (;;) {
		ssize_t got = netlink_receive(n->socket, bytes, len, NULL);
		if (got != -EAGAIN)
			return got;
		int error = wait_until(n->socket, deadline);
		if (error)
			return error;
	}
}

static int send_all(struct netlink *n, const void *bytes, size_t len)
{
	ssize_t done;
	n->words[0] = 0;
	do
		done = mnl_socket_sendto(n->socket, bytes, len);
	while (done < 0 && errno == EINTR);
	return done < 0 ? -errno : 0;
}

int netlink_request_run(struct netlink *n, union netlink_request *r,
	int (*row)(const struct nlmsghdr *message, void *context), void *context)
{
	uint8_t bytes[NETLINK_RECEIVE_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct answer answer = {.sequence = ++n->sequence, .row = row, .context = context};
	r->header.nlmsg_seq = n->sequence;
	int error = send_all(n, r->bytes, r->header.nlmsg_len);
	if (error)
		return error;
	nanos deadline = nanos_add(clock_read().boottime, n->timeout_ns);
	while (!answer.is_complete) {
		ssize_t done = receive_until(n, bytes, sizeof(bytes), deadline);
		if (done < 0)
			return (int)done;
		read_answer(n, &answer, bytes, (int)done);
	}
	return answer.error;
}

/* Whether that was the last answer, or a failure, which ends it too. */
static bool read_batch_answer(
	struct netlink *n, const void *bytes, int len, uint32_t last, struct answer *a)
{
	const struct nlmsghdr *m = bytes;
	for (; mnl_nlmsg_ok(m, len); m = mnl_nlmsg_next(m, &len)) {
		if (m->nlmsg_type != NLMSG_ERROR)
			continue;
		a->sequence = m->nlmsg_seq;
		a->error = end_of_answer(n, m);
		if (a->error || a->sequence == last)
			return true;
	}
	return false;
}

int netlink_batch_run(
	struct netlink *n, const void *bytes, size_t len, uint32_t last, uint32_t *failed)
{
	uint8_t received[NETLINK_RECEIVE_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct answer answer = {0};
	*failed = last;
	int error = send_all(n, bytes, len);
	nanos deadline = nanos_add(clock_read().boottime, n->timeout_ns);
	while (!error) {
		ssize_t got = receive_until(n, received, sizeof(received), deadline);
		if (got < 0)
			error = (int)got;
		else if (read_batch_answer(n, received, (int)got, last, &answer))
			break;
	}
	if (answer.error)
		*failed = answer.sequence;
	return error ? error : answer.error;
}
