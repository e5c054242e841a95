#include "unit/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "main/key_file.h"
#include "text/keytext.h"
#include "unit/folder.h"
#include "unit/sandbox.h"

#define A    "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
#define B    "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
#define OWN  "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=" /* A's public key */
#define PEER "[Peer]\nPublicKey=" B "\nAllowedIPs=::1\nEndpoint=1.2.3.4:5\n"

static struct conf conf;

static bool write_file(const char *path, const char *text, mode_t mode)
{
	FILE *file = fopen(path, "w");
	return file && fputs(text, file) >= 0 && !fclose(file) && !chmod(path, mode);
}

/* Reads the key files of this text; what is said, "line:column: message\n" each. */
static const char *reads(const char *text, const char *conf_path, bool is_check)
{
	static char said[4096];
	struct out out;
	out_init_fixed(&out, said, sizeof said);
	if (!conf_parse(&conf, text, strlen(text)) || conf.diagnostic_count ||
		!key_files_read(&conf, conf_path, is_check))
		return "not parsed";
	for (size_t i = 0; i < conf.diagnostic_count; i++) {
		const struct conf_diagnostic *d = &conf.diagnostics[i];
		out_add_decimal(&out, d->line);
		out_add_text(&out, ":");
		out_add_decimal(&out, d->column);
		out_add_text(&out, d->severity == CONF_ERROR ? ": error: " : ": warning: ");
		out_add_text(&out, d->message);
		out_add_text(&out, "\n");
	}
	return said;
}

static bool says(const char *expected, const char *text, bool is_check)
{
	const char *said = reads(text, "wg0.conf", is_check);
	if (strcmp(said, expected))
		test_fail(__FILE__, __LINE__, "expected \"%s\"\n  got      \"%s\"", expected, said);
	return !strcmp(said, expected);
}

static bool keys(void)
{
	static const uint8_t first = 0xc8, second = 0xc5; /* bytes of A and B */
	char path[128];
	unsigned before = open_fd_count();
	REQUIRE(!mkdir("etc", 0755) && !mkdir("etc/keys", 0755) && !mkdir("credentials", 0755));
	REQUIRE(write_file("etc/keys/a b", " \r\n" A "\t \n", 0600));
	REQUIRE(write_file("credentials/psk", B, 0440));
	REQUIRE(write_file("a", A, 0600));
	REQUIRE(!setenv("CREDENTIALS_DIRECTORY", "credentials", 1));
	/* beside the configuration, blanks in the name; a credential */
	REQUIRE(!strcmp("", reads("[Interface]\nPrivateKeyFile = keys/a b # mine\n" PEER
				  "#!PresharedKeyFile=@psk",
				    "etc/wg0.conf", false)));
	REQUIRE(conf.change.has_private_key && conf.change.private_key.bytes[0] == first);
	REQUIRE(conf.change.peers[0].has_preshared_key);
	REQUIRE(conf.change.peers[0].preshared_key.bytes[0] == second);
	REQUIRE(conf.key_files[0].peer == CONF_NO_PEER && conf.key_files[1].peer == 0);
	conf_wipe(&conf);
	/* from the root, and in the folder of a configuration without one */
	snprintf(path, sizeof path, "[Interface]\nPrivateKeyFile=%s/a\n", folder_path);
	REQUIRE(!strcmp("", reads(path, "etc/wg0.conf", false)) && conf.change.has_private_key);
	conf_wipe(&conf);
	REQUIRE(!strcmp("", reads("[Interface]\nPrivateKeyFile=a", "wg0.conf", true)));
	REQUIRE(conf.change.has_private_key);
	conf_wipe(&conf);
	REQUIRE(open_fd_count() == before);
	return true;
}

TEST(key_file_reads_keys)
{
	folder_run(keys);
}

#define EXPECTED "expected a file with one private key, as adit genkey prints it\n"

