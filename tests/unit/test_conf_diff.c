#include "unit/test.h"

#include "text/conf_diff.h"
#include "unit/short_memory.h"

#define INTERFACE "[Interface]\nPrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n"
#define ONE	  "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define TWO	  "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define PEER(key) "[Peer]\nPublicKey = " key "\n"

typedef void diff(struct out *out, const struct conf *from, const struct conf *to);

static const struct row {
	diff *diff;
	const char *from, *to, *lines;
} rows[] = {
	{conf_diff_names, INTERFACE, INTERFACE, ""},
	{conf_diff_names, PEER(ONE) "Endpoint = a.example:5\n" PEER(TWO),
		PEER(TWO) PEER(ONE) "Endpoint = a.example:5\n", ""},
	{conf_diff_names, PEER(ONE) "Endpoint = a.example:5\n" PEER(TWO) "Endpoint = b.example:6\n",
		PEER(TWO) "Endpoint = b.example:7\n" PEER(ONE) "Endpoint = c.example:5\n",
		"~ endpoint of peer " TWO ": b.example:6 -> b.example:7\n"
		"~ endpoint of peer " ONE ": a.example:5 -> c.example:5\n"},
	{conf_diff_names, PEER(ONE) "Endpoint = 192.0.2.1:5\n",
		PEER(ONE) "Endpoint = b.example:5\n",
		"~ endpoint of peer " ONE ": 192.0.2.1:5 -> b.example:5\n"},
	{conf_diff_names, PEER(ONE) "Endpoint = b.example:5\n",
		PEER(ONE) "Endpoint = 192.0.2.1:5\n", ""},
	{conf_diff_names, PEER(ONE), PEER(ONE) "Endpoint = b.example:5\n",
		"+ endpoint of peer " ONE ": b.example:5\n"},
	{conf_diff_names, INTERFACE, PEER(ONE) "Endpoint = b.example:5\n",
		"+ endpoint of peer " ONE ": b.example:5\n"},
	{conf_diff_names, PEER(ONE) "Endpoint = b.example:5\n", PEER(ONE),
		"- endpoint of peer " ONE ": b.example:5, where it is remains\n"},
	{conf_diff_names, PEER(ONE) "Endpoint = b.example:5\n", INTERFACE, ""},

	{conf_diff_hooks, INTERFACE "PostUp = a\nPostUp = b\nPreDown = c\n",
		INTERFACE "PreDown = c\nPostUp = a\nPostUp = b\n", ""},
	{conf_diff_hooks, INTERFACE "PreUp = 0\nPostUp = a\nPostUp = b\nPostUp = c\nPostDown = d\n",
		INTERFACE "PostUp = a\nPostUp = x\nPostUp = y\nPostUp = c\nPreDown = e\n",
		"- PreUp 0\n- PostUp b\n+ PostUp x\n+ PostUp y\n+ PreDown e\n- PostDown d\n"},
	{conf_diff_hooks, INTERFACE "PostUp = a\n", INTERFACE "PostUp = a\nPostUp = a\n",
		"+ PostUp a\n"},

	{conf_diff_listen, INTERFACE "BindDevice = eth0\n", INTERFACE "BindDevice = eth0\n", ""},
	{conf_diff_listen, INTERFACE "ListenPort = 5\nListen = 192.0.2.1:5\n",
		INTERFACE "ListenPort = 5\nListen = 192.0.2.1:5\nListen = [fe80::1%eth0]:5\n",
		"~ listen at 192.0.2.1 -> 192.0.2.1, fe80::1%eth0\n"},
	{conf_diff_listen, INTERFACE "BindDevice = eth0\n",
		INTERFACE "ListenPort = 5\nListen = 192.0.2.1:5\n",
		"+ listen at 192.0.2.1\n- bind device eth0\n"},
	{conf_diff_listen, INTERFACE "BindDevice = eth0\n", INTERFACE "BindDevice = eth1\n",
		"~ bind device eth0 -> eth1\n"},

	{conf_diff_dns, INTERFACE, INTERFACE, ""},
	{conf_diff_dns, INTERFACE "DNS = 10.0.0.1, lan\n", INTERFACE "DNS = lan, 10.0.0.1\n", ""},
	{conf_diff_dns, INTERFACE, INTERFACE "DNS = 10.0.0.1, lan\n", "+ dns 10.0.0.1, lan\n"},
	{conf_diff_dns, INTERFACE "DNS = 10.0.0.1, lan\n", INTERFACE, "- dns 10.0.0.1, lan\n"},
	{conf_diff_dns, INTERFACE "DNS = 10.0.0.1, lan\n", INTERFACE "DNS = ::2\n",
		"~ dns 10.0.0.1, lan -> ::2\n"},

	{conf_diff_tuning, INTERFACE, INTERFACE "Offload = auto\nThreads=auto\nTxQueueLen=50\n",
		""},
	{conf_diff_tuning, INTERFACE "Offload = off\n", INTERFACE "TxQueueLen = 500\n",
		"~ offload off -> auto\n~ transmit queue 50 -> 500 packets\n"},
	{conf_diff_tuning, INTERFACE "Threads = 4\n", INTERFACE "Aead = avx2\n",
		"~ aead auto -> avx2, from the next start on\n"
		"~ threads 4 -> auto, from the next start on\n"},
	{conf_diff_tuning, INTERFACE "Threads = 4\n", INTERFACE "Threads = 5\n",
		"~ threads 4 -> 5, from the next start on\n"},
};

static bool read_both(struct conf *from, struct conf *to, const struct row *row)
{
	return conf_parse(from, row->from, strlen(row->from)) &&
	       conf_parse(to, row->to, strlen(row->to)) && !from->error_count && !to->error_count;
}

TEST(conf_diff_says_what_is_different)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct conf from, to;
		struct out out;
		out_init(&out, SIZE_MAX);
		CHECK(read_both(&from, &to, &rows[i]));
		rows[i].diff(&out, &from, &to);
		CHECK(!out.has_failed);
		CHECK_STR(rows[i].lines, out_string(&out));
		out_wipe(&out);
		conf_wipe(&from);
		conf_wipe(&to);
	}
}

TEST(conf_diff_without_memory)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct conf from, to;
		char space[1024];
		struct out out;
		bool has_failed = true;
		CHECK(read_both(&from, &to, &rows[i]));
		for (size_t n = 1; has_failed; n++) {
			out_init_fixed(&out, space, sizeof space);
			short_memory_begin(n);
			rows[i].diff(&out, &from, &to);
			has_failed = short_memory_end();
			CHECK(out.has_failed == has_failed);
		}
		conf_wipe(&from);
		conf_wipe(&to);
	}
}
