/*
 * Inside manage/ only: composing a netlink request, sending it, walking what
 * comes back.
 */
#ifndef ADIT_MANAGE_NETLINK_REQUEST_H
#define ADIT_MANAGE_NETLINK_REQUEST_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "manage/netlink_socket.h"

#define NETLINK_REQUEST_MAX 512	  /* bytes; the longest carries a link's name and a few numbers */
#define NETLINK_ATTRS_MAX   64	  /* attribute types that can be read; IFLA_ has most, 60 */
#define NETLINK_RECEIVE_MAX 32768 /* what the kernel puts into one datagram at most */

union netlink_request {
	struct nlmsghdr header;
	uint8_t bytes[NETLINK_REQUEST_MAX];
};

/* An empty message with a zeroed family header of `len` bytes, which it returns. */
void *netlink_request_init(union netlink_request *r, uint16_t type, uint16_t flags, size_t len);

/*
 * Sends, and calls row (NULL: none is expected) for each message of the answer.
 * The first failure, the kernel's or row's, is returned; -EINTR: a listing that
 * changed underneath, ask again.
 */
int netlink_request_run(struct netlink *n, union netlink_request *r,
	int (*row)(const struct nlmsghdr *message, void *context), void *context);

/*
 * Sends a batch of messages, as a netfilter subsystem takes them, the sequence
 * numbers of which end with `last`, and waits for the answer to that one or for
 * the first failure: then *failed is the number of the message that failed.
 */
int netlink_batch_run(
	struct netlink *n, const void *bytes, size_t len, uint32_t last, uint32_t *failed);

/*
 * One datagram that really is the kernel's, without waiting. Its length or
 * -errno; -EAGAIN: none. *nsid (may be NULL) is the namespace it speaks of.
 */
ssize_t netlink_receive(const struct mnl_socket *socket, void *bytes, size_t len, int *nsid);

/*
 * Whether a whole message begins there, of `len` bytes that are left: as mnl_nlmsg_ok,
 * which takes a length of 2 GiB or more for a negative one.
 */
bool netlink_message_ok(const struct nlmsghdr *message, int len);

/* Whether it is of this type and has the whole of its family's header, of `len` bytes. */
bool netlink_message_is(const struct nlmsghdr *message, uint16_t type, size_t len);

/* Attributes by their type; NULL: not there. Pointers into the message. */
struct netlink_attrs {
	const struct nlattr *by_type[NETLINK_ATTRS_MAX];
};

/* Those behind the `offset` bytes of the family's header; those inside another one. */
void netlink_attrs_read(
	struct netlink_attrs *out, const struct nlmsghdr *message, unsigned int offset);
void netlink_attrs_read_nested(struct netlink_attrs *out, const struct nlattr *outer);

/* A number; 0 when the attribute is not there or too short for one. */
uint32_t netlink_attr_u32(const struct nlattr *attr);

/* A copy of the text, cut to fit, "" when the attribute is not there. */
void netlink_attr_copy_text(const struct nlattr *attr, char *out, size_t size);

#endif
