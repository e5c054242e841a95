#include "unit/test.h"

#include <stdlib.h>

#include "text/addrtext.h"
#include "text/conf.h"
#include "text/keytext.h"
#include "text/uapi.h"

#define A     "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
#define B     "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
#define C     "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0="
#define A_HEX "c809f3e5317e9575c9b5ed78b638b7ce530dabe85ddab614220241801ddf0669"
#define B_HEX "c53201039adba14be71f886da1d8dbe9eebded08cb111b75340078999aa9f038"
#define C_HEX "4eb32f4a83f88d842563a448cc181bb2c42a637bf12363e2fb2ef594e5965d7d"

#define HEAD	  "[Interface]\nPrivateKey=" A "\n"
#define PEER	  "[Peer]\nPublicKey=" B "\n"
#define OTHER	  "[Peer]\nPublicKey=" C "\n"
#define HEAD_SET  "set=1\nprivate_key=" A_HEX "\n"
#define PEER_SET  "public_key=" B_HEX "\n"
#define OTHER_SET "public_key=" C_HEX "\n"

static const char whole[] = "# a comment\r\n"
			    "[Interface]\r\n"
			    "PrivateKey = " A " # mine\r\n"
			    "ListenPort = 51820\r\n"
			    "FwMark = 0xca6c\r\n"
			    "Address = 10.7.0.1/24, fd00::1/64\r\n"
			    "DNS = 1.1.1.1,2606:4700::1 example.org\r\n"
			    "MTU = 1420\r\n"
			    "Table = 1234\r\n"
			    "PostUp = iptables -A x -m comment --comment '# %i' \r\n"
			    "PreDown = one\r\n"
			    "PreDown = two\r\n"
			    "\r\n"
			    "[Peer]\r\n"
			    "PublicKey = " B "\r\n"
			    "PresharedKey = " C "\r\n"
			    "AllowedIPs = 10.7.0.2/32, fd00::2/128\r\n"
			    "Endpoint = [fe80::1%3]:7\r\n"
			    "PersistentKeepalive = 25\r\n"
			    "[Peer]\r\n"
			    "PublicKey = " C "\r\n"
			    "Endpoint = vpn.example.org:51820\r\n"
			    "AllowedIPs = 0.0.0.0/0\r\n"
			    "AllowedIPs = +::/0, -10.0.0.0/8\r\n";

static bool parse(struct conf *conf, const char *text)
{
	return conf_parse(conf, text, strlen(text));
}

TEST(conf_a_whole_file)
{
	struct conf conf;
	CHECK(parse(&conf, whole));
	CHECK_EQ(0, conf.diagnostic_count);
	struct out out;
	out_init(&out, 1 << 16);
	uapi_format_set(&out, &conf.change);
	CHECK_STR(HEAD_SET "listen_port=51820\nfwmark=51820\nreplace_peers=true\n" PEER_SET
			   "preshared_key=" C_HEX "\nendpoint=[fe80::1%3]:7\n"
			   "persistent_keepalive_interval=25\nreplace_allowed_ips=true\n"
			   "allowed_ip=10.7.0.2/32\nallowed_ip=fd00::2/128\n" OTHER_SET
			   "replace_allowed_ips=true\nallowed_ip=0.0.0.0/0\nallowed_ip=::/0\n"
			   "allowed_ip=-10.0.0.0/8\n\n",
		out_string(&out));
	out_wipe(&out);
	conf_wipe(&conf);
}

TEST(conf_the_link)
{
	struct conf conf;
	char text[ADDRTEXT_PREFIX_MAX];
	CHECK(parse(&conf, whole));
	const struct conf_link *link = &conf.link;
	CHECK_EQ(2, link->addresses.count);
	addrtext_write_prefix(text, &link->addresses.items[0]);
	CHECK_STR("10.7.0.1/24", text);
	addrtext_write_prefix(text, &link->addresses.items[1]);
	CHECK_STR("fd00::1/64", text);
	CHECK_EQ(2, link->dns_servers.count);
	addrtext_write_prefix(text, &link->dns_servers.items[1]);
	CHECK_STR("2606:4700::1/128", text);
	CHECK_EQ(1, link->dns_search.count);
	CHECK_STR("example.org", link->dns_search.items[0]);
	CHECK_EQ(1420, link->mtu);
	CHECK_EQ(CONF_TABLE_NUMBER, link->table);
	CHECK_EQ(1234, link->table_number);
	CHECK_EQ(0, link->pre_up.count + link->post_down.count);
	CHECK_EQ(1, link->post_up.count);
	CHECK_STR("iptables -A x -m comment --comment '# %i'", link->post_up.items[0]);
	CHECK_EQ(2, link->pre_down.count);
	CHECK_STR("one", link->pre_down.items[0]);
	CHECK_STR("two", link->pre_down.items[1]);
	CHECK_EQ(1, link->name_count);
	CHECK_EQ(1, link->names[0].peer);
	CHECK_STR("vpn.example.org", link->names[0].host);
	CHECK_STR("51820", link->names[0].port);
	CHECK_EQ(22, link->names[0].at.line);
	CHECK_EQ(12, link->names[0].at.column);
	conf_wipe(&conf);
	CHECK(!conf.link.names && !conf.change.peers);
}

