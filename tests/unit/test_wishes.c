#include "unit/test.h"

#include "main/wishes.h"
#include "unit/netbox.h"

#define KEY    "PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n"
#define PEER_A "[Peer]\nPublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\n"
#define PEER_B "[Peer]\nPublicKey = TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=\n"

static struct conf conf;
static struct wishes wishes;

static bool gather(const char *text)
{
	return conf_parse(&conf, text, strlen(text)) && !conf.error_count &&
	       wishes_gather(&wishes, &conf, 7);
}

static void end(void)
{
	wishes_wipe(&wishes);
	conf_wipe(&conf);
}

static bool is_prefix(const char *text, const struct ip_prefix *got)
{
	struct ip_prefix wanted = netbox_prefix(text);
	return wanted.len == got->len && wanted.address.family == got->address.family &&
	       !memcmp(wanted.address.bytes, got->address.bytes, 16);
}

TEST(wishes_of_an_empty_configuration)
{
	CHECK(gather("[Interface]\n" KEY));
	const struct link_settings *s = &wishes.settings;
	CHECK_EQ(7, s->ifindex);
	CHECK(!s->address_count && !s->allowed_ip_count && !s->endpoint_count);
	CHECK(!s->fwmark && !s->mtu && s->table == LINK_TABLE_AUTO && !s->kill_switch);
	end();
	CHECK(!wishes.allowed_ips && !wishes.endpoints);
}

TEST(wishes_of_all_peers_together)
{
	CHECK(gather("[Interface]\n" KEY "Address = 10.0.0.1/24, fd00::1/64\nMTU = 1380\n"
		     "FwMark = 0x10\nTable = 1234\nKillSwitch = true\n" PEER_A
		     "AllowedIPs = 10.0.0.2/32, fd00::2/128\nEndpoint = 192.0.2.1:1\n" PEER_B
		     "AllowedIPs = 10.0.0.3/32\nEndpoint = [2001:db8::1]:2\n"));
	const struct link_settings *s = &wishes.settings;
	CHECK_EQ(2, s->address_count);
	CHECK(is_prefix("10.0.0.1/24", &s->addresses[0]));
	CHECK(is_prefix("fd00::1/64", &s->addresses[1]));
	CHECK_EQ(3, s->allowed_ip_count);
	CHECK(is_prefix("10.0.0.2/32", &s->allowed_ips[0]));
	CHECK(is_prefix("fd00::2/128", &s->allowed_ips[1]));
	CHECK(is_prefix("10.0.0.3/32", &s->allowed_ips[2]));
	CHECK_EQ(2, s->endpoint_count);
	CHECK_EQ(IP_V4, s->endpoints[0].family);
	CHECK_EQ(IP_V6, s->endpoints[1].family);
	CHECK_EQ(0x10, s->fwmark);
	CHECK_EQ(1380, s->mtu);
	CHECK_EQ(LINK_TABLE_NUMBER, s->table);
	CHECK_EQ(1234, s->table_number);
	CHECK(s->kill_switch);
	end();
}

/* An endpoint to be looked up is not known yet; a prefix taken away needs no route. */
TEST(wishes_leave_out_what_is_not_there)
{
	CHECK(gather("[Interface]\n" KEY "Table = off\n" PEER_A
		     "AllowedIPs = 10.0.0.2/32, -10.0.0.3/32\nEndpoint = example.org:1\n"));
	CHECK_EQ(0, wishes.settings.endpoint_count);
	CHECK_EQ(1, wishes.settings.allowed_ip_count);
	CHECK(is_prefix("10.0.0.2/32", &wishes.settings.allowed_ips[0]));
	CHECK_EQ(LINK_TABLE_OFF, wishes.settings.table);
	end();
}

TEST(wishes_to_listen)
{
	static struct udp_wishes listen;
	CHECK(gather("[Interface]\n" KEY));
	wishes_listen(&listen, &conf.link);
	CHECK(listen.count == 0 && !listen.device[0]);
	end();
	CHECK(gather("[Interface]\n" KEY
		     "Listen = 192.0.2.1:7, [fe80::1%eth0]:7\nBindDevice = fifteen-bytes-x\n"));
	wishes_listen(&listen, &conf.link);
	CHECK_EQ(2, listen.count);
	CHECK_EQ(IP_V4, listen.places[0].address.family);
	CHECK_EQ(192, listen.places[0].address.bytes[0]);
	CHECK_STR("", listen.places[0].zone);
	CHECK_EQ(0xfe, listen.places[1].address.bytes[0]);
	CHECK_STR("eth0", listen.places[1].zone);
	CHECK_STR("fifteen-bytes-x", listen.device);
	end();
}
