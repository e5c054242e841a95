#include "main/load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "io/tun.h"
#include "main/key_file.h"
#include "main/name_servers.h"
#include "main/verb.h"
#include "main/wishes.h"
#include "manage/hooks.h"
#include "manage/lookup.h"

static bool is_path(const char *word)
{
	return strchr(word, '/') || strstr(word, ".conf");
}

/* The interface's name in ".../NAME.conf". */
static bool name_from_path(struct load *load)
{
	const char *slash = strrchr(load->path, '/');
	const char *file = slash ? slash + 1 : load->path;
	size_t len = strlen(file), suffix = strlen(".conf");
	if (len <= suffix || strcmp(file + len - suffix, ".conf") ||
		len - suffix >= sizeof load->name) {
		fprintf(stderr,
			"adit: %s: the file must be called NAME.conf, with the interface's name "
			"of at most 15 characters\n",
			load->path);
		return false;
	}
	snprintf(load->name, sizeof load->name, "%.*s", (int)(len - suffix), file);
	return true;
}

static bool take_path(struct load *load, const char *word)
{
	size_t len = strlen(word);
	if (len >= sizeof load->path) {
		fprintf(stderr,
			"adit: a path of %zu characters is too long; the system takes %zu\n", len,
			sizeof load->path - 1);
		return false;
	}
	memcpy(load->path, word, len + 1);
	return name_from_path(load);
}

bool load_find(struct load *load, const char *word)
{
	load->is_check = false;
	if (is_path(word) && !take_path(load, word))
		return false;
	const char *name = is_path(word) ? load->name : word;
	if (!tun_name_is_valid(name)) {
		fprintf(stderr,
			"adit: \"%.64s\" is not a name for an interface: 1 to 15 characters, "
			"no blank, slash or colon\n",
			name);
		return false;
	}
	if (!is_path(word)) {
		snprintf(load->name, sizeof load->name, "%s", word);
		snprintf(load->path, sizeof load->path, "%s/%s.conf", LOAD_DIRECTORY, word);
	}
	return true;
}

static char *read_file(int fd, size_t *len)
{
	size_t capacity = CONF_TEXT_MAX + 1;
	char *text = malloc(capacity);
	ssize_t n = 1;
	*len = 0;
	while (text && n && *len < capacity) {
		n = read(fd, text + *len, capacity - *len);
		if (n < 0 && errno != EINTR)
			break;
		*len += n > 0 ? (size_t)n : 0;
	}
	if (!text || (n >= 0 && *len <= CONF_TEXT_MAX))
		return text;
	int error = n < 0 ? errno : EFBIG;
	secret_wipe(text, *len);
	free(text);
	errno = error;
	return NULL;
}

char *load_read_text(const struct load *load, size_t *len)
{
	return lseek(load->fd, 0, SEEK_SET) ? NULL : read_file(load->fd, len);
}

void load_say_on_stderr(const char *text)
{
	fputs(text, stderr);
}

__attribute__((format(printf, 2, 3))) static void say(
	const struct load *load, const char *format, ...)
{
	char text[2 * PATH_MAX + 512];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	load->say(text);
}

