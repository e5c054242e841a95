/* What PostQuantum says, from the file to the engine and from there to people. */
#include "unit/test.h"

#include <stdlib.h>

#include "text/conf.h"
#include "text/reconcile.h"
#include "text/uapi.h"
#include "text/view_change.h"
#include "text/view_print.h"
#include "unit/tunnel.h"

#define KEY   "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
#define ONE   "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
#define TWO   "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="
#define HEX_1 "0101010101010101010101010101010101010101010101010101010101010101"
#define HEX_2 "0202020202020202020202020202020202020202020202020202020202020202"
#define HEAD  "[Interface]\nPrivateKey = " KEY "\nListenPort = 1\n"
#define PEER  "[Peer]\nAllowedIPs = 10.0.0.1/32\nPublicKey = "

static bool parse(struct conf *conf, const char *text)
{
	return conf_parse(conf, text, strlen(text)) && !conf->error_count;
}

/* ---------------------------------------------------------------- the file */

TEST(post_quantum_in_a_file)
{
	struct conf conf;
	CHECK(parse(&conf, HEAD "PostQuantum = require\n" PEER ONE "\npostquantum=OFF\n" PEER TWO
				"\n#!PostQuantum = Require\n"));
	CHECK(conf.change.has_post_quantum && conf.change.peers[0].has_post_quantum);
	CHECK_EQ(POST_QUANTUM_REQUIRE, conf.change.post_quantum);
	CHECK_EQ(POST_QUANTUM_OFF, conf.change.peers[0].post_quantum);
	CHECK_EQ(POST_QUANTUM_REQUIRE, conf.change.peers[1].post_quantum);
	conf_wipe(&conf);
	CHECK(parse(&conf, HEAD PEER ONE "\n"));
	CHECK(!conf.change.has_post_quantum && !conf.change.peers[0].has_post_quantum);
	conf_wipe(&conf);
}

/* The last one counts, as of other keys; a second section leaves what the first said. */
TEST(post_quantum_twice_in_a_file)
{
	struct conf conf;
	CHECK(parse(
		&conf, HEAD PEER ONE "\nPostQuantum = off\nPostQuantum = require\n" PEER ONE "\n"));
	CHECK_EQ(1, conf.change.peer_count);
	CHECK(conf.change.peers[0].has_post_quantum);
	CHECK_EQ(POST_QUANTUM_REQUIRE, conf.change.peers[0].post_quantum);
	conf_wipe(&conf);
	CHECK(parse(
		&conf, HEAD PEER ONE "\nPostQuantum = require\n" PEER ONE "\nPostQuantum = off\n"));
	CHECK_EQ(POST_QUANTUM_OFF, conf.change.peers[0].post_quantum);
	conf_wipe(&conf);
}

/* For wg(8) it is no key. */
TEST(post_quantum_is_stripped)
{
	static const char text[] = HEAD "PostQuantum = require\n" PEER ONE "\nPostQuantum = off\n";
	struct conf conf;
	struct out out;
	CHECK(parse(&conf, text));
	out_init(&out, 1 << 16);
	conf_strip(&out, &conf, text, strlen(text));
	CHECK_STR(HEAD "\n" PEER ONE "\n", out_string(&out));
	out_wipe(&out);
	conf_wipe(&conf);
}

/* ---------------------------------------------------------------- the socket */

static int set(struct change *change, const char *text)
{
	struct uapi_parser parser;
	size_t used;
	uapi_init(&parser);
	int error = uapi_feed(&parser, text, strlen(text), &used) == UAPI_SET ? parser.error : -1;
	*change = parser.change;
	change_init(&parser.change);
	uapi_wipe(&parser);
	return error;
}

TEST(post_quantum_in_the_socket_there_and_back)
{
	static const char text[] = "set=1\npost_quantum=require\n"
				   "public_key=" HEX_1 "\npost_quantum=off\n"
				   "public_key=" HEX_2 "\npost_quantum=default\n"
				   "public_key=" HEX_2 "\npost_quantum=require\n\n";
	struct change change;
	struct out out;
	CHECK_EQ(0, set(&change, text));
	out_init(&out, 1 << 16);
	uapi_format_set(&out, &change);
	CHECK_STR(text, out_string(&out));
	out_wipe(&out);
	change_wipe(&change);
}

TEST(post_quantum_in_the_socket_refused)
{
	static const char *const rows[] = {"set=1\npost_quantum=default\n\n", /* of what? */
		"set=1\npost_quantum=\n\n", "set=1\npost_quantum=Require\n\n",
		"set=1\npost_quantum=true\n\n", "set=1\npublic_key=" HEX_1 "\npost_quantum=on\n\n",
		"set=1\npublic_key=" HEX_1 "\nkey_exchange=x25519\n\n"};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct change change;
		if (set(&change, rows[i]) != 22)
			test_fail(__FILE__, __LINE__, "row %zu", i);
		change_wipe(&change);
	}
}

