#include "unit/test.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "main/load.h"
#include "main/verb.h"
#include "unit/capture.h"
#include "unit/folder.h"
#include "unit/sandbox.h"

#define KEY "PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n"

static struct load load;

static bool finds(const char *word, const char *name, const char *path)
{
	memset(&load, 0xaa, sizeof load);
	bool ok = load_find(&load, word);
	if (ok == (name != NULL) && (!ok || (!strcmp(name, load.name) && !strcmp(path, load.path))))
		return true;
	test_fail(__FILE__, __LINE__, "\"%s\": %s %s %s", word, ok ? "found" : "refused",
		ok ? load.name : "", ok ? load.path : "");
	return false;
}

static bool words(void)
{
	static const struct {
		const char *word, *name, *path;
	} rows[] = {
		{"wg0", "wg0", "/etc/wireguard/wg0.conf"},
		{"a", "a", "/etc/wireguard/a.conf"},
		{"fifteen-bytes-x", "fifteen-bytes-x", "/etc/wireguard/fifteen-bytes-x.conf"},
		{"wg0.conf", "wg0", "wg0.conf"},
		{"./wg0.conf", "wg0", "./wg0.conf"},
		{"/a/b.conf/c.conf", "c", "/a/b.conf/c.conf"},
		{"/fifteen-bytes-x.conf", "fifteen-bytes-x", "/fifteen-bytes-x.conf"},
		{"a.conf.conf", "a.conf", "a.conf.conf"},
		{"", NULL, NULL},
		{"sixteen-bytes-xx", NULL, NULL},
		{"/sixteen-bytes-xx.conf", NULL, NULL},
		{"a b", NULL, NULL},
		{"a:b", NULL, NULL},
		{"./a b.conf", NULL, NULL},
		{".conf", NULL, NULL},
		{"./.conf", NULL, NULL},
		{"./wg0", NULL, NULL},
		{"wg0.config", NULL, NULL},
		{"wg0/", NULL, NULL},
		{"..", NULL, NULL},
	};
	REQUIRE(capture_begin(NULL, ""));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		REQUIRE(finds(rows[i].word, rows[i].name, rows[i].path));
		REQUIRE((captured()[0] != 0) == !rows[i].name); /* a reason, or silence */
	}
	return true;
}

TEST(load_finds_names_and_paths)
{
	sandbox_run_child(words);
}

static bool reasons(void)
{
	static char path[PATH_MAX + 16];
	REQUIRE(capture_begin(NULL, ""));
	REQUIRE(finds("sixteen-bytes-xx", NULL, NULL));
	REQUIRE(!strcmp("adit: \"sixteen-bytes-xx\" is not a name for an interface: 1 to 15 "
			"characters, no blank, slash or colon\n",
		captured()));
	REQUIRE(finds("./a b.conf", NULL, NULL));
	REQUIRE(strstr(captured(), "\"a b\" is not a name"));
	REQUIRE(finds("dir/wg0", NULL, NULL));
	REQUIRE(!strcmp("adit: dir/wg0: the file must be called NAME.conf, with the interface's "
			"name of at most 15 characters\n",
		captured()));
	memset(path, '/', sizeof path - 1);
	REQUIRE(finds(path, NULL, NULL));
	REQUIRE(!strcmp("adit: a path of 4111 characters is too long; the system takes 4095\n",
		captured()));
	return true;
}

TEST(load_says_what_a_name_should_be)
{
	sandbox_run_child(reasons);
}

static bool write_conf(const char *text)
{
	int fd = open("wg0.conf", O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	bool ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return ok;
}

/* Reads a file of this text into memory that holds anything. */
static int read_text(const char *text)
{
	if (!write_conf(text) || !finds("./wg0.conf", "wg0", "./wg0.conf"))
		return -1;
	return load_read(&load, load_say_on_stderr);
}

static bool statuses(void)
{
	unsigned before = open_fd_count();
	REQUIRE(capture_begin(NULL, ""));
	unsigned with_pipe = open_fd_count();
	REQUIRE(with_pipe == before + 1);

	REQUIRE(read_text("[Interface]\n" KEY "ListenPort = 51820\n") == VERB_OK);
	REQUIRE(!strcmp("", captured()));
	REQUIRE(load.conf.change.has_listen_port && load.conf.change.listen_port == 51820);
	REQUIRE(load.fd >= 0 && fd_is_cloexec(load.fd));
	load_wipe(&load);
	REQUIRE(load.fd == -1 && open_fd_count() == with_pipe);

	REQUIRE(read_text("[Interface]\n" KEY "[Peer]\n"
			  "PublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\n"
			  "AllowedIPs = 10.0.0.1/24\n") == VERB_OK);
	REQUIRE(strstr(captured(), "./wg0.conf:5:14: warning: "));
	load_wipe(&load);

	REQUIRE(read_text("[Interface]\nListenPort = 70000\nMTU = x\n") == VERB_CONFIG);
	const char *said = captured();
	REQUIRE(strstr(said, "./wg0.conf:2:14: error: ") && strstr(said, "./wg0.conf:3:7: "));
	REQUIRE(load.fd == -1 && open_fd_count() == with_pipe);
	return true;
}

TEST(load_reads_and_says_how_that_went)
{
	folder_run(statuses);
}

static bool write_key(const char *path, mode_t mode)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, mode);
	bool ok = write(fd, &KEY[strlen("PrivateKey = ")], 45) == 45;
	close(fd);
	return ok;
}

