#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "main/load.h"
#include "main/running.h"
#include "main/screen.h"
#include "main/verb.h"
#include "manage/netlink.h"
#include "text/addrtext.h"
#include "text/view_route.h"

struct question {
	struct ip_address address;
	struct out text, complaints;
	bool is_carried; /* by a peer of any interface */
};

/* Of a route that is none of ours, where it leads. */
static void add_way(struct out *way, struct netlink *n, const struct netlink_route *route)
{
	struct netlink_link other;
	if (route->type == RTN_LOCAL) {
		out_add_text(way, "it is an address of this machine: it never enters the tunnel\n");
		return;
	}
	bool is_known = !netlink_link_get(n, route->ifindex, &other);
	out_add_text(way, "the system's routes send it to ");
	out_add_text(way, is_known ? other.name : "another interface");
	out_add_text(way, ", not here\n");
}

/* The tunnel gets only what the system sends into it: nothing is added where it does. */
static void find_way(struct out *way, const struct ip_address *address, const char *name)
{
	struct netlink n;
	struct netlink_link ours;
	struct netlink_route route;
	if (netlink_open(&n))
		return;
	bool is_here = !netlink_link_find(&n, name, NETLINK_NSID_OWN, &ours);
	int error = is_here ? netlink_route_lookup(&n, address, 0, &route) : 0;
	if (error) {
		out_add_text(way, "the system has no route to it: ");
		out_add_text(way, netlink_explain(&n, error));
		out_add_text(way, "\n");
	} else if (is_here && (route.ifindex != ours.ifindex || route.type == RTN_LOCAL)) {
		add_way(way, &n, &route);
	}
	netlink_close(&n);
}

static void print_one(struct out *text, struct view_route *route, const struct ip_address *address,
	const struct view_style *style)
{
	struct out way;
	out_init(&way, SIZE_MAX);
	find_way(&way, address, style->interface_name);
	route->is_elsewhere = *out_string(&way);
	view_route_print(text, route, address, style);
	if (route->is_elsewhere) {
		out_add_text(text, route->is_carried ? "  but " : "  ");
		out_add_text(text, out_string(&way));
	}
	out_wipe(&way);
}

static int ask_one(struct question *question, const char *name)
{
	struct view view;
	struct view_route route;
	const struct view_style style = {.interface_name = name, .zone_name = running_zone_name};
	int status = running_view(name, &view, -1, &question->complaints);
	if (status)
		return status;
	if (view_route_find(&route, &view, &question->address))
		print_one(&question->text, &route, &question->address, &style);
	else
		question->text.has_failed = true;
	question->is_carried |= route.is_carried;
	view_route_free(&route);
	view_wipe(&view);
	return VERB_OK;
}

static int ask_all(struct question *question)
{
	struct running running;
	int status = running_list(&running) ? VERB_OK : VERB_FAILED;
	bool is_any = false;
	for (size_t i = 0; i < running.count; i++) {
		if (!running_is_alive(running.names[i]))
			continue;
		int one = ask_one(question, running.names[i]);
		status = status ? status : one;
		is_any = true;
	}
	running_free(&running);
	if (is_any || status)
		return status;
	out_add_text(&question->complaints, "adit: no interface is running\n");
	return VERB_NOT_RUNNING;
}

static int answer(struct question *question, const char *name)
{
	int status = name ? ask_one(question, name) : ask_all(question);
	if (question->text.has_failed) {
		out_add_text(&question->complaints, "adit: no memory\n");
		status = VERB_FAILED;
	}
	if (!screen_print(&question->text))
		status = VERB_FAILED;
	fputs(out_string(&question->complaints), stderr);
	if (status == VERB_OK && !question->is_carried)
		return VERB_NO_PEER;
	return status;
}

static int run(int argc, char **argv)
{
	struct load load;
	struct question question = {0};
	const char *word = argv[argc - 1];
	if (argc == 2 && !load_find(&load, argv[0]))
		return VERB_USAGE;
	if (!addrtext_read_address(&question.address, word, strlen(word))) {
		fprintf(stderr,
			"adit route: \"%.64s\" is not an IP address, such as 10.0.0.9 or fd00::9\n",
			word);
		return VERB_USAGE;
	}
	out_init(&question.text, SIZE_MAX);
	out_init(&question.complaints, SIZE_MAX);
	int status = answer(&question, argc == 2 ? load.name : NULL);
	out_wipe(&question.text);
	out_wipe(&question.complaints);
	return status;
}

const struct verb verb_route = {
	.name = "route",
	.arguments = "[NAME] ADDRESS",
	.summary = "say which peer gets packets to an address",
	.help = "Says which peer of the interface NAME, or of all that run, a packet to ADDRESS\n"
		"goes to and by which of its allowed IPs, and which shorter ones of others hold\n"
		"the address too and lose. If no peer has it: which come nearest. And where the\n"
		"system sends the packet, if not into the tunnel.\n"
		"\n"
		"Exits with 0 if a peer gets it, with 5 if none does.",
	.min_arguments = 1,
	.max_arguments = 2,
	.run = run,
};
