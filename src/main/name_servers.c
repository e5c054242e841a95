#include "main/name_servers.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io/log.h"

_Static_assert(MESSAGES_INTERFACE_MAX >= IFNAMSIZ, "a name fits");

/* ---- what is wanted */

static bool routes_all(const struct conf *conf)
{
	const struct change *change = &conf->change;
	if (conf->link.table == CONF_TABLE_OFF)
		return false;
	for (size_t i = 0; i < change->peer_count; i++)
		for (size_t j = 0; j < change->peers[i].allowed_ip_count; j++)
			if (!change->peers[i].allowed_ips[j].remove &&
				change->peers[i].allowed_ips[j].prefix.len == 0)
				return true;
	return false;
}

/* With blanks in between. false: they do not fit. */
static bool gather_search(struct to_dns *wanted, const struct conf_texts *search)
{
	size_t used = 0;
	for (size_t i = 0; i < search->count; i++) {
		size_t len = strlen(search->items[i]) + (used > 0);
		if (used + len >= sizeof wanted->search)
			return false;
		used += (size_t)snprintf(wanted->search + used, sizeof wanted->search - used,
			"%s%s", used ? " " : "", search->items[i]);
	}
	return true;
}

/* Programs are told these things as arguments. */
static bool has_hyphen(const struct to_dns *wanted, char why[static DNS_TEXT_MAX])
{
	if (wanted->search[0] == '-' || strstr(wanted->search, " -")) {
		snprintf(why, DNS_TEXT_MAX,
			"a search domain begins with \"-\", which resolvectl would take for an "
			"option; no name in the DNS begins so");
		return true;
	}
	if (wanted->server_count && wanted->interface[0] == '-') {
		snprintf(why, DNS_TEXT_MAX,
			"the interface's name begins with \"-\", which resolvectl and resolvconf "
			"would take for an option; give it another name, or leave DNS out");
		return true;
	}
	return false;
}

static bool gather_servers(struct to_dns *wanted, const struct conf_addresses *servers)
{
	if (servers->count > MESSAGES_SERVERS_MAX)
		return false;
	for (size_t i = 0; i < servers->count; i++)
		wanted->servers[wanted->server_count++] = servers->items[i].address;
	return true;
}

bool name_servers_gather(struct to_dns *wanted, const struct conf *conf, const char *interface,
	char why[static DNS_TEXT_MAX])
{
	*wanted = (struct to_dns){.takes_all = conf && routes_all(conf)};
	snprintf(wanted->interface, sizeof wanted->interface, "%s", interface);
	if (!conf)
		return true;
	if (!gather_servers(wanted, &conf->link.dns_servers)) {
		snprintf(why, DNS_TEXT_MAX, "%zu name servers: at most %d can be set",
			conf->link.dns_servers.count, MESSAGES_SERVERS_MAX);
		return false;
	}
	if (!gather_search(wanted, &conf->link.dns_search)) {
		snprintf(why, DNS_TEXT_MAX,
			"the search domains are longer than the %d characters that can be set",
			MESSAGES_SEARCH_MAX - 1);
		return false;
	}
	return !has_hyphen(wanted, why);
}

bool name_servers_are_wanted(const struct name_servers *ns)
{
	return ns->wanted.server_count || dns_is_noted(ns->system, ns->wanted.interface);
}

/* ---- the process */

/* What programs print comes back in answers: no terminal is held. */
static int run_child(int channel, void *system)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	if (null > STDERR_FILENO)
		close(null);
	return dns_process_run(channel, system);
}

int name_servers_start(struct name_servers *ns, const struct dns_system *system)
{
	ns->due = NANOS_NEVER;
	ns->system = system;
	int error = process_start(
		&ns->process, "adit-dns", run_child, (struct dns_system *)system, NULL, 0);
	if (!error)
		ns->dns = (struct dns_process){.channel = ns->process.channel};
	return error;
}

static void detach(struct name_servers *ns)
{
	if (ns->loop)
		loop_remove(ns->loop, &ns->answers);
	ns->loop = NULL;
}