/* What is read, written as a change: everything without an error. */
TEST(conf_meanings)
{
	static const struct {
		const char *text, *set;
	} rows[] = {
		/* case, white space inside, sections that come again */
		{"[ INTER face ]\nprivate key =yAnz5TF+ lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk =",
			HEAD_SET "replace_peers=true\n\n"},
		{HEAD "listenPORT=1\n" PEER "[interface]\nListenPort=2\n",
			HEAD_SET "listen_port=2\nreplace_peers=true\n" PEER_SET
				 "replace_allowed_ips=true\n\n"},
		/* the last one counts */
		{HEAD "FwMark=1\nFwMark=off", HEAD_SET "fwmark=0\nreplace_peers=true\n\n"},
		{HEAD "FwMark=0xffffffff", HEAD_SET "fwmark=4294967295\nreplace_peers=true\n\n"},
		{HEAD PEER "PersistentKeepalive=5\nPersistentKeepalive=OFF\nEndpoint=a:1\n"
			   "Endpoint=1.2.3.4:5",
			HEAD_SET "replace_peers=true\n" PEER_SET
				 "endpoint=1.2.3.4:5\npersistent_keepalive_interval=0\n"
				 "replace_allowed_ips=true\n\n"},
		{HEAD PEER "Endpoint=2001:db8::1:51820\nAllowedIPs=1.2.3.4 , f d00::/8",
			HEAD_SET "replace_peers=true\n" PEER_SET
				 "endpoint=[2001:db8::1]:51820\nreplace_allowed_ips=true\n"
				 "allowed_ip=1.2.3.4/32\nallowed_ip=fd00::/8\n\n"},
		{HEAD PEER "Endpoint=[1.2.3.4]:5 # [::1]:6",
			HEAD_SET "replace_peers=true\n" PEER_SET
				 "endpoint=1.2.3.4:5\nreplace_allowed_ips=true\n\n"},
		{HEAD PEER "PresharedKey=" A "\n" OTHER PEER "PresharedKey=" C "\n" OTHER
			   "PresharedKey=" B "\n" PEER OTHER,
			HEAD_SET "replace_peers=true\n" PEER_SET "preshared_key=" C_HEX
				 "\nreplace_allowed_ips=true\n" OTHER_SET "preshared_key=" B_HEX
				 "\nreplace_allowed_ips=true\n\n"},
		/* one peer twice, as wg(8) and the kernel do it */
		{HEAD PEER "Endpoint=1.2.3.4:5\nAllowedIPs=10.0.0.0/8\n" OTHER PEER
			   "AllowedIPs=11.0.0.0/8\nPersistentKeepalive=7\n",
			HEAD_SET "replace_peers=true\n" OTHER_SET
				 "replace_allowed_ips=true\n" PEER_SET "endpoint=1.2.3.4:5\n"
				 "persistent_keepalive_interval=7\nreplace_allowed_ips=true\n"
				 "allowed_ip=11.0.0.0/8\n\n"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct conf conf;
		struct out out;
		CHECK(parse(&conf, rows[i].text));
		CHECK_EQ(0, conf.error_count);
		out_init(&out, 1 << 16);
		uapi_format_set(&out, &conf.change);
		CHECK_STR(rows[i].set, out_string(&out));
		out_wipe(&out);
		conf_wipe(&conf);
	}
}

TEST(conf_endpoint_names)
{
	static const struct {
		const char *value, *host, *port;
	} rows[] = {
		{"a:1", "a", "1"},
		{"vpn.example.org:domain", "vpn.example.org", "domain"},
		{"1.2.3.4:domain", "1.2.3.4", "domain"},
		{"[fe80::1%eth0]:51820", "fe80::1%eth0", "51820"},
		{"fe80::1%eth0.5:51820", "fe80::1%eth0.5", "51820"},
		{"[a]:1", "a", "1"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[512] = HEAD PEER "Endpoint=9.9.9.9:9\nEndpoint=z:9\nEndpoint=";
		struct conf conf;
		strcat(text, rows[i].value);
		CHECK(parse(&conf, text));
		CHECK_EQ(0, conf.error_count);
		CHECK_EQ(1, conf.link.name_count);
		CHECK_STR(rows[i].host, conf.link.names[0].host);
		CHECK_STR(rows[i].port, conf.link.names[0].port);
		CHECK_EQ(false, conf.change.peers[0].has_endpoint);
		conf_wipe(&conf);
	}
}

/* Names stay with their peers when peers are merged. */
TEST(conf_merged_names)
{
	struct conf conf;
	CHECK(parse(&conf, HEAD PEER "Endpoint=first:1\n" OTHER "Endpoint=other:2\n" PEER));
	CHECK_EQ(2, conf.change.peer_count);
	CHECK_EQ(2, conf.link.name_count);
	CHECK_STR("first", conf.link.names[0].host);
	CHECK_EQ(1, conf.link.names[0].peer);
	CHECK_STR("other", conf.link.names[1].host);
	CHECK_EQ(0, conf.link.names[1].peer);
	conf_wipe(&conf);
	CHECK(parse(
		&conf, HEAD PEER "Endpoint=first:1\n" OTHER "Endpoint=x:1\nEndpoint=1.2.3.4:5"));
	CHECK_EQ(1, conf.link.name_count);
	CHECK_STR("first", conf.link.names[0].host);
	CHECK_EQ(true, conf.change.peers[1].has_endpoint);
	conf_wipe(&conf);
	CHECK(parse(&conf, HEAD PEER "Endpoint=first:1\n" PEER "Endpoint=second:2\n" PEER));
	CHECK_EQ(1, conf.change.peer_count);
	CHECK_EQ(1, conf.link.name_count);
	CHECK_STR("second", conf.link.names[0].host);
	CHECK_EQ(0, conf.link.names[0].peer);
	CHECK_EQ(3, conf.warning_count); /* the last has no AllowedIPs */
	conf_wipe(&conf);
}

TEST(conf_ports_and_tables_by_name)
{
	struct conf conf;
	CHECK(parse(&conf, HEAD "ListenPort=5\nListenPort=domain\nTable=vpn"));
	CHECK_EQ(0, conf.error_count);
	CHECK_EQ(false, conf.change.has_listen_port);
	CHECK_STR("domain", conf.link.listen_service);
	CHECK_EQ(CONF_TABLE_NAME, conf.link.table);
	CHECK_STR("vpn", conf.link.table_name);
	conf_wipe(&conf);
	CHECK(parse(&conf, HEAD "ListenPort=domain\nListenPort=5\nTable=vpn\nTable=OFF"));
	CHECK_EQ(5, conf.change.listen_port);
	CHECK(!conf.link.listen_service && !conf.link.table_name);
	CHECK_EQ(CONF_TABLE_OFF, conf.link.table);
	conf_wipe(&conf);
}

/* Every beginning of a good file, in a block of its own size so that one byte too far shows. */
TEST(conf_every_truncation)
{
	for (size_t len = 0; len < sizeof whole; len++) {
		char *text = malloc(len + !len);
		struct conf conf;
		struct out out;
		CHECK(text);
		memcpy(text, whole, len);
		bool is_complete = conf_parse(&conf, text, len);
		out_init(&out, 1 << 20);
		conf_render(&out, &conf, "x", text, len);
		CHECK(is_complete && !out.has_failed);
		out_wipe(&out);
		conf_wipe(&conf);
		free(text);
	}
}

TEST(conf_random_mutations)
{
	uint64_t seed = 1;
	for (unsigned round = 0; round < 3000; round++) {
		char text[sizeof whole];
		struct conf conf;
		struct out out;
		memcpy(text, whole, sizeof text);
		for (unsigned i = 0; i < 1 + round % 8; i++) {
			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
			size_t at = (size_t)(seed >> 33) % (sizeof text - 1);
			text[at] = seed >> 16 & 1 ? (char)(seed >> 24) : text[seed >> 40 & 255];
		}
		CHECK(conf_parse(&conf, text, sizeof text - 1));
		out_init(&out, 1 << 20);
		conf_render(&out, &conf, "x", text, sizeof text - 1);
		CHECK(!out.has_failed);
		CHECK_EQ(conf.diagnostic_count == 0, out.len == 0);
		out_wipe(&out);
		conf_wipe(&conf);
	}
}
