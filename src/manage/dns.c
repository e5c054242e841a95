#include "manage/dns.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "manage/control.h"
#include "manage/program.h"
#include "text/addrtext.h"

#define ARGUMENTS_MAX (MESSAGES_SEARCH_MAX / 2 + 8)
#define NOTE_MAX      256

const struct dns_system dns_usual_system = {
	.programs = PROGRAM_FOLDERS,
	.resolved_socket = "/run/systemd/resolve/io.systemd.Resolve",
	.interface_order = "/etc/resolvconf/interface-order",
	.seconds = 10,
	.notes = CONTROL_DIRECTORY,
};

/* ------------------------------------------------------------------ running */

/* 0, or -errno and why. */
static int run(const struct dns_system *s, const char *program, const char *const *argv,
	const char *input, char why[static DNS_TEXT_MAX])
{
	char output[PROGRAM_OUTPUT_MAX];
	int status = program_run(program, argv, input, s->seconds, output);
	const char *colon = output[0] ? ": " : "";
	if (status == -ETIMEDOUT)
		snprintf(why, DNS_TEXT_MAX, "%s %s was ended after %u s%s%s", argv[0], argv[1],
			s->seconds, colon, output);
	else if (status < 0)
		snprintf(why, DNS_TEXT_MAX, "%.256s cannot be run: %s", program, strerror(-status));
	else if (status > 0)
		snprintf(why, DNS_TEXT_MAX, "%s %s ended with status %d%s%s", argv[0], argv[1],
			status, colon, output);
	return status > 0 ? -EIO : status;
}

/* ------------------------------------------------------------------ the note */

struct note {
	enum dns_manager manager; /* DNS_NOBODY: nothing is set */
	char record[DNS_RECORD_MAX];
};

static void note_path(char path[static NOTE_MAX], const struct dns_system *s, const char *interface)
{
	snprintf(path, NOTE_MAX, "%s/%s.dns", s->notes, interface);
}

static struct note read_note(const struct dns_system *s, const char *interface)
{
	char path[NOTE_MAX], text[NOTE_MAX] = "";
	struct note note = {0};
	note_path(path, s, interface);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	if (len > 0 && !strcmp(text, "resolved\n"))
		note.manager = DNS_RESOLVED;
	else if (len > 0 && sscanf(text, "resolvconf %127[^\n/]", note.record) == 1)
		note.manager = DNS_RESOLVCONF;
	return note;
}

static int write_note(const struct dns_system *s, const char *interface, const struct dns_way *way)
{
	char path[NOTE_MAX], text[NOTE_MAX];
	note_path(path, s, interface);
	int len = way->manager == DNS_RESOLVED
			  ? snprintf(text, sizeof text, "resolved\n")
			  : snprintf(text, sizeof text, "resolvconf %s\n", way->record);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	ssize_t n = write(fd, text, (size_t)len);
	int error = n == len ? 0 : n < 0 ? -errno : -EIO;
	close(fd);
	return error;
}

bool dns_is_noted(const struct dns_system *system, const char *interface)
{
	return read_note(system, interface).manager != DNS_NOBODY;
}

/* ------------------------------------------------------------------ taking back */

/* Resolved itself forgets what belongs to an interface that goes. */
static int revert(const struct dns_system *s, const char *interface, char why[static DNS_TEXT_MAX])
{
	const char *argv[] = {"resolvectl", "revert", interface, NULL};
	char program[PATH_MAX];
	if (!if_nametoindex(interface) || !dns_way_has_resolved(s))
		return 0;
	if (program_find(program, s->programs, argv[0]))
		return run(s, program, argv, NULL, why);
	snprintf(why, DNS_TEXT_MAX, "there is no resolvectl any more");
	return -ENOENT;
}

static int delete_record(
	const struct dns_system *s, const char *record, char why[static DNS_TEXT_MAX])
{
	const char *argv[] = {"resolvconf", "-d", record, "-f", NULL};
	char program[PATH_MAX];
	if (program_find(program, s->programs, argv[0]))
		return run(s, program, argv, NULL, why);
	snprintf(why, DNS_TEXT_MAX, "there is no resolvconf any more");
	return -ENOENT;
}

