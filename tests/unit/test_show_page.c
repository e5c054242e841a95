#include "main/show_page.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "main/verb.h"
#include "manage/control.h"
#include "text/view_print.h"
#include "unit/json_strict.h"
#include "unit/sandbox.h"
#include "unit/view_answer.h"

#define SERVERS_MAX 4

static pid_t servers[SERVERS_MAX];
static size_t server_count;

/* An empty /run, which nobody else sees, and no colours. */
static bool prepare(void)
{
	unsetenv("WG_COLOR_MODE");
	unsetenv("WG_HIDE_KEYS");
	setenv("NO_COLOR", "1", 1);
	return !unshare(CLONE_NEWNS) && !mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	       !mount("tmpfs", "/run", "tmpfs", 0, NULL);
}

/* A process that answers each question so, until its end. */
static bool serve(const char *name, const char *answer)
{
	struct control c;
	REQUIRE(server_count < SERVERS_MAX && !control_open(&c, CONTROL_DIRECTORY, name));
	servers[server_count] = fork();
	while (servers[server_count] == 0) {
		struct pollfd p = {.fd = c.listen_fd, .events = POLLIN};
		char question[64];
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		poll(&p, 1, -1);
		int connection = control_accept(&c);
		p.fd = connection;
		poll(&p, 1, -1);
		if (recv(connection, question, sizeof question, 0) > 0)
			send(connection, answer, strlen(answer), MSG_NOSIGNAL);
		close(connection);
	}
	server_count++;
	return true;
}

static void end_servers(void)
{
	while (server_count) {
		kill(servers[--server_count], SIGKILL);
		waitpid(servers[server_count], NULL, 0);
	}
}

static struct show_page page;

static int fill(const struct show_wish *wish)
{
	show_page_wipe(&page);
	show_page_init(&page, wish, -1);
	return show_page_fill(&page);
}

static bool one(void)
{
	struct show_wish wish = {.name = "wg0"};
	if (!prepare())
		return sandbox_skip("no mount namespace");
	REQUIRE(fill(&wish) == VERB_NOT_RUNNING && page.text.len == 0 && !page.has_one);
	REQUIRE(!strcmp("adit: wg0 is not running\n", out_string(&page.complaints)));
	REQUIRE(serve("wg0", view_answer));
	REQUIRE(fill(&wish) == VERB_OK && page.has_one && page.complaints.len == 0);
	REQUIRE(!strncmp("interface: wg0\n", out_string(&page.text), 15));
	REQUIRE(!strstr(out_string(&page.text), "SEhI"));
	setenv("WG_HIDE_KEYS", "never", 1);
	REQUIRE(fill(&wish) == VERB_OK && strstr(out_string(&page.text), "private key: SEhI"));
	wish.form = SHOW_JSON;
	REQUIRE(fill(&wish) == VERB_OK && json_is_right(page.text.bytes, page.text.len));
	REQUIRE(!strstr(page.text.bytes, "SEhI"));
	wish.wants_keys = true;
	REQUIRE(fill(&wish) == VERB_OK && strstr(page.text.bytes, "SEhI"));
	wish.form = SHOW_SELECTED;
	wish.selector = view_selector_find("listen-port");
	REQUIRE(fill(&wish) == VERB_OK && !strcmp("51820\n", out_string(&page.text)));
	wish.form = SHOW_DROPS;
	REQUIRE(fill(&wish) == VERB_OK && strstr(page.text.bytes, "(nothing was dropped)"));
	show_page_wipe(&page);
	end_servers();
	return true;
}

TEST(show_page_of_one)
{
	sandbox_run(one);
}

/* One that answers nonsense does not hide the others; one that is gone is no news. */
static bool all(void)
{
	struct show_wish wish = {.is_all = true};
	struct control gone;
	if (!prepare())
		return sandbox_skip("no mount namespace");
	REQUIRE(fill(&wish) == VERB_OK && page.text.len == 0);
	wish.form = SHOW_JSON;
	REQUIRE(fill(&wish) == VERB_OK && !strcmp("{}\n", out_string(&page.text)));
	REQUIRE(serve("wg0", "listen_port=5\nerrno=0\n\n"));
	REQUIRE(serve("wg1", "errno=0\n\n"));
	REQUIRE(!control_open(&gone, CONTROL_DIRECTORY, "gone") && !close(gone.listen_fd));
	REQUIRE(fill(&wish) == VERB_OK && json_is_right(page.text.bytes, page.text.len));
	REQUIRE(page.complaints.len == 0 && !strstr(page.text.bytes, "gone"));
	wish.form = SHOW_NAMES;
	REQUIRE(fill(&wish) == VERB_OK && page.text.len == strlen("wg0 wg1\n"));
	REQUIRE(strchr(page.text.bytes, ' ') == page.text.bytes + 3);
	REQUIRE(serve("wg2", "errno=13\n\n"));
	wish.form = SHOW_PRETTY;
	REQUIRE(fill(&wish) == VERB_FAILED);
	REQUIRE(!strcmp("adit: wg2: it refuses to answer: Permission denied\n",
		out_string(&page.complaints)));
	REQUIRE(strstr(page.text.bytes, "interface: wg0\n  listening port: 5\n"));
	REQUIRE(strstr(page.text.bytes, "interface: wg1\n"));
	REQUIRE(strstr(page.text.bytes, "\n\ninterface: wg"));
	show_page_wipe(&page);
	end_servers();
	return true;
}

TEST(show_page_of_all)
{
	sandbox_run(all);
}