static bool modes(void)
{
	static const char warning[] = "./wg0.conf: warning: others can read it and the keys in it: "
				      "chmod 600 ./wg0.conf\n";
	static const char *const with_keys[] = {"[Interface]\n" KEY,
		"[Interface]\n" KEY "[Peer]\nPublicKey = "
		"xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\nAllowedIPs = ::1\nEndpoint = a:1\n"
		"PresharedKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n"};
	static const mode_t bad[] = {0640, 0604, 0644};
	REQUIRE(capture_begin(NULL, ""));
	for (size_t i = 0; i < 2; i++) {
		for (size_t j = 0; j < 3; j++) {
			REQUIRE(write_conf(with_keys[i]) && !chmod("wg0.conf", bad[j]));
			REQUIRE(read_text(with_keys[i]) == VERB_OK);
			REQUIRE(!strcmp(warning, captured()) && load.warning_count == 1);
			load_wipe(&load);
		}
		REQUIRE(!chmod("wg0.conf", 0600));
		REQUIRE(read_text(with_keys[i]) == VERB_OK);
		REQUIRE(!strcmp("", captured()));
		load_wipe(&load);
	}
	/* no key in it, whatever it names */
	REQUIRE(!chmod("wg0.conf", 0644) && write_key("key", 0600));
	REQUIRE(read_text("[Interface]\n#!PrivateKeyFile = key\n") == VERB_OK);
	REQUIRE(!strcmp("", captured()) && load.conf.change.has_private_key);
	REQUIRE(!load.warning_count);
	load_wipe(&load);
	return true;
}

TEST(load_warns_of_keys_that_others_can_read)
{
	folder_run(modes);
}

/* What `adit up` refuses, `adit check` does not call good. */
static bool impossible(void)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{"MTU = 1279\nAddress = fd00::1/64\n", "./wg0.conf:3:7: error: MTU 1279 is"},
		{"Table = off\nKillSwitch = yes\n",
			"./wg0.conf:4:14: error: KillSwitch = yes closes"},
		{"KillSwitch = yes\n[Peer]\n"
		 "PublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\n"
		 "AllowedIPs = 0.0.0.0/0\nEndpoint = a:1\n",
			NULL},
		{"MTU = 1280\nAddress = fd00::1/64\n", NULL},
		{"BindDevice = wg0\n",
			"./wg0.conf:3:14: error: BindDevice: \"wg0\" is the tunnel itself; "
			"expected the interface that its packets leave by\n"},
		{"Listen = [fe80::1%wg0]:7\n",
			"./wg0.conf:3:10: error: Listen: \"wg0\" is the tunnel itself"},
		{"BindDevice = wg\nListen = [fe80::1%wg00]:7\n", NULL},
		{"DNS = 1.1.1.1 -x\n", "./wg0.conf:3:15: error: DNS: "},
		{"PreUp = true\n", "./wg0.conf has commands to run, but they will not: "},
	};
	REQUIRE(capture_begin(NULL, ""));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[512];
		snprintf(text, sizeof text, "[Interface]\n" KEY "%s", rows[i].text);
		REQUIRE(read_text(text) == VERB_OK);
		REQUIRE(!fchmod(load.fd, strstr(text, "PreUp") ? 0666 : 0600));
		REQUIRE(!strcmp("", captured()));
		REQUIRE(load_check(&load, false) == (rows[i].why ? VERB_CONFIG : VERB_OK));
		const char *said = captured();
		if (!(rows[i].why ? strstr(said, rows[i].why) == said : !*said)) {
			test_fail(__FILE__, __LINE__, "it said \"%s\"", said);
			return false;
		}
		REQUIRE(load.error_count == (rows[i].why != NULL) && !load.warning_count);
		load_wipe(&load);
	}
	/* on the command line, never in the file, somebody may say that it is all right */
	REQUIRE(read_text("[Interface]\n" KEY "PreUp = true\n") == VERB_OK);
	REQUIRE(!fchmod(load.fd, 0666) && captured());
	REQUIRE(load_check(&load, true) == VERB_OK);
	static const char warning[] =
		"./wg0.conf: warning: its commands run because of --allow-hooks: ";
	REQUIRE(strstr(captured(), warning) == captured());
	load_wipe(&load);
	return true;
}

TEST(load_checks_what_up_would_refuse)
{
	folder_run(impossible);
}