/* 0 where there is nothing to take back; -errno and why. */
static int take_back(const struct dns_system *s, const char *interface, const struct note *note,
	char why[static DNS_TEXT_MAX])
{
	if (note->manager == DNS_RESOLVED)
		return revert(s, interface, why);
	return note->manager == DNS_RESOLVCONF ? delete_record(s, note->record, why) : 0;
}

/* Nobody would ever succeed: who reads it can look after it himself. */
static void forget(const struct dns_system *s, const char *interface, const struct note *note,
	char text[static DNS_TEXT_MAX])
{
	char path[NOTE_MAX], why[DNS_TEXT_MAX];
	bool is_record = note->manager == DNS_RESOLVCONF;
	snprintf(why, sizeof why, "%s", text);
	note_path(path, s, interface);
	unlink(path);
	snprintf(text, DNS_TEXT_MAX,
		"warning: %.255s told of name servers that cannot be taken back: %.512s; the note "
		"is removed, but resolv%s may still have %s %.127s",
		path, why, is_record ? "conf" : "ed", is_record ? "the record" : "those of",
		is_record ? note->record : interface);
}

int dns_undo(const struct dns_system *system, const char *interface, char text[static DNS_TEXT_MAX])
{
	char path[NOTE_MAX];
	struct note note = read_note(system, interface);
	text[0] = 0;
	if (note.manager == DNS_NOBODY)
		return 0;
	int error = take_back(system, interface, &note, text);
	if (error == -ENOENT) {
		forget(system, interface, &note, text);
		return 0;
	}
	if (error)
		return error;
	note_path(path, system, interface);
	unlink(path);
	snprintf(text, DNS_TEXT_MAX, "name servers as before");
	return 0;
}

void dns_undo_leftover(
	const struct dns_system *system, const char *interface, char text[static DNS_TEXT_MAX])
{
	struct note note = read_note(system, interface);
	if (dns_undo(system, interface, text))
		forget(system, interface, &note, text);
}

/* ------------------------------------------------------------------ setting */

/* Splits `text` at its blanks, in place. The number of words; at most `max` are taken. */
static size_t split(char *text, const char **words, size_t max)
{
	size_t count = 0;
	char *rest = NULL;
	for (char *word = strtok_r(text, " ", &rest); word && count < max;
		word = strtok_r(NULL, " ", &rest))
		words[count++] = word;
	return count;
}

struct search {
	char text[MESSAGES_SEARCH_MAX];
	const char *domains[MESSAGES_SEARCH_MAX / 2];
	size_t count;
	bool has_all;	/* "~." */
	bool has_route; /* "~x" */
};

static void read_search(struct search *search, const struct to_dns *wanted)
{
	memcpy(search->text, wanted->search, sizeof search->text);
	search->count = split(
		search->text, search->domains, sizeof search->domains / sizeof *search->domains);
	search->has_all = search->has_route = false;
	for (size_t i = 0; i < search->count; i++) {
		search->has_all |= !strcmp(search->domains[i], "~.");
		search->has_route |= search->domains[i][0] == '~';
	}
}

static int run_dns(const struct dns_system *s, const struct dns_way *way,
	const struct to_dns *wanted, char *why)
{
	char texts[MESSAGES_SERVERS_MAX][ADDRTEXT_ADDRESS_MAX];
	const char *argv[MESSAGES_SERVERS_MAX + 4] = {"resolvectl", "dns", wanted->interface};
	for (uint32_t i = 0; i < wanted->server_count; i++) {
		addrtext_write_address(texts[i], &wanted->servers[i]);
		argv[3 + i] = texts[i];
	}
	return run(s, way->program, argv, NULL, why);
}

/* An empty one says that there are none. */
static int run_domain(const struct dns_system *s, const struct dns_way *way,
	const struct to_dns *wanted, const struct search *search, char *why)
{
	const char *argv[ARGUMENTS_MAX] = {"resolvectl", "domain", wanted->interface};
	size_t count = 3;
	for (size_t i = 0; i < search->count; i++)
		argv[count++] = search->domains[i];
	if (wanted->takes_all && !search->has_all)
		argv[count++] = "~.";
	if (count == 3)
		argv[count] = "";
	return run(s, way->program, argv, NULL, why);
}