/* Another error, in its place. false: no memory. */
__attribute__((format(printf, 3, 4))) static bool add_error(
	struct load *load, struct conf_place at, const char *format, ...)
{
	char text[CONF_MESSAGE_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return conf_add_diagnostic(&load->conf, CONF_ERROR, at, text);
}

static bool look_up_port(struct load *load)
{
	struct conf_link *link = &load->conf.link;
	if (!link->listen_service)
		return true;
	load->conf.change.has_listen_port =
		lookup_port(link->listen_service, &load->conf.change.listen_port);
	return load->conf.change.has_listen_port ||
	       add_error(load, link->listen_port_at,
		       "ListenPort: \"%s\" is not a UDP service in /etc/services; expected one, "
		       "or 0-65535",
		       link->listen_service);
}

/* Hosts are looked up later, again and again; of a service nothing more will be known then. */
static bool look_up_endpoint_ports(struct load *load)
{
	const struct conf_link *link = &load->conf.link;
	bool is_complete = true;
	uint16_t port;
	for (size_t i = 0; i < link->name_count; i++) {
		const struct conf_name *name = &link->names[i];
		bool is_number = name->port[strspn(name->port, "0123456789")] == 0;
		if (!is_number && !lookup_port(name->port, &port))
			is_complete &= add_error(load, name->at,
				"Endpoint: port \"%s\" is not a UDP service in /etc/services; "
				"expected one, or 1-65535",
				name->port);
	}
	return is_complete;
}

static bool look_up_table(struct load *load)
{
	struct conf_link *link = &load->conf.link;
	if (link->table != CONF_TABLE_NAME)
		return true;
	if (lookup_table(link->table_name, &link->table_number)) {
		link->table = CONF_TABLE_NUMBER;
		return true;
	}
	return add_error(load, link->table_at,
		"Table: \"%s\" is not a routing table in /etc/iproute2/rt_tables; expected one, "
		"off, auto, or 1-4294967295",
		link->table_name);
}

bool load_has_secret(const struct load *load)
{
	const struct change *change = &load->conf.change;
	for (size_t i = 0; i < change->peer_count; i++)
		if (change->peers[i].has_preshared_key)
			return true;
	return change->has_private_key;
}

static void warn_if_readable(struct load *load)
{
	struct stat st;
	if (fstat(load->fd, &st) || !(st.st_mode & (S_IRWXG | S_IRWXO)))
		return;
	load->warning_count++;
	say(load, "%s: warning: others can read it and the keys in it: chmod 600 %s\n", load->path,
		load->path);
}

/* Says what conf has to say, and counts it. */
static void say_all(struct load *load, const char *text, size_t len)
{
	struct out out;
	out_init(&out, SIZE_MAX);
	conf_render(&out, &load->conf, load->path, text, len);
	load->say(out_string(&out));
	out_wipe(&out);
	load->error_count += load->conf.error_count;
	load->warning_count += load->conf.warning_count;
}

static int parse(struct load *load, const char *text, size_t len)
{
	bool is_complete = conf_parse(&load->conf, text, len);
	bool holds_secret = load_has_secret(load); /* in its own text */
	is_complete = is_complete && key_files_read(&load->conf, load->path, load->is_check) &&
		      look_up_port(load) && look_up_endpoint_ports(load) && look_up_table(load);
	if (!is_complete) {
		say(load, "adit: %s: no memory\n", load->path);
		return VERB_FAILED;
	}
	say_all(load, text, len);
	if (holds_secret)
		warn_if_readable(load);
	return load->conf.error_count ? VERB_CONFIG : VERB_OK;
}

/* Not the file's fault, and maybe better in five seconds. */
static bool is_shortage(int error)
{
	return error == ENOMEM || error == EMFILE || error == ENFILE;
}

int load_read(struct load *load, void (*say_text)(const char *text))
{
	size_t len;
	load->say = say_text;
	load->error_count = load->warning_count = 0;
	load->conf = (struct conf){0};
	load->fd = open(load->path, O_RDONLY | O_CLOEXEC);
	char *text = load->fd < 0 ? NULL : read_file(load->fd, &len);
	if (!text) {
		int error = errno;
		say(load, "adit: %s: %s\n", load->path, strerror(error));
		load_wipe(load);
		load->error_count++;
		return is_shortage(error) ? VERB_FAILED : VERB_CONFIG;
	}
	int status = parse(load, text, len);
	secret_wipe(text, len);
	free(text);
	if (status)
		load_wipe(load);
	return status;
}

bool load_has_hooks(const struct load *load)
{
	const struct conf_link *link = &load->conf.link;
	return link->pre_up.count || link->post_up.count || link->pre_down.count ||
	       link->post_down.count;
}

/* `why` begins with the key that it is about. */
static struct conf_place find_place(const struct conf_link *link, const char *why)
{
	const struct {
		const char *key;
		struct conf_place at;
	} places[] = {
		{"MTU", link->mtu_at},
		{"KillSwitch", link->kill_switch_at},
	};
	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		if (!strncmp(why, places[i].key, strlen(places[i].key)))
			return places[i].at;
	return (struct conf_place){0};
}

/* Says it with the line it is about, which is read again for that: the text was wiped. */
static void say_why(struct load *load, struct conf_place at, const char *why)
{
	struct conf only_this = {0};
	size_t len = 0;
	char *text = load_read_text(load, &len);
	if (at.line && text && conf_add_diagnostic(&only_this, CONF_ERROR, at, why)) {
		struct out out;
		out_init(&out, SIZE_MAX);
		conf_render(&out, &only_this, load->path, text, len);
		load->say(out_string(&out));
		out_wipe(&out);
	} else {
		say(load, "%s: error: %s\n", load->path, why);
	}
	if (text)
		secret_wipe(text, len);
	free(text);
	conf_wipe(&only_this);
	load->error_count++;
}

static int check_link(struct load *load)
{
	char why[LINK_WHY_MAX];
	struct wishes wishes;
	int status = VERB_OK;
	if (!wishes_gather(&wishes, &load->conf, 0)) {
		say(load, "adit: %s: no memory\n", load->path);
		status = VERB_FAILED;
	} else if (!link_is_possible(&wishes.settings, why)) {
		say_why(load, find_place(&load->conf.link, why), why);
		status = VERB_CONFIG;
	}
	wishes_wipe(&wishes);
	return status;
}

static int check_dns(struct load *load)
{
	char why[DNS_TEXT_MAX], text[DNS_TEXT_MAX + 8];
	struct to_dns wanted;
	if (name_servers_gather(&wanted, &load->conf, load->name, why))
		return VERB_OK;
	snprintf(text, sizeof text, "DNS: %s", why);
	say_why(load, load->conf.link.dns_at, text);
	return VERB_CONFIG;
}

/* A tunnel through itself carries nothing. */
static int check_devices(struct load *load)
{
	const struct conf_link *link = &load->conf.link;
	const char *key = strcmp(link->bind_device, load->name) ? NULL : "BindDevice";
	struct conf_place at = link->bind_device_at;
	char text[CONF_MESSAGE_MAX];
	for (size_t i = 0; i < link->listen_count; i++) {
		if (strcmp(link->listens[i].zone, load->name))
			continue;
		key = "Listen";
		at = link->listens[i].at;
	}
	if (!key)
		return VERB_OK;
	snprintf(text, sizeof text,
		"%s: \"%s\" is the tunnel itself; expected the interface that its packets leave by",
		key, load->name);
	say_why(load, at, text);
	return VERB_CONFIG;
}

int load_check(struct load *load, bool allow_hooks)
{
	char why[HOOKS_WHY_MAX];
	int status = check_link(load);
	if (!status)
		status = check_dns(load);
	if (!status)
		status = check_devices(load);
	if (status || !load_has_hooks(load) || hooks_file_is_trusted(load->fd, why))
		return status;
	if (allow_hooks) {
		say(load, "%s: warning: its commands run because of --allow-hooks: %s\n",
			load->path, why);
		load->warning_count++;
		return VERB_OK;
	}
	say(load, "%s has commands to run, but they will not: %s\n", load->path, why);
	load->error_count++;
	return VERB_CONFIG;
}

void load_wipe(struct load *load)
{
	if (load->fd >= 0)
		close(load->fd);
	load->fd = -1;
	conf_wipe(&load->conf);
}
