/*
 * What the kernel has taken from a link: with "down" all its routes and its IPv6
 * addresses, with an MTU too small for IPv6 those addresses. Asked of the kernel, and
 * forgotten, so that the next link_apply puts it back.
 */
#ifndef ADIT_MANAGE_LINK_LOOK_H
#define ADIT_MANAGE_LINK_LOOK_H

#include "manage/link.h"

/*
 * Takes out of link->state the routes and addresses that are not there; where that
 * cannot be told, all of them; and "up" where the device `was_down`, be it up again.
 * The MTU is `mtu`.
 */
void link_look(struct link *link, struct netlink *n, uint32_t mtu, bool was_down);

#endif
