#include "main/running.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "main/verb.h"
#include "manage/control.h"
#include "unit/netbox.h"
#include "unit/sandbox.h"

/* An empty /run, which nobody else sees. */
static bool hide_run(void)
{
	return !unshare(CLONE_NEWNS) && !mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	       !mount("tmpfs", "/run", "tmpfs", 0, NULL);
}

static bool has_name(const struct running *running, const char *name)
{
	for (size_t i = 0; i < running->count; i++)
		if (!strcmp(running->names[i], name))
			return true;
	return false;
}

static bool put_file(const char *name)
{
	char path[128];
	snprintf(path, sizeof path, CONTROL_DIRECTORY "/%s", name);
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	return fd >= 0 && !close(fd);
}

static bool names(void)
{
	static const char *const others[] = {"x", ".sock", "sixteen-bytes-xx.sock", "a b.sock",
		"\x1b[31m.sock", "a%.sock", "..sock", "wg1.socket"};
	struct running running;
	struct control control;
	if (!hide_run())
		return sandbox_skip("no mount namespace");
	REQUIRE(running_list(&running) && running.count == 0);
	running_free(&running);
	REQUIRE(!running_is_alive("wg0"));
	REQUIRE(!control_open(&control, CONTROL_DIRECTORY, "wg0"));
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		REQUIRE(put_file(others[i]));
	REQUIRE(put_file("fifteen-bytes-x.sock"));
	REQUIRE(running_list(&running) && running.count == 2);
	REQUIRE(has_name(&running, "wg0") && has_name(&running, "fifteen-bytes-x"));
	running_free(&running);
	REQUIRE(running_is_alive("wg0") && !running_is_alive("fifteen-bytes-x"));
	control_close(&control);
	REQUIRE(!running_is_alive("wg0"));
	return true;
}

TEST(running_lists_sockets_of_interfaces)
{
	sandbox_run(names);
}

static bool not_running(void)
{
	struct view view;
	struct out complaints;
	if (!hide_run())
		return sandbox_skip("no mount namespace");
	out_init(&complaints, SIZE_MAX);
	REQUIRE(running_view("wg0", &view, -1, &complaints) == VERB_NOT_RUNNING);
	REQUIRE(!strcmp("adit: wg0 is not running\n", out_string(&complaints)));
	out_wipe(&complaints);
	return true;
}

TEST(running_view_of_nobody)
{
	sandbox_run(not_running);
}

static bool link_facts(void)
{
	struct view_link link;
	char text[32];
	running_link("none", &link);
	REQUIRE(!link.is_known && !link.mtu && !link.addresses);
	running_link_free(&link);
	REQUIRE(!netlink_link_set_mtu(&box.n, box.ifindex, 1333));
	running_link("t0", &link);
	REQUIRE(link.is_known && !link.is_up && link.mtu == 1333 && link.address_count == 0);
	running_link_free(&link);
	/* more than a first guess has room for */
	for (int i = 1; i <= 40; i++) {
		snprintf(text, sizeof text, "10.0.%d.1/24", i);
		struct ip_prefix address = netbox_prefix(text);
		REQUIRE(!netlink_address_add(&box.n, box.ifindex, &address));
	}
	REQUIRE(!netlink_link_set_up(&box.n, box.ifindex, true));
	running_link("t0", &link);
	REQUIRE(link.is_up && link.address_count >= 40);
	REQUIRE(link.addresses[0].address.bytes[2] == 1 && link.addresses[0].len == 24);
	running_link_free(&link);
	REQUIRE(!link.addresses);
	return true;
}

TEST(running_link_as_the_kernel_has_it)
{
	netbox_run(link_facts);
}

static bool zones(void)
{
	const char *name = running_zone_name(1);
	REQUIRE(name && !strcmp("lo", name));
	REQUIRE(!running_zone_name(12345));
	return true;
}

TEST(running_zone_names)
{
	sandbox_run(zones);
}
