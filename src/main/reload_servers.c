#include "main/reload_servers.h"

#include <errno.h>
#include <string.h>

#include "io/clock.h"

/* What is called at the end of a step survives the process. */
static void stop(struct name_servers *servers)
{
	struct name_servers before = {.on_done = servers->on_done, .context = servers->context};
	name_servers_stop(servers);
	servers->on_done = before.on_done;
	servers->context = before.context;
}

int reload_servers_start(struct reload_servers *rs)
{
	if (*rs->has_servers && rs->servers->process.pid > 0)
		return 0;
	int error = name_servers_start(rs->servers, rs->system);
	if (error)
		return error;
	error = name_servers_attach(rs->servers, rs->loop);
	if (error)
		stop(rs->servers);
	rs->is_new = !error;
	return error;
}

void reload_servers_keep(struct reload_servers *rs)
{
	*rs->has_servers |= rs->is_new;
	rs->is_new = false;
}

void reload_servers_stop(struct reload_servers *rs)
{
	if (rs->is_new && rs->servers->was_used) {
		reload_servers_keep(rs);
		return;
	}
	if (rs->is_new)
		stop(rs->servers);
	rs->is_new = false;
}

bool reload_servers_can(const struct reload_servers *rs, const struct conf *conf,
	const char *interface, char why[static DNS_TEXT_MAX])
{
	struct to_dns wanted;
	return name_servers_gather(&wanted, conf, interface, why) &&
	       dns_is_possible(rs->system, &wanted, why);
}

static bool is_same_list(const struct to_dns *a, const struct to_dns *b)
{
	if (a->server_count != b->server_count)
		return false;
	for (size_t i = 0; i < a->server_count; i++)
		if (!ip_address_is_equal(&a->servers[i], &b->servers[i]))
			return false;
	return true;
}

bool reload_servers_are_same(const struct conf *a, const struct conf *b)
{
	struct to_dns old, new;
	char why[DNS_TEXT_MAX];
	if (!name_servers_gather(&old, a, "", why) || !name_servers_gather(&new, b, "", why))
		return false;
	if (!old.server_count && !new.server_count)
		return true;
	return is_same_list(&old, &new) && old.takes_all == new.takes_all &&
	       !strcmp(old.search, new.search);
}

int reload_servers_set(struct reload_servers *rs, const struct conf *conf, const char *interface,
	const struct names *names)
{
	char why[DNS_TEXT_MAX];
	if (!name_servers_gather(&rs->servers->wanted, conf, interface, why))
		return -EINVAL; /* it was asked before */
	return name_servers_set(rs->servers, names, clock_read().boottime);
}
