#include "unit/dnsbox.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "text/addrtext.h"
#include "unit/folder.h"
#include "unit/programs.h"
#include "unit/sandbox.h"

static char socket_path[96];

struct dns_system dnsbox_system(void)
{
	snprintf(socket_path, sizeof socket_path, "%s/resolved", folder_path);
	return (struct dns_system){
		.programs = "bin",
		.resolved_socket = socket_path,
		.interface_order = "interface-order",
		.seconds = 60,
		.notes = ".",
	};
}

bool dnsbox_program(const char *name, const char *then)
{
	char script[512];
	snprintf(script, sizeof script,
		"op=$1; { printf %%s \"${0##*/} $1\"; shift; for a; do printf '|%%s' \"$a\"; done; "
		"echo; cat; } >>calls\n%s",
		then);
	return programs_make("bin", name, script);
}

int dnsbox_resolved(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	strcpy(address.sun_path, socket_path);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 1))
		test_fail(__FILE__, __LINE__, "no socket");
	return fd;
}

const char *dnsbox_calls(void)
{
	const char *calls = programs_read("calls");
	unlink("calls");
	return strcmp(calls, "none") ? calls : "";
}

struct to_dns dnsbox_wanted(const char *servers, const char *search)
{
	struct to_dns wanted = {.kind = TO_DNS_SET, .interface = "lo"};
	while (*servers) {
		size_t len = strcspn(servers, " ");
		if (!addrtext_read_address(&wanted.servers[wanted.server_count++], servers, len))
			test_fail(__FILE__, __LINE__, "\"%s\"", servers);
		servers += len + (servers[len] == ' ');
	}
	snprintf(wanted.search, sizeof wanted.search, "%s", search);
	return wanted;
}