static bool mistakes(void)
{
	static const struct {
		const char *name, *content, *expected;
	} rows[] = {
		{"empty", " \n",
			"2:16: error: PrivateKeyFile: empty: the file is empty; " EXPECTED},
		{"short", "abc\n",
			"2:16: error: PrivateKeyFile: short: 3 characters; expected 44 of base64, "
			"the last one \"=\"\n"},
		{"two", A "\n" A "\n",
			"2:16: error: PrivateKeyFile: two: 89 characters; expected 44 of base64, "
			"the last one \"=\"\n"},
		{"typo", "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBml=",
			"2:16: error: PrivateKeyFile: typo: 44 characters, but not those of a key: "
			"one may be mistyped; " EXPECTED},
		{"open", A,
			"2:16: warning: PrivateKeyFile: open: everybody can read or change this "
			"key: chmod o= open\n"},
		{"none", NULL,
			"2:16: error: PrivateKeyFile: none: No such file or directory; " EXPECTED},
		{".", NULL, "2:16: error: PrivateKeyFile: .: not a plain file; " EXPECTED},
		{"\x1b[1m", NULL,
			"2:16: error: PrivateKeyFile: ?[1m: No such file or directory; " EXPECTED},
		{"pipe", NULL, "2:16: error: PrivateKeyFile: pipe: not a plain file; " EXPECTED},
	};
	REQUIRE(!mkfifo("pipe", 0600));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[128];
		bool is_open = !strcmp(rows[i].name, "open");
		if (rows[i].content)
			REQUIRE(write_file(rows[i].name, rows[i].content, is_open ? 0604 : 0600));
		snprintf(text, sizeof text, "[Interface]\nPrivateKeyFile=%s\n", rows[i].name);
		REQUIRE(says(rows[i].expected, text, false));
		REQUIRE(conf.change.has_private_key == is_open);
		REQUIRE(secret_is_zero(&conf.change.private_key, KEYTEXT_KEY_LEN) == !is_open);
		conf_wipe(&conf);
	}
	return true;
}

TEST(key_file_says_what_is_wrong)
{
	folder_run(mistakes);
}

static bool bounds(void)
{
	char text[KEY_FILE_MAX + 2];
	struct out out;
	for (size_t over = 0; over < 2; over++) {
		out_init_fixed(&out, text, sizeof text);
		out_add_text(&out, A);
		out_add_repeated(&out, ' ', KEY_FILE_MAX + over - out.len);
		REQUIRE(write_file("key", text, 0600));
		REQUIRE(says(
			over ? "2:16: error: PrivateKeyFile: key: more than 256 bytes; " EXPECTED
			     : "",
			"[Interface]\nPrivateKeyFile=key", false));
		conf_wipe(&conf);
	}
	return true;
}

TEST(key_file_bounds_a_file)
{
	folder_run(bounds);
}

static bool credentials(void)
{
	static const char text[] = "[Interface]\nPrivateKeyFile=@wg0";
	REQUIRE(!unsetenv("CREDENTIALS_DIRECTORY"));
	REQUIRE(says("2:16: error: PrivateKeyFile: @wg0: there is no $CREDENTIALS_DIRECTORY; "
		     "expected a service of systemd with LoadCredential=wg0:FILE\n",
		text, false));
	conf_wipe(&conf);
	REQUIRE(says("2:16: warning: PrivateKeyFile: @wg0: not checked: a credential is there only "
		     "within its service ($CREDENTIALS_DIRECTORY)\n",
		text, true));
	conf_wipe(&conf);
	REQUIRE(!setenv("CREDENTIALS_DIRECTORY", "/nowhere", 1));
	REQUIRE(says("2:16: error: PrivateKeyFile: /nowhere/wg0: No such file or "
		     "directory; " EXPECTED,
		text, true));
	conf_wipe(&conf);
	return true;
}

TEST(key_file_wants_credentials_from_systemd)
{
	folder_run(credentials);
}

/* A peer that is ourselves shows only when the key was read. */
static bool own_key(void)
{
	REQUIRE(write_file("key", A, 0600));
	REQUIRE(says("4:11: warning: PublicKey: this is this machine's own: this peer is left "
		     "out\n",
		"[Interface]\nPrivateKeyFile=key\n[Peer]\nPublicKey=" OWN
		"\nAllowedIPs=::1\nEndpoint=1.2.3.4:5",
		false));
	conf_wipe(&conf);
	return true;
}

TEST(key_file_finds_our_own_key_among_the_peers)
{
	folder_run(own_key);
}

static bool long_paths(void)
{
	char text[CONF_FILE_MAX + 64];
	struct out out;
	out_init_fixed(&out, text, sizeof text);
	out_add_text(&out, "[Interface]\nPrivateKeyFile=");
	out_add_repeated(&out, 'x', CONF_FILE_MAX);
	const char *said = reads(text, "wg0.conf", false);
	REQUIRE(strstr(said, "xxx: File name too long; expected a file"));
	REQUIRE(strlen(said) < 300);
	conf_wipe(&conf);
	out_add_text(&out, "x");
	REQUIRE(conf_parse(&conf, text, out.len) && conf.error_count == 1);
	REQUIRE(strstr(conf.diagnostics[0].message, "PrivateKeyFile: too long"));
	conf_wipe(&conf);
	return true;
}

TEST(key_file_survives_long_paths)
{
	folder_run(long_paths);
}
