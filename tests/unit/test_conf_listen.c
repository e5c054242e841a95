#include "unit/test.h"

#include <stdio.h>

#include "text/addrtext.h"
#include "text/conf.h"

#define KEY  "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
#define HEAD "[Interface]\nPrivateKey=" KEY "\n" /* lines 1 and 2 */

static struct conf conf;

static bool parse(const char *text)
{
	return conf_parse(&conf, text, strlen(text));
}

/* "address%zone ... port device" */
static void list(char *out, size_t size)
{
	int len = 0;
	for (size_t i = 0; i < conf.link.listen_count; i++) {
		char text[ADDRTEXT_ADDRESS_MAX];
		const struct conf_listen *listen = &conf.link.listens[i];
		addrtext_write_address(text, &listen->address);
		len += snprintf(out + len, size - (size_t)len, "%s%s%s ", text,
			listen->zone[0] ? "%" : "", listen->zone);
	}
	snprintf(out + len, size - (size_t)len, "%d %s",
		conf.change.has_listen_port ? conf.change.listen_port : -1, conf.link.bind_device);
}

TEST(conf_listen_places)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{"", "-1 "},
		{"ListenPort=5\n", "5 "},
		{"Listen=192.0.2.1:51820\n", "192.0.2.1 51820 "},
		{"listen = 192.0.2.1:7 , [2001:db8::1]:7\n", "192.0.2.1 2001:db8::1 7 "},
		{"Listen=192.0.2.1:7 # mine\nListen=\t192.0.2.2:7 192.0.2.3:7\n",
			"192.0.2.1 192.0.2.2 192.0.2.3 7 "},
		{"Listen=192.0.2.1:0\n", "192.0.2.1 0 "},
		{"Listen=192.0.2.1:65535\n", "192.0.2.1 65535 "},
		{"Listen=0.0.0.0:7\n", "0.0.0.0 7 "},
		{"Listen=[::]:7,192.0.2.1:7\n", ":: 192.0.2.1 7 "},
		{"Listen=[fe80::1%eth0]:7,[fe80::1%eth1]:7,[fe80::1%fifteen-bytes-x]:7\n",
			"fe80::1%eth0 fe80::1%eth1 fe80::1%fifteen-bytes-x 7 "},
		{"Listen=[febf::1%3]:7\n", "febf::1%3 7 "},
		{"Listen=[fec0::1]:7\n", "fec0::1 7 "},
		{"Listen=223.255.255.255:7\n", "223.255.255.255 7 "},
		{"Listen=127.0.0.1:7\nListenPort=7\n", "127.0.0.1 7 "},
		{"ListenPort=8\nListen=127.0.0.1:7\nListenPort=7\n", "127.0.0.1 7 "},
		{"Listen=10.0.0.1:7,10.0.0.2:7,10.0.0.3:7,10.0.0.4:7,10.0.0.5:7,10.0.0.6:7,"
		 "10.0.0.7:7,10.0.0.8:7\n",
			"10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5 10.0.0.6 10.0.0.7 10.0.0.8 "
			"7 "},
		{"BindDevice=eth0\n", "-1 eth0"},
		{"binddevice = vrf-red\nBindDevice=eth0.7\nListenPort=1\n", "1 eth0.7"},
		{"BindDevice=fifteen-bytes-x\n", "-1 fifteen-bytes-x"},
		{"BindDevice=7\nBindDevice=...\n", "-1 ..."},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[512], got[512];
		snprintf(text, sizeof text, HEAD "%s", rows[i].text);
		CHECK(parse(text));
		CHECK_EQ(0, conf.diagnostic_count);
		list(got, sizeof got);
		CHECK_STR(rows[i].expected, got);
		conf_wipe(&conf);
	}
}