static bool unreadable(void)
{
	REQUIRE(capture_begin(NULL, ""));
	unsigned before = open_fd_count();
	REQUIRE(finds("./no.conf", "no", "./no.conf"));
	REQUIRE(load_read(&load, load_say_on_stderr) == VERB_CONFIG);
	REQUIRE(!strcmp("adit: ./no.conf: No such file or directory\n", captured()));
	REQUIRE(!mkdir("dir.conf", 0700) && finds("./dir.conf", "dir", "./dir.conf"));
	REQUIRE(load_read(&load, load_say_on_stderr) == VERB_CONFIG);
	REQUIRE(!strcmp("adit: ./dir.conf: Is a directory\n", captured()));
	REQUIRE(open_fd_count() == before);
	return true;
}

TEST(load_survives_what_it_cannot_read)
{
	folder_run(unreadable);
}

/* A comment fills the file up to its last byte. */
static bool sizes(void)
{
	REQUIRE(capture_begin(NULL, ""));
	for (size_t over = 0; over < 2; over++) {
		REQUIRE(write_conf("[Interface]\n" KEY "#"));
		REQUIRE(!truncate("wg0.conf", CONF_TEXT_MAX + (off_t)over));
		REQUIRE(finds("./wg0.conf", "wg0", "./wg0.conf"));
		int status = load_read(&load, load_say_on_stderr);
		const char *said = captured();
		if (over) {
			REQUIRE(status == VERB_CONFIG);
			REQUIRE(!strcmp("adit: ./wg0.conf: File too large\n", said));
		} else {
			REQUIRE(!strstr(said, "too large"));
		}
		if (status == VERB_OK)
			load_wipe(&load);
	}
	return true;
}

TEST(load_bounds_a_file)
{
	folder_run(sizes);
}

/* To look at a configuration its credentials need not be there; to use it they must. */
static bool credentials(void)
{
	static const char text[] = "[Interface]\nPrivateKeyFile = @wg0\n";
	REQUIRE(capture_begin(NULL, "") && !unsetenv("CREDENTIALS_DIRECTORY"));
	REQUIRE(read_text(text) == VERB_CONFIG && load.error_count == 1);
	REQUIRE(strstr(captured(), "./wg0.conf:2:18: error: PrivateKeyFile: @wg0: there is no"));
	REQUIRE(write_conf(text) && finds("./wg0.conf", "wg0", "./wg0.conf"));
	load.is_check = true;
	REQUIRE(load_read(&load, load_say_on_stderr) == VERB_OK && load.warning_count == 1);
	REQUIRE(strstr(captured(), "./wg0.conf:2:18: warning: PrivateKeyFile: @wg0: not checked"));
	load_wipe(&load);
	return true;
}

TEST(load_wants_credentials_unless_it_only_looks)
{
	folder_run(credentials);
}

static bool names_of_the_machine(void)
{
	REQUIRE(capture_begin(NULL, ""));
	REQUIRE(read_text("[Interface]\n" KEY "Table = main\n") == VERB_OK);
	REQUIRE(load.conf.link.table == CONF_TABLE_NUMBER && load.conf.link.table_number == 254);
	load_wipe(&load);
	REQUIRE(read_text("[Interface]\n" KEY "Table = no-such-table\n") == VERB_CONFIG);
	REQUIRE(!strcmp("./wg0.conf:3:9: error: Table: \"no-such-table\" is not a routing table in "
			"/etc/iproute2/rt_tables; expected one, off, auto, or 1-4294967295\n"
			"  Table = no-such-table\n"
			"          ^\n",
		captured()));
	REQUIRE(read_text("[Interface]\n" KEY "MTU=x\nListenPort = no-such-service\n") ==
		VERB_CONFIG);
	REQUIRE(load.error_count == 2);
	REQUIRE(!strcmp(
		"./wg0.conf:3:5: error: MTU: \"x\": expected 68-65535\n"
		"  MTU=x\n"
		"      ^\n"
		"./wg0.conf:4:14: error: ListenPort: \"no-such-service\" is not a UDP service "
		"in /etc/services; expected one, or 0-65535\n"
		"  ListenPort = no-such-service\n"
		"               ^\n",
		captured()));
	REQUIRE(read_text("[Interface]\n" KEY "[Peer]\nPublicKey = "
			  "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\nAllowedIPs = ::1\n"
			  "Endpoint = 192.0.2.1:no-such-service\n") == VERB_CONFIG);
	REQUIRE(!strcmp("./wg0.conf:6:12: error: Endpoint: port \"no-such-service\" is not a UDP "
			"service in /etc/services; expected one, or 1-65535\n"
			"  Endpoint = 192.0.2.1:no-such-service\n"
			"             ^\n",
		captured()));
	REQUIRE(read_text("[Interface]\n" KEY "[Peer]\nPublicKey = "
			  "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\nAllowedIPs = ::1\n"
			  "Endpoint = vpn.example.org:domain\n") == VERB_OK);
	REQUIRE(!strcmp("", captured()));
	load_wipe(&load);
	return true;
}

TEST(load_looks_up_what_only_the_machine_knows)
{
	folder_run(names_of_the_machine);
}