void name_servers_stop(struct name_servers *ns)
{
	detach(ns);
	if (ns->process.pid > 0)
		process_finish(&ns->process);
	*ns = (struct name_servers){.due = NANOS_NEVER};
}

/* ---- questions and answers */

static void finish(struct name_servers *ns, int error)
{
	bool is_late = ns->is_late;
	ns->state = NAME_SERVERS_IDLE;
	ns->is_late = false;
	if (!is_late)
		ns->on_done(ns->context, error);
}

/* 0, or -errno after a message. */
static int ask(struct name_servers *ns, struct to_dns *wanted)
{
	int error = ns->process.pid > 0 ? dns_process_ask(&ns->dns, wanted) : -EPIPE;
	ns->due = NANOS_NEVER;
	ns->was_used = true;
	ns->state = error ? NAME_SERVERS_IDLE : NAME_SERVERS_ASKED;
	if (error)
		log_error(
			"DNS: cannot ask the process that sets name servers: %s", strerror(-error));
	return error;
}

static void on_end(struct name_servers *ns)
{
	log_error("DNS: the process that sets name servers ended; what it set may stay until the "
		  "next start or \"adit down %s\"",
		ns->wanted.interface);
	detach(ns);
	process_finish(&ns->process);
	ns->process = (struct process){0};
	if (ns->state == NAME_SERVERS_ASKED)
		finish(ns, -EPIPE);
}

static void on_answer(void *context, uint32_t events)
{
	struct name_servers *ns = context;
	struct from_dns answer;
	int got = dns_process_answer(&ns->dns, &answer);
	(void)events;
	if (got == -EAGAIN)
		return;
	if (got != 1) {
		on_end(ns);
		return;
	}
	if (answer.error)
		log_error("DNS: %s", answer.text);
	else if (answer.text[0])
		log_info("DNS: %s", answer.text);
	if (ns->state == NAME_SERVERS_ASKED)
		finish(ns, answer.error); /* else of something that was given up since */
}

int name_servers_attach(struct name_servers *ns, struct loop *loop)
{
	ns->answers = (struct watch){ns->process.channel, on_answer, ns};
	int error = loop_add(loop, &ns->answers, EPOLLIN);
	if (!error)
		ns->loop = loop;
	return error;
}

/* ---- when */

int name_servers_set(struct name_servers *ns, const struct names *names, nanos boottime)
{
	if (!ns->was_used && !name_servers_are_wanted(ns))
		return 0;
	ns->is_late = false;
	if (names_state(names) == NAMES_KNOWN) {
		int error = ask(ns, &ns->wanted);
		return error ? error : 1;
	}
	ns->state = NAME_SERVERS_WAITING;
	ns->due = nanos_add(boottime, NAME_SERVERS_PATIENCE);
	return 1;
}

void name_servers_look(struct name_servers *ns, const struct names *names, nanos boottime)
{
	if (ns->state != NAME_SERVERS_WAITING)
		return;
	enum names_state state = names_state(names);
	if (state == NAMES_KNOWN) {
		int error = ask(ns, &ns->wanted);
		if (error)
			finish(ns, error);
	} else if (!ns->is_late && (state == NAMES_TRIED || nanos_is_due(ns->due, boottime))) {
		log_info("DNS: name servers are set as soon as all endpoints are known");
		ns->is_late = true;
		ns->due = NANOS_NEVER;
		ns->on_done(ns->context, 0);
	}
}

int name_servers_unset(struct name_servers *ns)
{
	struct to_dns nothing = {0};
	ns->state = NAME_SERVERS_IDLE;
	ns->due = NANOS_NEVER;
	ns->is_late = false;
	if (!ns->was_used)
		return 0;
	memcpy(nothing.interface, ns->wanted.interface, sizeof nothing.interface);
	int error = ask(ns, &nothing);
	return error ? error : 1;
}

void name_servers_leave(struct name_servers *ns)
{
	bool is_awaited = ns->state == NAME_SERVERS_WAITING && !ns->is_late;
	int unset = name_servers_unset(ns);
	if (is_awaited && unset != 1)
		ns->on_done(ns->context, unset);
}
