#include "unit/test.h"

#include "text/view_print.h"
#include "unit/view_answer.h"

static const struct view_style style = {.interface_name = "wg0"};

TEST(view_of_drops)
{
	static const char text[] =
		"drop_under-load=18446744073709551615\ndrop_type=7\ndrop_of-the-future=5\n"
		"drop_=1\n" PEER("01010101", "5", "drop_replay=123\ndrop_initiation-rate=1\n")
			PEER("02020202", "0", NO_TRAFFIC) "errno=0\n\n";
	struct view view;
	struct out out;
	CHECK(view_parse(&view, text, sizeof text - 1));
	out_init(&out, 1 << 16);
	view_print_drops(&out, &view, &style);
	CHECK_STR("interface: wg0\n"
		  "  type                       7  outer: unknown message type\n"
		  "  under-load      18446744073709551615  handshake: under load, a cookie was "
		  "sent instead\n"
		  "\n"
		  "peer: AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n"
		  "  initiation-rate            1  initiation: over 50 a second from this peer\n"
		  "  replay                   123  data: counter seen before, or too old\n"
		  "\n"
		  "peer: AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\n"
		  "  (nothing was dropped)\n",
		out_string(&out));
	out_wipe(&out);
	view_wipe(&view);
}
