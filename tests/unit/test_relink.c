#include "main/relink.h"

#include "unit/netbox.h"
#include "unit/sandbox.h"

static struct link set;
static char why[LINK_WHY_MAX];

static const char first[] = "[Interface]\nAddress = 10.0.0.1/24\nMTU = 1400\n";
static const char second[] = "[Interface]\nAddress = 10.0.0.1/24, 10.0.1.1/24\nMTU = 1300\n";
static const char wrong[] = "[Interface]\nAddress = 10.0.0.1/24, fd00::1/64\nMTU = 1200\n";

/* The lines of relink, or of relink_diff, to what the text wants; "!" and why not. */
static const char *lines_to(const char *text, bool is_dry)
{
	static char lines[1024];
	struct conf conf;
	struct out out;
	out_init_fixed(&out, lines, sizeof lines);
	bool ok = conf_parse(&conf, text, strlen(text)) && !conf.error_count;
	int error = 0;
	if (ok)
		error = is_dry ? relink_diff(&set, &box.n, &conf, &out, why)
			       : relink(&set, &box.n, &conf, &out, why);
	if (error)
		out_add_text(&out, "!");
	conf_wipe(&conf);
	return ok ? out_string(&out) : "?";
}

static bool steps(void)
{
	const char *lines = "+ address 10.0.1.1/24\n~ mtu 1400 -> 1300\n";
	/* of a device that is not ours any more nothing is said or done */
	REQUIRE(!strcmp("", lines_to(second, true)) && !strcmp("", lines_to(second, false)));
	set.ifindex = box.ifindex;
	REQUIRE(strstr(lines_to(first, false), "+ address 10.0.0.1/24\n"));
	REQUIRE(!strcmp("", lines_to(first, false)));
	const char *dry = lines_to(second, true);
	REQUIRE(strlen(lines) == strlen(dry) && strstr(dry, "~ mtu 1400 -> 1300\n"));
	REQUIRE(strlen(lines) == strlen(lines_to(second, false)));
	REQUIRE(!strcmp("", lines_to(second, true)));
	REQUIRE(!strcmp("!", lines_to(wrong, true)) && strstr(why, "MTU 1200 is too small"));
	why[0] = 0;
	REQUIRE(!strcmp("!", lines_to(wrong, false)) && strstr(why, "MTU 1200 is too small"));
	REQUIRE(!strcmp("", lines_to(second, true)));
	link_down(&set, &box.n);
	return true;
}

TEST(relink_does_and_says_the_difference)
{
	netbox_run(steps);
}
