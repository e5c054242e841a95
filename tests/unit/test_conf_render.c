#include "unit/test.h"

#include "text/conf.h"

#define A    "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
#define B    "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
#define HEAD "[Interface]\nPrivateKey=" A "\n" /* lines 1 and 2 */
#define PEER "[Peer]\nPublicKey=" B "\n"       /* lines 3 and 4 behind HEAD */

static void check_rendered(const char *text, const char *expected)
{
	struct conf conf;
	struct out out;
	CHECK(conf_parse(&conf, text, strlen(text)));
	out_init(&out, 1 << 20);
	conf_render(&out, &conf, "wg0.conf", text, strlen(text));
	CHECK_STR(expected, out_string(&out));
	out_wipe(&out);
	conf_wipe(&conf);
}

TEST(conf_render_points_at_the_place)
{
	check_rendered(HEAD "\tMTU\t=\t14x0 # hm\n",
		"wg0.conf:3:8: error: MTU: \"14x0\": expected 68-65535\n"
		"  \tMTU\t=\t14x0\n"
		"  \t   \t \t^\n");
	check_rendered(HEAD "MTU=1\x1b[\xc3\xbc\n",
		"wg0.conf:3:5: error: MTU: \"1?[??\": expected 68-65535\n"
		"  MTU=1?[??\n"
		"      ^\n");
	check_rendered("",
		"wg0.conf:1:1: warning: no [Interface]: no peer can be reached before a private "
		"key is set\n");
}

TEST(conf_render_far_to_the_right)
{
	char text[1024] = HEAD PEER "AllowedIPs=", expected[1024];
	struct out out;
	for (unsigned i = 0; i < 20; i++)
		strcat(text, "10.0.0.0/8,");
	strcat(text, "x,10.0.0.0/8,10.0.0.0/8,10.0.0.0/8,10.0.0.0/8,10.0.0.0/8,10.0.0.0/8\n");
	out_init_fixed(&out, expected, sizeof expected);
	out_add_text(&out, "wg0.conf:5:232: error: AllowedIPs: \"x\": "
			   "expected IP or IP/length, separated by commas\n"
			   "  ...");
	for (unsigned i = 0; i < 9; i++)
		out_add_text(&out, "10.0.0.0/8,");
	out_add_text(&out, "x,10.0.0.0/8,10.0.0.0/8,10.0.0.0/8,10.0.0.0/8,10.0.0.0/8,10.0...\n");
	out_add_repeated(&out, ' ', 5 + 100 - 1);
	out_add_text(&out, "^\n");
	check_rendered(text, expected);
}

/* No way of getting a line wrong shows a secret, in a message or below it. */
TEST(conf_render_shows_no_secret)
{
#define SECRET "SeCreTsEcReTSecRetSEcretseCRetSecrETsecretX"
	static const char *const texts[] = {
		"[Interface]\nPrivateKey = " SECRET "\n",
		"[Interface]\nPrivateKey = " SECRET "X=\n",
		"[Interface]\n private key = " SECRET "\n",
		"[Interface]\nPrivateKey = # " SECRET "\n",
		"PrivateKey = " SECRET "\n",
		"[Interface]\nPrivateKey " SECRET "=\n",
		"[Interface]\nPrivateKey: " SECRET "=\n",
		"[Interface]\nPrivateKye = " SECRET "=\n",
		"[Interface]\nPrivateKye == " SECRET "=\n",
		"[Interface]\n" SECRET "=\n",
		"[Interface]\n" SECRET "\n",
		"[Interface]\n = " SECRET "=\n",
		"[Interface]\n[" SECRET "]\n",
		"[Interface]\n[Per] " SECRET "=\n",
		"[Interface]\nPresharedKey = " SECRET "=\n",
		"[Peer]\nPresharedKey = " SECRET "\n",
		"[Peer]\nPreSharedKeys = " SECRET "=\n",
		"[Interface]\nMTU = 1 # PrivateKey = " SECRET "=\n",
		"\xef\xbb\xbf[Interface] PrivateKey = " SECRET "=\n",
		"PrivateKey = " SECRET "\xff\n",
		"[Interface]\n#!PrivateKey = " SECRET "=\n",
		"[Interface]\n#!PrivateKye = " SECRET "=\n",
		"[Interface]\n#!PrivateKeyFile = " SECRET "=\n",
		"[Interface]\nPrivateKeyFile = \"" SECRET "=\"\n",
		"[Interface]\nPrivateKeyFile = ' " SECRET "'\n",
		"[Interface]\nPrivateKeyFile = YYY" SECRET "\n",
		"[Peer]\nPrivateKeyFile = " SECRET "=\n",
		"[Interface]\nPrivateKeyFile " SECRET "=\n",
		"[Interface]\nPrivateKeyFile: " SECRET "\n",
		"[Interface]\nPrivateKey-File = " SECRET "=\n",
		"[Interface]\nPeer " SECRET "=\n",
		"[Interface]\nPeer " SECRET "\n",
		"[Interface]\nMTU " SECRET "=\n",
		"[Interface]\nMTU: " SECRET "\n",
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct conf conf;
		struct out out;
		CHECK(conf_parse(&conf, texts[i], strlen(texts[i])));
		CHECK(conf.diagnostic_count);
		out_init(&out, 1 << 20);
		conf_render(&out, &conf, "f", texts[i], strlen(texts[i]));
		CHECK(out.len);
		for (size_t at = 0; at + 6 < strlen(SECRET); at += 6) {
			char piece[7] = "";
			memcpy(piece, &SECRET[at], 6);
			CHECK(!strstr(out_string(&out), piece));
		}
		out_wipe(&out);
		conf_wipe(&conf);
	}
	check_rendered("[Interface]\nPrivateKey = abc  def\n",
		"wg0.conf:2:14: error: PrivateKey: 6 characters: "
		"expected 44 characters of base64, the last one \"=\"\n"
		"  PrivateKey = ***  ***\n"
		"               ^\n");
}
