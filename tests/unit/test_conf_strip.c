#include "unit/test.h"

#include "text/conf.h"

#define A "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
#define B "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
#define C "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0="

/* Bytes of A and of a preshared key, as if their files had been read. */
static void give_keys(struct conf *conf)
{
	for (size_t i = 0; i < conf->key_file_count; i++) {
		size_t peer = conf->key_files[i].peer;
		if (peer == CONF_NO_PEER)
			conf->change.private_key.bytes[0] = 1;
		else
			conf->change.peers[peer].preshared_key.bytes[0] = (uint8_t)(2 + peer);
	}
}

static void check_strip(const char *text, const char *expected)
{
	struct conf conf;
	struct out out;
	CHECK(conf_parse(&conf, text, strlen(text)));
	CHECK_EQ(0, conf.error_count);
	give_keys(&conf);
	out_init(&out, 1 << 16);
	conf_strip(&out, &conf, text, strlen(text));
	CHECK_STR(expected, out_string(&out));
	out_wipe(&out);
	conf_wipe(&conf);
}

TEST(conf_strip_keeps_what_wg_knows)
{
	check_strip("", "");
	check_strip("# a comment\r\n[ INTER face ]\r\n\tprivate key =" A "# mine\r\nMTU = 1420\r\n"
		    "Address = 10.0.0.1/24\r\nlistenport=domain\r\nDNS = 1.1.1.1\r\nTable = off\r\n"
		    "SaveConfig = true\r\nFWMARK = 0xaF\r\nPostUp = wg set %i # ListenPort = 1\r\n"
		    "\r\n[peer]\r\nPublicKey=" B "\r\nPresharedKey=" C "\r\n"
		    "AllowedIPs = +10.0.0.0/8 , -10.1.0.0/16,\t::/0\r\nEndpoint=fe80::1%eth0:5\r\n"
		    "PersistentKeepalive=OFF\r\n[Peer]\r\nPublicKey=" C "\r\nAllowedIPs=::1",
		"[Interface]\nPrivateKey = " A "\nListenPort = domain\nFwMark = 0xaF\n"
		"\n[Peer]\nPublicKey = " B "\nPresharedKey = " C
		"\nAllowedIPs = +10.0.0.0/8 , -10.1.0.0/16,\t::/0\nEndpoint = fe80::1%eth0:5\n"
		"PersistentKeepalive = OFF\n"
		"\n[Peer]\nPublicKey = " C "\nAllowedIPs = ::1\n");
}

TEST(conf_strip_keeps_the_port_of_listen)
{
	check_strip("[Interface]\n#!Listen = 192.0.2.1:7, 192.0.2.2:7\nListen=[::1]:7\n"
		    "BindDevice = eth0\nOffload = off\n#!Aead = avx2\nThreads = 2\nTxQueueLen=9\n",
		"[Interface]\nListenPort = 7\n");
	check_strip("[Interface]\nListen = 192.0.2.1:7\nListenPort = 7\n",
		"[Interface]\nListenPort = 7\n");
}

/* The second base64 character of the first byte carries its two lower bits. */
#define KEY(two) two "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

TEST(conf_strip_puts_keys_in_the_place_of_files)
{
	check_strip("[Interface]\n#!PrivateKeyFile = a\n[Peer]\nPublicKey=" B
		    "\nPresharedKeyFile = b\nAllowedIPs=::2\n[Peer]\nPublicKey=" C
		    "\n  #! PresharedKeyFile = c # d\n#!MTU = 1\nAllowedIPs=::1\n",
		"[Interface]\nPrivateKey = " KEY(
			"AQ") "\n"
			      "\n[Peer]\nPublicKey = " B "\nPresharedKey = " KEY(
				      "Ag") "\nAllowedIPs = ::2\n"
					    "\n[Peer]\nPublicKey = " C
					    "\nPresharedKey = " KEY("Aw") "\nAllowedIPs = ::1\n");
}

/* Only the file that counts was read. */
TEST(conf_strip_of_keys_that_stand_twice)
{
	check_strip(
		"[Interface]\nPrivateKeyFile = a\n[Interface]\nPrivateKeyFile = b\nListenPort=1\n"
		"[Peer]\nPublicKey=" B "\nPresharedKeyFile = b\n[Peer]\nPublicKey=" C
		"\nPresharedKeyFile = d\nPresharedKeyFile = c\nAllowedIPs=::1\n[Peer]\n"
		"PublicKey=" B "\nAllowedIPs=::2\n",
		"[Interface]\n"
		"\n[Interface]\nPrivateKey = " KEY(
			"AQ") "\nListenPort = 1\n"
			      "\n[Peer]\nPublicKey = " B "\nPresharedKey = " KEY(
				      "Aw") "\n"
					    "\n[Peer]\nPublicKey = " C
					    "\nPresharedKey = " KEY("Ag") "\nAllowedIPs = ::1\n"
									  "\n[Peer]\nPublicKey = " B
									  "\nAllowedIPs = ::2\n");
}
