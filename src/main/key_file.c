#include "main/key_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "text/keytext.h"

#define SHOWN_MAX 120 /* characters of a path in a message: its end tells most */

struct report { /* what is needed to say something about a file */
	struct conf *conf;
	const struct conf_key_file *file;
	bool has_no_memory;
};

__attribute__((format(printf, 3, 4))) static void report(
	struct report *r, enum conf_severity severity, const char *format, ...)
{
	char text[CONF_MESSAGE_MAX];
	const char *key = r->file->peer == CONF_NO_PEER ? "PrivateKeyFile" : "PresharedKeyFile";
	int len = snprintf(text, sizeof text, "%s: ", key);
	va_list args;
	va_start(args, format);
	vsnprintf(text + len, sizeof text - (size_t)len, format, args);
	va_end(args);
	for (char *c = text; *c; c++)
		*c = out_printable(*c);
	r->has_no_memory |= !conf_add_diagnostic(r->conf, severity, r->file->place, text);
}

/* The path's end, if it is too long for a message. */
static const char *shown(const char *path)
{
	size_t len = strlen(path);
	return len > SHOWN_MAX ? path + len - SHOWN_MAX : path;
}

/* false: there is no such place, and it was said. */
static bool find_path(struct report *r, const char *conf_path, bool is_check, char path[PATH_MAX])
{
	const char *name = r->file->path, *folder = conf_path, *slash = strrchr(conf_path, '/');
	size_t folder_len = slash ? (size_t)(slash - conf_path) + 1 : 0;
	if (name[0] == '/') {
		folder_len = 0;
	} else if (name[0] == '@') {
		folder = getenv("CREDENTIALS_DIRECTORY");
		folder_len = folder ? strlen(folder) : 0;
		name++;
	}
	if (!folder) {
		report(r, is_check ? CONF_WARNING : CONF_ERROR,
			is_check
				? "@%s: not checked: a credential is there only within its service "
				  "($CREDENTIALS_DIRECTORY)"
				: "@%s: there is no $CREDENTIALS_DIRECTORY; expected a service of "
				  "systemd with LoadCredential=%s:FILE",
			shown(name), shown(name));
		return false;
	}
	int len = snprintf(path, PATH_MAX, "%.*s%s%s", (int)folder_len, folder,
		r->file->path[0] == '@' ? "/" : "", name);
	if (len < PATH_MAX)
		return true;
	report(r, CONF_ERROR, "%s: too long a path", shown(name));
	return false;
}

/* What was expected, for the end of a message. */
static const char *expected(const struct report *r)
{
	return r->file->peer == CONF_NO_PEER
		       ? "expected a file with one private key, as adit genkey prints it"
		       : "expected a file with one preshared key, as adit genpsk prints it";
}

static bool check_kind(struct report *r, int fd, const char *path)
{
	struct stat st;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		report(r, CONF_ERROR, "%s: not a plain file; %s", shown(path), expected(r));
		return false;
	}
	if (st.st_mode & S_IRWXO)
		report(r, CONF_WARNING, "%s: everybody can read or change this key: chmod o= %s",
			shown(path), shown(path));
	return true;
}

/* Without the white space around it; *len 0: there is nothing else. */
static const char *trim(const char *text, size_t *len)
{
	while (*len && isspace((unsigned char)text[*len - 1]))
		--*len;
	for (; *len && isspace((unsigned char)*text); text++)
		--*len;
	return text;
}

/* Up to `size` bytes; -errno. */
static ssize_t read_all(int fd, char *text, size_t size)
{
	size_t len = 0;
	ssize_t n = 1;
	while (n && len < size) {
		n = read(fd, text + len, size - len);
		if (n < 0 && errno != EINTR)
			return -errno;
		len += n > 0 ? (size_t)n : 0;
	}
	return (ssize_t)len;
}

static bool decode(struct report *r, const char *path, const char *text, size_t len, uint8_t *key)
{
	const char *start = trim(text, &len);
	if (keytext_read_base64(key, start, len))
		return true;
	if (len == 0)
		report(r, CONF_ERROR, "%s: the file is empty; %s", shown(path), expected(r));
	else if (len == KEYTEXT_BASE64_LEN)
		report(r, CONF_ERROR,
			"%s: 44 characters, but not those of a key: one may be mistyped; %s",
			shown(path), expected(r));
	else
		report(r, CONF_ERROR,
			"%s: %zu characters; expected 44 of base64, the last one \"=\"",
			shown(path), len);
	return false;
}

static bool read_key(struct report *r, int fd, const char *path, uint8_t *key)
{
	char text[KEY_FILE_MAX + 1];
	ssize_t len = read_all(fd, text, sizeof text);
	bool ok = false;
	if (len < 0)
		report(r, CONF_ERROR, "%s: %s", shown(path), strerror((int)-len));
	else if (len > KEY_FILE_MAX)
		report(r, CONF_ERROR, "%s: more than %d bytes; %s", shown(path), KEY_FILE_MAX,
			expected(r));
	else
		ok = decode(r, path, text, (size_t)len, key);
	secret_wipe(text, sizeof text);
	return ok;
}

static void take_key(struct conf *conf, size_t peer, const uint8_t *key)
{
	struct change *change = &conf->change;
	if (peer == CONF_NO_PEER) {
		memcpy(change->private_key.bytes, key, KEYTEXT_KEY_LEN);
		change->has_private_key = true;
		return;
	}
	memcpy(change->peers[peer].preshared_key.bytes, key, KEYTEXT_KEY_LEN);
	change->peers[peer].has_preshared_key = true;
}

static void read_file(struct report *r, const char *conf_path, bool is_check)
{
	char path[PATH_MAX];
	uint8_t key[KEYTEXT_KEY_LEN];
	if (!find_path(r, conf_path, is_check, path))
		return;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		report(r, CONF_ERROR, "%s: %s; %s", shown(path), strerror(errno), expected(r));
		return;
	}
	if (check_kind(r, fd, path) && read_key(r, fd, path, key))
		take_key(r->conf, r->file->peer, key);
	close(fd);
	secret_wipe(key, sizeof key);
}

bool key_files_read(struct conf *conf, const char *conf_path, bool is_check)
{
	struct report r = {.conf = conf};
	bool had_private_key = conf->change.has_private_key;
	for (size_t i = 0; i < conf->key_file_count; i++) {
		r.file = &conf->key_files[i];
		read_file(&r, conf_path, is_check);
	}
	if (!had_private_key && conf->change.has_private_key)
		r.has_no_memory |= !conf_check_own_key(conf);
	return !r.has_no_memory;
}