static void ask(struct out *answer, const struct end *end)
{
	out_init(answer, 1 << 16);
	uapi_format_get(answer, end->device, &(struct uapi_link){0});
}

/* An interface without any of it answers as every WireGuard does, but for its sessions. */
TEST(post_quantum_is_told_where_it_was_said)
{
	struct tunnel t;
	struct out answer;
	CHECK(tunnel_init(&t, 2200));
	ask(&answer, &t.a);
	CHECK(!strstr(out_string(&answer), "post_quantum") &&
		!strstr(out_string(&answer), "key_exchange"));
	out_wipe(&answer);
	CHECK(tunnel_ping(&t, &t.a));
	ask(&answer, &t.a);
	CHECK(strstr(out_string(&answer), "\nkey_exchange=x25519\n"));
	out_wipe(&answer);
	struct change change;
	CHECK_EQ(0, set(&change, "set=1\npost_quantum=require\n\n"));
	CHECK(device_apply(t.a.device, &change, &t.now));
	CHECK(device_apply(t.b.device, &change, &t.now));
	tunnel_skip(&t, SECOND);
	CHECK(tunnel_ping(&t, &t.a));
	ask(&answer, &t.a);
	const char *peers = strstr(out_string(&answer), "public_key=");
	const char *said = strstr(out_string(&answer), "\npost_quantum=require\n");
	CHECK(said && said < peers && !strstr(peers, "post_quantum"));
	CHECK(strstr(peers, "\nkey_exchange=x25519+mlkem768\n"));
	out_wipe(&answer);
	change_wipe(&change);
	tunnel_wipe(&t);
}

/* ---------------------------------------------------------------- views of it */

#define ANSWER                                                                                     \
	"post_quantum=require\npublic_key=" HEX_1                                                  \
	"\nlast_handshake_time_sec=1\nkey_exchange=x25519+mlkem768\npublic_key=" HEX_2             \
	"\npost_quantum=off\nkey_exchange=x25519\nerrno=0\n\n"

TEST(post_quantum_shown)
{
	struct view view;
	struct out out;
	const struct view_style style = {.interface_name = "wg0", .now = 1};
	CHECK(view_parse(&view, ANSWER, strlen(ANSWER)));
	CHECK(view.peers[0].has_key_exchange && view.peers[1].has_key_exchange);
	CHECK_EQ(KEY_EXCHANGE_HYBRID, view.peers[0].key_exchange);
	CHECK_EQ(KEY_EXCHANGE_X25519, view.peers[1].key_exchange);
	out_init(&out, 1 << 16);
	view_print_pretty(&out, &view, &style);
	CHECK_STR("interface: wg0\n\npeer: " ONE "\n  allowed ips: (none)\n"
		  "  latest handshake: Now\n  key exchange: x25519+mlkem768\n"
		  "  post-quantum: required\n\n"
		  "peer: " TWO "\n  allowed ips: (none)\n  key exchange: x25519\n",
		out_string(&out));
	out_clear(&out);
	view_print_conf(&out, &view, &(struct view_link){.is_known = true}, &style);
	const char *conf = strstr(out_string(&out), "[Interface]");
	CHECK_STR("[Interface]\n#!PostQuantum = require\n\n[Peer]\nPublicKey = " ONE
		  "\n\n[Peer]\nPublicKey = " TWO "\n#!PostQuantum = off\n",
		conf);
	struct conf again;
	CHECK(parse(&again, conf));
	CHECK_EQ(POST_QUANTUM_REQUIRE, again.change.post_quantum);
	CHECK_EQ(POST_QUANTUM_OFF, again.change.peers[1].post_quantum);
	conf_wipe(&again);
	out_wipe(&out);
	view_wipe(&view);
}

TEST(post_quantum_in_json)
{
	struct view view;
	struct out out;
	struct json_out json;
	const struct view_style style = {.interface_name = "wg0"};
	CHECK(view_parse(&view, ANSWER, strlen(ANSWER)));
	out_init(&out, 1 << 16);
	json_out_init(&json, &out);
	json_out_begin_object(&json, NULL);
	view_print_json(&json, &view, &(struct view_link){0}, &style);
	json_out_end_object(&json);
	json_out_finish(&json);
	const char *text = out_string(&out), *second = strstr(text, TWO);
	const char *hybrid = strstr(text, "\"x25519+mlkem768\"");
	CHECK(second && hybrid && hybrid < second && strstr(second, "\"x25519\""));
	const char *required = strstr(text, "\"postQuantum\"");
	CHECK(required && required < second && strstr(second, "\"postQuantum\": \"off\""));
	out_wipe(&out);
	view_wipe(&view);
}

