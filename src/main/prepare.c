#include "main/prepare.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/log.h"
#include "main/default_route.h"
#include "main/verb.h"
#include "main/wishes.h"

/* Not load_check's business: whether a configuration is right depends on no machine. */
static int check_name_servers(struct supervisor *s)
{
	char why[DNS_TEXT_MAX];
	struct name_servers *ns = &s->name_servers;
	const char *name = s->options->name;
	const struct conf *conf = s->has_config ? &s->config.conf : NULL;
	bool ok = name_servers_gather(&ns->wanted, conf, name, why) &&
		  dns_is_possible(ns->system, &ns->wanted, why);
	if (!ok)
		log_error("%s: DNS: %s", s->config.path, why);
	s->has_dns = ok && name_servers_are_wanted(ns);
	if (!s->has_dns)
		name_servers_stop(ns);
	return ok ? VERB_OK : VERB_FAILED;
}

int prepare_check_config(struct supervisor *s)
{
	int status = s->has_config ? load_check(&s->config, s->options->allow_hooks) : VERB_OK;
	s->has_hooks = s->has_config && load_has_hooks(&s->config);
	if (!s->has_hooks)
		hook_queue_stop(&s->hooks);
	return status ? status : check_name_servers(s);
}

static int on_name_found(void *context, const struct name *name, const struct endpoint *endpoint)
{
	struct supervisor *s = context;
	struct change change;
	int error = -ENOMEM;
	change_init(&change);
	struct change_peer *peer = change_add_peer(&change, &name->peer);
	if (peer) {
		peer->update_only = true;
		peer->has_endpoint = true;
		peer->endpoint = *endpoint;
		error = feed_change(&s->feed, &change);
		lifetime_watch_feed(s);
	}
	change_wipe(&change);
	return error;
}

static int add_names(struct supervisor *s)
{
	s->names.on_found = on_name_found;
	s->names.context = s;
	return names_add_all(&s->names, &s->config.conf);
}

static int open_port(struct supervisor *s)
{
	const struct change *change = &s->config.conf.change;
	wishes_listen(&s->engine.wishes, &s->config.conf.link);
	return engine_link_open_port(&s->engine, change->has_listen_port ? change->listen_port : 0,
		change->has_fwmark ? change->fwmark : 0);
}

int prepare_engine(struct supervisor *s)
{
	stamps_open(&s->stamps, STAMP_FILE_DIRECTORY, s->options->name, clock_read().realtime);
	struct tuning tuning = lifetime_tuning(s);
	int error =
		engine_link_give_tun(&s->engine, s->tun, s->monitor.link.mtu, &tuning, &s->stamps);
	/* before the sockets are bound: no packet of ours may lack the mark */
	if (!error && s->has_config)
		error = default_route_choose_mark(
			&s->config.conf, &s->link, &s->netlink, s->options->name);
	if (!error && s->has_config) {
		error = open_port(s);
		if (error)
			return error;
		error = feed_open(&s->feed, &s->engine);
		if (!error)
			error = add_names(s);
	}
	if (error)
		log_error("cannot set up the engine: %s", strerror(-error));
	return error;
}
