#include "main/running.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/tun.h"
#include "main/verb.h"
#include "manage/ask.h"
#include "manage/control.h"
#include "manage/netlink.h"
#include "text/list.h"

#define SUFFIX		".sock"
#define FIRST_ADDRESSES 16
#define ADDRESSES_MAX	65536

/* ------------------------------------------------------------------ names */

static bool take_name(struct running *running, const char *file_name)
{
	size_t len = strlen(file_name), suffix = strlen(SUFFIX);
	if (len <= suffix || len - suffix >= IFNAMSIZ || strcmp(file_name + len - suffix, SUFFIX))
		return true;
	char name[IFNAMSIZ] = "";
	memcpy(name, file_name, len - suffix);
	if (!tun_name_is_valid(name))
		return true;
	void *names = list_grow(
		running->names, running->count, &running->capacity, sizeof *running->names);
	if (!names)
		return false;
	running->names = names;
	memcpy(running->names[running->count++], name, sizeof name);
	return true;
}

bool running_list(struct running *running)
{
	*running = (struct running){0};
	DIR *directory = opendir(CONTROL_DIRECTORY);
	if (!directory)
		return true;
	bool ok = true;
	for (struct dirent *entry; ok && (entry = readdir(directory));)
		ok = take_name(running, entry->d_name);
	closedir(directory);
	return ok;
}

void running_free(struct running *running)
{
	free(running->names);
	*running = (struct running){0};
}

static bool is_not_running(int error)
{
	return error == -ENOENT || error == -ECONNREFUSED;
}

bool running_is_alive(const char *name)
{
	int fd = control_connect(CONTROL_DIRECTORY, name);
	if (fd >= 0)
		close(fd);
	return !is_not_running(fd);
}

/* ------------------------------------------------------------------ state */

static void complain(
	struct out *complaints, const char *name, const char *separator, const char *words)
{
	out_add_text(complaints, "adit: ");
	out_add_text(complaints, name);
	out_add_text(complaints, separator);
	out_add_text(complaints, words);
	out_add_text(complaints, "\n");
}

static int read_answer(
	const char *name, struct view *view, const struct out *answer, struct out *complaints)
{
	bool is_understood = view_parse(view, answer->bytes, answer->len);
	if (is_understood && !view->error)
		return VERB_OK;
	complain(complaints, name, is_understood ? ": it refuses to answer: " : ": ",
		is_understood ? strerror(view->error) : "its answer is not understood");
	view_wipe(view);
	return VERB_FAILED;
}

int running_view(const char *name, struct view *view, int stop_fd, struct out *complaints)
{
	struct out answer;
	struct ask_limits limits = ask_limits_usual;
	int status = VERB_OK;
	limits.stop_fd = stop_fd;
	out_init(&answer, ASK_ANSWER_MAX);
	int error = ask_state(CONTROL_DIRECTORY, name, &limits, &answer);
	if (is_not_running(error)) {
		complain(complaints, name, " ", "is not running");
		status = VERB_NOT_RUNNING;
	} else if (error == -ECANCELED) {
		status = VERB_FAILED;
	} else if (error) {
		complain(complaints, name, ": ", ask_explain(error));
		status = VERB_FAILED;
	} else {
		status = read_answer(name, view, &answer, complaints);
	}
	out_wipe(&answer);
	return status;
}

const char *running_zone_name(uint32_t scope_id)
{
	static char name[IFNAMSIZ];
	return if_indextoname(scope_id, name);
}

/* ------------------------------------------------------------------ the link */

static void read_addresses(struct netlink *n, uint32_t ifindex, struct view_link *link)
{
	int error = -EOVERFLOW;
	for (size_t max = FIRST_ADDRESSES; error == -EOVERFLOW && max <= ADDRESSES_MAX; max *= 2) {
		struct ip_prefix *addresses = calloc(max, sizeof *addresses);
		if (!addresses)
			return;
		error = netlink_address_list(n, ifindex, addresses, max, &link->address_count);
		if (!error) {
			link->addresses = addresses;
			return;
		}
		link->address_count = 0;
		free(addresses);
	}
}

void running_link(const char *name, struct view_link *link)
{
	struct netlink n;
	struct netlink_link found;
	*link = (struct view_link){0};
	if (netlink_open(&n))
		return;
	if (!netlink_link_find(&n, name, NETLINK_NSID_OWN, &found)) {
		link->is_known = true;
		link->is_up = found.is_up;
		link->mtu = found.mtu;
		read_addresses(&n, found.ifindex, link);
	}
	netlink_close(&n);
}

void running_link_free(struct view_link *link)
{
	free(link->addresses);
	*link = (struct view_link){0};
}
