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

/* The whole file, to be wiped and freed. NULL and errno. */
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

/* Names that only this machine can tell the numbers of. */
static bool look_up(struct load *load)
{
	struct conf_link *link = &load->conf.link;
	if (link->listen_service &&
		!lookup_port(link->listen_service, &load->conf.change.listen_port)) {
		say(load, "%s: ListenPort: \"%s\" is neither a number nor a UDP service\n",
			load->path, link->listen_service);
		return false;
	}
	if (link->listen_service)
		load->conf.change.has_listen_port = true;
	if (link->table != CONF_TABLE_NAME)
		return true;
	if (!lookup_table(link->table_name, &link->table_number)) {
		say(load,
			"%s: Table: \"%s\" is neither auto, off, a number nor a routing table in "
			"/etc/iproute2/rt_tables\n",
			load->path, link->table_name);
		return false;
	}
	link->table = CONF_TABLE_NUMBER;
	return true;
}

static bool has_secret(const struct change *change)
{
	for (size_t i = 0; i < change->peer_count; i++)
		if (change->peers[i].has_preshared_key)
			return true;
	return change->has_private_key;
}

static void warn_if_readable(const struct load *load)
{
	struct stat st;
	if (has_secret(&load->conf.change) && !fstat(load->fd, &st) &&
		st.st_mode & (S_IRWXG | S_IRWXO))
		say(load, "%s: warning: others can read it and the keys in it: chmod 600 %s\n",
			load->path, load->path);
}

static int parse(struct load *load, const char *text, size_t len)
{
	struct out out;
	if (!conf_parse(&load->conf, text, len)) {
		say(load, "adit: %s: no memory\n", load->path);
		return VERB_FAILED;
	}
	out_init(&out, SIZE_MAX);
	conf_render(&out, &load->conf, load->path, text, len);
	load->say(out_string(&out));
	out_wipe(&out);
	warn_if_readable(load);
	return load->conf.error_count || !look_up(load) ? VERB_CONFIG : VERB_OK;
}

int load_read(struct load *load, void (*say_text)(const char *text))
{
	size_t len;
	load->say = say_text;
	load->conf = (struct conf){0};
	load->fd = open(load->path, O_RDONLY | O_CLOEXEC);
	char *text = load->fd < 0 ? NULL : read_file(load->fd, &len);
	if (!text) {
		say(load, "adit: %s: %s\n", load->path, strerror(errno));
		load_wipe(load);
		return VERB_FAILED;
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

static int check_link(const struct load *load)
{
	char why[LINK_WHY_MAX];
	struct wishes wishes;
	int status = VERB_OK;
	if (!wishes_gather(&wishes, &load->conf, 0)) {
		say(load, "adit: %s: no memory\n", load->path);
		status = VERB_FAILED;
	} else if (!link_is_possible(&wishes.settings, why)) {
		say(load, "%s: %s\n", load->path, why);
		status = VERB_CONFIG;
	}
	wishes_wipe(&wishes);
	return status;
}

static int check_dns(const struct load *load)
{
	char why[DNS_TEXT_MAX];
	struct to_dns wanted;
	if (name_servers_gather(&wanted, &load->conf, load->name, why))
		return VERB_OK;
	say(load, "%s: DNS: %s\n", load->path, why);
	return VERB_CONFIG;
}

/* A tunnel through itself carries nothing. */
static int check_devices(const struct load *load)
{
	const struct conf_link *link = &load->conf.link;
	const char *key = strcmp(link->bind_device, load->name) ? NULL : "BindDevice";
	for (size_t i = 0; i < link->listen_count; i++)
		if (!strcmp(link->listens[i].zone, load->name))
			key = "Listen";
	if (!key)
		return VERB_OK;
	say(load,
		"%s: %s: \"%s\" is the tunnel itself; expected the interface that its packets "
		"leave by\n",
		load->path, key, load->name);
	return VERB_CONFIG;
}

int load_check(const struct load *load)
{
	char why[HOOKS_WHY_MAX];
	int status = check_link(load);
	if (!status)
		status = check_dns(load);
	if (!status)
		status = check_devices(load);
	if (status || !load_has_hooks(load) || hooks_file_is_trusted(load->fd, why))
		return status;
	say(load, "%s has commands to run, but they will not: %s\n", load->path, why);
	return VERB_CONFIG;
}

void load_wipe(struct load *load)
{
	if (load->fd >= 0)
		close(load->fd);
	load->fd = -1;
	conf_wipe(&load->conf);
}