/* Resolved would assume the same, but not where something else was set before. */
static int run_default_route(const struct dns_system *s, const struct dns_way *way,
	const struct to_dns *wanted, const struct search *search, char *why)
{
	bool is_default = wanted->takes_all || search->has_all || !search->has_route;
	const char *argv[] = {
		"resolvectl", "default-route", wanted->interface, is_default ? "yes" : "no", NULL};
	return run(s, way->program, argv, NULL, why);
}

static int tell_resolved(const struct dns_system *s, const struct dns_way *way,
	const struct to_dns *wanted, char *why)
{
	struct search search;
	read_search(&search, wanted);
	int error = run_dns(s, way, wanted, why);
	if (!error)
		error = run_domain(s, way, wanted, &search, why);
	if (!error)
		error = run_default_route(s, way, wanted, &search, why);
	return error;
}

/* Lines of resolv.conf(5), which knows no domains that only route. */
static int tell_resolvconf(const struct dns_system *s, const struct dns_way *way,
	const struct to_dns *wanted, char *why)
{
	const char *argv[] = {"resolvconf", "-a", way->record, "-m", "0", "-x", NULL};
	char input[PROGRAM_INPUT_MAX], address[ADDRTEXT_ADDRESS_MAX];
	struct search search;
	size_t used = 0;
	bool is_first = true;
	read_search(&search, wanted);
	for (uint32_t i = 0; i < wanted->server_count; i++) {
		addrtext_write_address(address, &wanted->servers[i]);
		used += (size_t)snprintf(
			input + used, sizeof input - used, "nameserver %s\n", address);
	}
	for (size_t i = 0; i < search.count; i++) {
		if (search.domains[i][0] == '~')
			continue;
		used += (size_t)snprintf(input + used, sizeof input - used, "%s%s",
			is_first ? "search " : " ", search.domains[i]);
		is_first = false;
	}
	if (!is_first)
		snprintf(input + used, sizeof input - used, "\n");
	return run(s, way->program, argv, input, why);
}

bool dns_is_possible(
	const struct dns_system *system, const struct to_dns *wanted, char why[static DNS_TEXT_MAX])
{
	struct dns_way way;
	if (!wanted->server_count)
		return true;
	dns_way_find(&way, system, wanted->interface, why);
	return way.manager != DNS_NOBODY;
}

static bool is_warning(const char *text)
{
	return !strncmp(text, "warning", 7);
}

/* What was set otherwise goes; what is set the same way is simply replaced. */
static void undo_other(const struct dns_system *s, const struct to_dns *wanted,
	const struct dns_way *way, char text[static DNS_TEXT_MAX])
{
	struct note note = read_note(s, wanted->interface);
	bool is_same = note.manager == way->manager &&
		       (way->manager == DNS_RESOLVED || !strcmp(note.record, way->record));
	text[0] = 0;
	if (note.manager != DNS_NOBODY && !is_same)
		dns_undo_leftover(s, wanted->interface, text);
}

int dns_set(const struct dns_system *system, const struct to_dns *wanted,
	char text[static DNS_TEXT_MAX])
{
	char ignored[DNS_TEXT_MAX], other[DNS_TEXT_MAX];
	struct dns_way way;
	if (!wanted->server_count)
		return dns_undo(system, wanted->interface, text);
	dns_way_find(&way, system, wanted->interface, text);
	if (way.manager == DNS_NOBODY) {
		dns_undo(system, wanted->interface, ignored);
		return -ENOENT;
	}
	undo_other(system, wanted, &way, other);
	int error = write_note(system, wanted->interface, &way);
	if (error) {
		snprintf(text, DNS_TEXT_MAX, "%s/%s.dns: %s", system->notes, wanted->interface,
			strerror(-error));
		dns_undo(system, wanted->interface, ignored);
		return error;
	}
	error = way.manager == DNS_RESOLVED ? tell_resolved(system, &way, wanted, text)
					    : tell_resolvconf(system, &way, wanted, text);
	if (error)
		dns_undo(system, wanted->interface, ignored);
	else
		snprintf(text, DNS_TEXT_MAX, "name servers set through %.255s%s%.700s", way.program,
			is_warning(other) ? "; " : "", is_warning(other) ? other : "");
	return error;
}
