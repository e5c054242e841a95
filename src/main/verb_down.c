#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "main/load.h"
#include "main/verb.h"
#include "manage/control.h"
#include "manage/dns.h"
#include "manage/link_leftovers.h"

#define DOWN_TIMEOUT_MS 30000 /* a PreDown or PostDown hook may take its time */

/* Waits until the process has ended. 0, -ETIMEDOUT or -errno. */
static int wait_for_end(int pidfd)
{
	struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
	int n;
	do
		n = poll(&poll_fd, 1, DOWN_TIMEOUT_MS);
	while (n < 0 && errno == EINTR);
	return n > 0 ? 0 : n == 0 ? -ETIMEDOUT : -errno;
}

/* Another program may listen under the name: that one is not ours to end. */
static bool is_adit(pid_t pid)
{
	char path[32], name[32] = "";
	snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
	FILE *file = fopen(path, "re");
	bool is_read = file && fgets(name, sizeof name, file);
	if (file)
		fclose(file);
	return is_read && !strcmp(name, "adit\n");
}

/*
 * Who has an interface of that name may be an adit that runs, with its socket where
 * we do not see it: then this is not left, but in use.
 */
static int remove_leftovers(struct netlink *n, const char *name, const struct link_state *leftovers)
{
	struct netlink_link device;
	if (!netlink_link_find(n, name, NETLINK_NSID_OWN, &device)) {
		fprintf(stderr,
			"adit: %s: rules and routes that it left when it was killed are not "
			"touched, for there is an interface of that name; remove it first\n",
			name);
		return -EBUSY;
	}
	int error = link_leftovers_remove(n, name, leftovers);
	if (error)
		fprintf(stderr, "adit: %s: rules and routes that it left when it was killed: %s\n",
			name, netlink_explain(n, error));
	return error;
}

/* Whether something was removed in *is_removed. 0, or -errno after a message. */
static int clean_up_link(const char *name, bool *is_removed)
{
	struct netlink n;
	struct link_state leftovers = {0};
	int error = netlink_open(&n);
	if (!error)
		error = link_leftovers_find(&n, name, &leftovers);
	if (error)
		fprintf(stderr, "adit: %s: cannot look for what it left when it was killed: %s\n",
			name, netlink_explain(&n, error));
	else if (leftovers.count)
		error = remove_leftovers(&n, name, &leftovers);
	*is_removed = !error && leftovers.count;
	netlink_close(&n);
	link_state_wipe(&leftovers);
	return error;
}

/* Of one that was killed: its interface went with it, but not all that it set. */
static int clean_up_after(const char *name)
{
	char text[DNS_TEXT_MAX];
	bool is_removed;
	int error = clean_up_link(name, &is_removed);
	int dns_error = dns_undo(&dns_usual_system, name, text);
	if (dns_error)
		fprintf(stderr, "adit: %s: name servers that it left when it was killed: %s\n",
			name, text);
	bool is_dns = !dns_error && text[0];
	if (is_removed || is_dns)
		fprintf(stderr,
			"adit: %s is not running; removed what it had left when it was killed: "
			"%s%s%s%s\n",
			name, is_removed ? "rules and routes" : "",
			is_removed && is_dns ? "; " : "", is_dns ? "DNS: " : "",
			is_dns ? text : "");
	else
		fprintf(stderr, "adit: %s is not running\n", name);
	if (error || dns_error)
		return VERB_FAILED;
	return is_removed || is_dns ? VERB_OK : VERB_NOT_RUNNING;
}

static int run(int argc, char **argv)
{
	struct load load;
	pid_t pid;
	(void)argc;
	if (!load_find(&load, argv[0]))
		return VERB_USAGE;
	int pidfd = control_open_listener(CONTROL_DIRECTORY, load.name, &pid);
	if (pidfd == -ENOENT || pidfd == -ECONNREFUSED)
		return clean_up_after(load.name);
	if (pidfd >= 0 && !is_adit(pid)) {
		fprintf(stderr, "adit: %s is served by another program (process %d)\n", load.name,
			(int)pid);
		close(pidfd);
		return VERB_FAILED;
	}
	int error = pidfd < 0 ? pidfd : pidfd_send_signal(pidfd, SIGTERM, NULL, 0) ? -errno : 0;
	if (!error)
		error = wait_for_end(pidfd);
	if (error == -ETIMEDOUT)
		fprintf(stderr,
			"adit: %s was told to end, but has not after %d s: is a PreDown or "
			"PostDown command still running?\n",
			load.name, DOWN_TIMEOUT_MS / 1000);
	else if (error)
		fprintf(stderr, "adit: cannot end %s: %s%s\n", load.name, strerror(-error),
			error == -EACCES || error == -EPERM ? "; ending it needs root" : "");
	if (pidfd >= 0)
		close(pidfd);
	return error ? VERB_FAILED : VERB_OK;
}

const struct verb verb_down = {
	.name = "down",
	.arguments = "NAME|FILE",
	.summary = "end the interface and undo what up did",
	.help = "Tells the daemon of the interface NAME to end, and waits until it has: routes,\n"
		"addresses and the interface are gone then. Where it was killed before, takes\n"
		"back what it left: name servers, rules, the routes of a kill switch. Exits with "
		"4\n"
		"if it does not run and has left nothing.",
	.min_arguments = 1,
	.max_arguments = 1,
	.run = run,
};
