#include "manage/dns_way.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "manage/program.h"

#define SOCKET_LISTENS 0x10000u /* __SO_ACCEPTCON in /proc/net/unix [proc(5)] */

#define ADVICE                                                                                     \
	"install and start systemd-resolved, or install openresolv or resolvconf; or leave DNS "   \
	"out, and set name servers by PostUp and PostDown"

/*
 * The kernel lists a socket in the namespace that it was made in, and a path that
 * somebody listened at once but no more not at all.
 */
bool dns_way_has_resolved(const struct dns_system *system)
{
	char line[512], path[256];
	unsigned flags;
	bool is_found = false;
	FILE *file = fopen("/proc/self/net/unix", "re");
	while (file && !is_found && fgets(line, sizeof line, file))
		is_found = sscanf(line, "%*s %*s %*s %x %*s %*s %*s %255s", &flags, path) == 2 &&
			   flags & SOCKET_LISTENS && !strcmp(path, system->resolved_socket);
	if (file)
		fclose(file);
	return is_found;
}

/* systemd's resolvconf is resolvectl by another name, and of no use where resolved is not. */
static bool is_resolvectl(const char *program)
{
	char real[PATH_MAX];
	const char *name = realpath(program, real) ? strrchr(real, '/') : NULL;
	return name && (!strcmp(name, "/resolvectl") || !strcmp(name, "/systemd-resolve"));
}

/* "tun*" and the like, whose place in the order a prefix "tun." takes. 0: it is none. */
static size_t simple_pattern_len(const char *line)
{
	size_t len = 0;
	while (isalnum((unsigned char)line[len]) || line[len] == '-')
		len++;
	return line[len] == '*' && (line[len + 1] == '\n' || !line[len + 1]) ? len : 0;
}

/*
 * Debian's resolvconf asks name servers in the order of the records' names. As
 * wg-quick(8) does, the first kind of interface in that list lends its name.
 */
static void name_record(
	char record[static DNS_RECORD_MAX], const char *interface_order, const char *interface)
{
	char line[256];
	size_t len = 0;
	FILE *file = fopen(interface_order, "re");
	while (file && !len && fgets(line, sizeof line, file))
		len = simple_pattern_len(line);
	if (file)
		fclose(file);
	snprintf(record, DNS_RECORD_MAX, "%.*s%s%s", (int)len, len ? line : "", len ? "." : "",
		interface);
}

/* Nobody was found: what is nearest to being right. */
static void explain(const struct dns_system *system, const char *resolvconf, bool has_resolved,
	char why[static MESSAGES_TEXT_MAX])
{
	struct stat st;
	if (has_resolved)
		snprintf(why, MESSAGES_TEXT_MAX,
			"systemd-resolved runs, but there is no resolvectl to tell it (in %.256s): "
			"install the rest of systemd-resolved; or leave DNS out, and set name "
			"servers by PostUp and PostDown",
			system->programs);
	else if (*resolvconf)
		snprintf(why, MESSAGES_TEXT_MAX,
			"%.256s is resolvectl by another name, but systemd-resolved does not run "
			"here: systemctl start systemd-resolved; or leave DNS out, and set name "
			"servers by PostUp and PostDown",
			resolvconf);
	else if (!stat(system->resolved_socket, &st))
		snprintf(why, MESSAGES_TEXT_MAX,
			"systemd-resolved does not run, or not in this network namespace, and "
			"there is no resolvconf: " ADVICE);
	else
		snprintf(why, MESSAGES_TEXT_MAX,
			"nothing here takes name servers: systemd-resolved (with resolvectl) does "
			"not run, and there is no resolvconf: " ADVICE);
}

void dns_way_find(struct dns_way *out, const struct dns_system *system, const char *interface,
	char why[static MESSAGES_TEXT_MAX])
{
	bool has_resolved = dns_way_has_resolved(system);
	*out = (struct dns_way){0};
	name_record(out->record, system->interface_order, interface);
	if (has_resolved && program_find(out->program, system->programs, "resolvectl")) {
		out->manager = DNS_RESOLVED;
		return;
	}
	bool has_resolvconf = program_find(out->program, system->programs, "resolvconf");
	if (has_resolvconf && !is_resolvectl(out->program)) {
		out->manager = DNS_RESOLVCONF;
		return;
	}
	explain(system, has_resolvconf ? out->program : "", has_resolved, why);
}