TEST(post_quantum_views_of_what_is_wrong_or_new)
{
	struct view view;
	static const char wrong[] = "post_quantum=maybe\nerrno=0\n\n",
			  new[] = "public_key=" HEX_1 "\nkey_exchange=x448+mlkem1024\nerrno=0\n\n";
	CHECK(!view_parse(&view, wrong, strlen(wrong)));
	view_wipe(&view);
	CHECK(view_parse(&view, new, strlen(new)) && !view.peers[0].has_key_exchange);
	view_wipe(&view);
}

/* ---------------------------------------------------------------- reload */

static const char *differences(struct out *out, const char *from, const char *to)
{
	struct conf a, b;
	struct change change;
	bool ok = parse(&a, from);
	ok = parse(&b, to) && ok;
	out_init(out, 1 << 16);
	ok = reconcile(&change, &a.change, &b.change) && ok;
	if (ok)
		reconcile_render(out, &a.change, &change);
	change_wipe(&change);
	conf_wipe(&a);
	conf_wipe(&b);
	return ok ? out_string(out) : "(failed)";
}

TEST(post_quantum_in_a_reload)
{
	static const struct {
		const char *from, *to, *lines;
	} rows[] = {
		{HEAD PEER ONE "\n", HEAD PEER ONE "\nPostQuantum = require\n",
			"~ post-quantum of peer " ONE ": as the interface -> require\n"},
		{HEAD PEER ONE "\nPostQuantum = require\n", HEAD PEER ONE "\nPostQuantum = off\n",
			"~ post-quantum of peer " ONE ": require -> off\n"},
		{HEAD PEER ONE "\nPostQuantum = require\n", HEAD PEER ONE "\n",
			"~ post-quantum of peer " ONE ": require -> as the interface\n"},
		{HEAD PEER ONE "\n", HEAD "PostQuantum = require\n" PEER ONE "\n",
			"~ post-quantum off -> require, where a peer says nothing itself\n"},
		{HEAD "PostQuantum = require\n" PEER ONE "\n", HEAD PEER ONE "\n",
			"~ post-quantum require -> off, where a peer says nothing itself\n"},
		{HEAD PEER ONE "\n", HEAD "PostQuantum = off\n" PEER ONE "\n", ""},
		{HEAD, HEAD PEER ONE "\nPostQuantum = require\n",
			"+ peer " ONE ", post-quantum require, allowed ips 10.0.0.1/32\n"},
		{HEAD, HEAD PEER ONE "\n", "+ peer " ONE ", allowed ips 10.0.0.1/32\n"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct out out;
		CHECK_STR(rows[i].lines, differences(&out, rows[i].from, rows[i].to));
		out_wipe(&out);
	}
}

/* Of a peer that comes, "default" is said: the device may remember another policy. */
TEST(post_quantum_of_a_new_peer_is_said)
{
	struct conf a, b;
	struct change change;
	CHECK(parse(&a, HEAD) && parse(&b, HEAD PEER ONE "\n"));
	CHECK(reconcile(&change, &a.change, &b.change));
	CHECK_EQ(1, change.peer_count);
	CHECK(change.peers[0].has_post_quantum);
	CHECK_EQ(POST_QUANTUM_DEFAULT, change.peers[0].post_quantum);
	change_wipe(&change);
	conf_wipe(&a);
	conf_wipe(&b);
}

/* What neither file says stays as the socket has set it; what only the last one says goes. */
TEST(post_quantum_that_no_file_says_stays)
{
	static const char plain[] = HEAD PEER ONE "\n",
			  said[] = HEAD "PostQuantum = require\n" PEER ONE "\nPostQuantum = off\n";
	struct conf file, last, now;
	struct change whole;
	CHECK(parse(&file, plain) && parse(&last, plain) && parse(&now, said));
	CHECK(reconcile_complete(&whole, &file.change, &now.change, &last.change));
	CHECK_EQ(POST_QUANTUM_REQUIRE, whole.post_quantum);
	CHECK_EQ(POST_QUANTUM_OFF, whole.peers[0].post_quantum);
	change_wipe(&whole);
	conf_wipe(&last);
	CHECK(parse(&last, said));
	CHECK(reconcile_complete(&whole, &file.change, &now.change, &last.change));
	CHECK(!whole.has_post_quantum && !whole.peers[0].has_post_quantum);
	change_wipe(&whole);
	conf_wipe(&file);
	conf_wipe(&last);
	conf_wipe(&now);
}

TEST(post_quantum_of_a_device_as_a_change)
{
	struct view view;
	struct change change;
	CHECK(view_parse(&view, ANSWER, strlen(ANSWER)));
	CHECK(view_to_change(&change, &view));
	CHECK(change.has_post_quantum && !change.peers[0].has_post_quantum);
	CHECK_EQ(POST_QUANTUM_REQUIRE, change.post_quantum);
	CHECK_EQ(POST_QUANTUM_OFF, change.peers[1].post_quantum);
	change_wipe(&change);
	view_wipe(&view);
}