/* One message, at this column of line 3, for one value. */
TEST(conf_listen_errors_of_one)
{
	static const struct {
		const char *value, *why;
	} rows[] = {
		{"192.0.2.1", "no port; expected IPv4:port or [IPv6]:port"},
		{"192.0.2.1:", "no port; expected IPv4:port or [IPv6]:port"},
		{"51820", "no port; expected IPv4:port or [IPv6]:port"},
		{"[::1]", "no port; expected IPv4:port or [IPv6]:port"},
		{"[::1]:", "no port; expected IPv4:port or [IPv6]:port"},
		{"[::1:7", "an IPv6 address stands in brackets; expected [IPv6]:port"},
		{"2001:db8::1", "no port; expected IPv4:port or [IPv6]:port"},
		{"2001:db8::1%eth0:7", "an IPv6 address stands in brackets; expected [IPv6]:port"},
		{"1:2:3:4:5:6:7:8:9", "an IPv6 address stands in brackets; expected [IPv6]:port"},
		{"192.0.2.1:65536", "port must be 0-65535"},
		{"192.0.2.1:wireguard", "port must be 0-65535"},
		{"192.0.2.1:-1", "port must be 0-65535"},
		{":7", "no address; for all addresses of this machine there is ListenPort"},
		{"*:7", "not an IP address before the port; names are not looked up here"},
		{"example.org:7",
			"not an IP address before the port; names are not looked up here"},
		{"192.0.2.300:7",
			"not an IP address before the port; names are not looked up here"},
		{"[]:7", "not an IP address before the port; names are not looked up here"},
		{"[::g]:7", "not an IP address before the port; names are not looked up here"},
		{"192.0.2.1%eth0:7",
			"not an IP address before the port; names are not looked up here"},
		{"192.0.2.0/24:7",
			"not an IP address before the port; names are not looked up here"},
		{"[192.0.2.1]:7", "an IPv4 address stands without brackets"},
		{"224.0.0.1:7", "no address of one machine; expected one that this machine has"},
		{"255.255.255.255:7",
			"no address of one machine; expected one that this machine has"},
		{"[ff02::1%eth0]:7",
			"no address of one machine; expected one that this machine has"},
		{"[::ffff:192.0.2.1]:7",
			"an IPv4 address in IPv6; expected the IPv4 address alone"},
		{"[fe80::1]:7", "a link-local address needs its interface; expected "
				"[fe80::...%interface]:port"},
		{"[2001:db8::1%eth0]:7", "an interface belongs to link-local addresses only; for "
					 "others there is BindDevice"},
		{"[fe80::1%]:7", "not the name of an interface behind the \"%\""},
		{"[fe80::1%a/b]:7", "not the name of an interface behind the \"%\""},
		{"[fe80::1%sixteen-bytes-xx]:7", "not the name of an interface behind the \"%\""},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[512], expected[512];
		snprintf(text, sizeof text, HEAD "Listen = %s\n", rows[i].value);
		snprintf(expected, sizeof expected, "Listen: \"%s\": %s", rows[i].value,
			rows[i].why);
		CHECK(parse(text));
		CHECK_EQ(1, conf.error_count);
		CHECK_EQ(1, conf.diagnostic_count);
		CHECK_STR(expected, conf.diagnostics[0].message);
		CHECK_EQ(3, conf.diagnostics[0].line);
		CHECK_EQ(10, conf.diagnostics[0].column);
		conf_wipe(&conf);
	}
}

TEST(conf_listen_errors_of_several)
{
	static const struct {
		const char *text;
		uint32_t line, column;
		const char *message;
	} rows[] = {
		{"Listen=192.0.2.1:7,192.0.2.1:7\n", 3, 20,
			"Listen: \"192.0.2.1:7\": the same as in line 3"},
		{"Listen=[fe80::1%a]:7\nListen=[fe80::1%a]:7\n", 4, 8,
			"Listen: \"[fe80::1%a]:7\": the same as in line 3"},
		{"Listen=192.0.2.1:7\nListen=192.0.2.2:8\n", 4, 8,
			"Listen: \"192.0.2.2:8\": one port for all addresses; expected that of "
			"line 3"},
		{"Listen=192.0.2.1:7\nListen=0.0.0.0:7\n", 4, 8,
			"Listen: \"0.0.0.0:7\": any address of a family leaves none for another "
			"line; see line 3"},
		{"Listen=[::]:7\nListen=[fe80::1%a]:7\n", 4, 8,
			"Listen: \"[fe80::1%a]:7\": any address of a family leaves none for "
			"another line; see line 3"},
		{"Listen=10.0.0.1:7,10.0.0.2:7,10.0.0.3:7,10.0.0.4:7,10.0.0.5:7,10.0.0.6:7,"
		 "10.0.0.7:7,10.0.0.8:7\nListen=10.0.0.9:7\n",
			4, 8,
			"Listen: \"10.0.0.9:7\": more than 8 addresses; without Listen, all are "
			"listened at"},
		{"ListenPort=8\nListen=192.0.2.1:7\n", 3, 12,
			"ListenPort: beside Listen in line 4; expected its port, 7, or no "
			"ListenPort"},
		{"Listen=192.0.2.1:7\nListenPort=7\nListenPort=0\n", 5, 12,
			"ListenPort: beside Listen in line 3; expected its port, 7, or no "
			"ListenPort"},
		{"Listen=192.0.2.1:7\nListenPort=echo\n", 4, 12,
			"ListenPort: beside Listen in line 3; expected its port, 7, or no "
			"ListenPort"},
		{"BindDevice=a/b\n", 3, 12,
			"BindDevice: \"a/b\": expected the name of an interface, 1 to 15 "
			"characters without \"/\" and \":\""},
		{"BindDevice=sixteen-bytes-xx\n", 3, 12,
			"BindDevice: \"sixteen-bytes-xx\": expected the name of an interface, 1 to "
			"15 characters without \"/\" and \":\""},
		{"BindDevice=..\n", 3, 12,
			"BindDevice: \"..\": expected the name of an interface, 1 to 15 "
			"characters without \"/\" and \":\""},
		{"BindDevice=a:b\n", 3, 12,
			"BindDevice: \"a:b\": expected the name of an interface, 1 to 15 "
			"characters without \"/\" and \":\""},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[512];
		snprintf(text, sizeof text, HEAD "%s", rows[i].text);
		CHECK(parse(text));
		CHECK_EQ(1, conf.error_count);
		CHECK_STR(rows[i].message, conf.diagnostics[0].message);
		CHECK_EQ(rows[i].line, conf.diagnostics[0].line);
		CHECK_EQ(rows[i].column, conf.diagnostics[0].column);
		conf_wipe(&conf);
	}
}
