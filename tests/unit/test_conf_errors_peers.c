#include "unit/test.h"

#include "text/out.h"
#include "unit/conf_rows.h"

TEST(conf_errors_of_peers)
{
	static const struct conf_row rows[] = {
		{HEAD "\t[Peer]\n[Peer]\nAllowedIPs=::/0",
			"3:2: error: [Peer] has no PublicKey\n4:1: error: [Peer] has no "
			"PublicKey\n"},
		{HEAD "[Peer]\nPublicKey=short\nPresharedKey=secret\n",
			"4:11: error: PublicKey: 5 characters: " KEY_EXPECTED
			"5:14: error: PresharedKey: 6 characters: " KEY_EXPECTED},
		{HEAD PEER "AllowedIPs = 10.0.0.1/33, x,,10.1.2.3/8,\n",
			"5:14: error: AllowedIPs: \"10.0.0.1/33\": prefix length must be 0-32\n"
			"5:27: error: AllowedIPs: \"x\": " IPS_EXPECTED
			"5:29: error: AllowedIPs: \"\": a comma too many; " IPS_EXPECTED
			"5:30: warning: AllowedIPs: \"10.1.2.3/8\": host bits are set: taken as "
			"10.0.0.0/8\n"
			"5:41: error: AllowedIPs: \"\": a comma too many; " IPS_EXPECTED},
		{HEAD PEER "PersistentKeepalive=65536\nPersistentKeepalive=\nAllowedIPs=::1",
			"5:21: error: PersistentKeepalive: \"65536\": expected off or 0-65535, in "
			"seconds\n"
			"6:1: error: PersistentKeepalive: no value; expected off or 0-65535, in "
			"seconds\n"},
		{HEAD PEER OTHER_PEER "AllowedIPs=10.0.0.0/8\n" PEER "AllowedIPs=10.0.0.0/8\n" PORT,
			"9:11: warning: PublicKey: the same as in line 4: one peer, with the "
			"AllowedIPs of this section only\n"
			"10:12: warning: AllowedIPs: \"10.0.0.0/8\" stands in line 7 for another "
			"peer: the one of line 10 gets it\n"},
		/* not neighbours: another prefix of the same address, or of zeros, between them */
		{HEAD PEER "AllowedIPs=10.0.0.0/8,0.0.0.0/0\n" OTHER_PEER
			   "AllowedIPs=10.0.0.0/9,::/0\n[Peer]\nPublicKey=" A
			   "\nAllowedIPs=0.0.0.0/0,10.0.0.0/8\n" PORT,
			"11:12: warning: AllowedIPs: \"0.0.0.0/0\" stands in line 5 for another "
			"peer: the one of line 11 gets it\n"
			"11:22: warning: AllowedIPs: \"10.0.0.0/8\" stands in line 5 for another "
			"peer: the one of line 11 gets it\n"},
		/* given up by the later section of its first peer; twice in one peer is nothing */
		{HEAD PEER "AllowedIPs=10.0.0.0/8\n" OTHER_PEER "AllowedIPs=10.0.0.0/8,::/0,"
			   "10.0.0.0/8\n" PEER "AllowedIPs=10.0.0.0/9,-::/0,0.0.0.0/0\n" PORT,
			"10:11: warning: PublicKey: the same as in line 4: one peer, with the "
			"AllowedIPs of this section only\n"},
	};
	CHECK_ROWS(rows);
}

TEST(conf_errors_of_peers_without_use)
{
	static const struct conf_row rows[] = {
		/* the private key's own */
		{HEAD "[Peer]\nPublicKey = " OWN "\nAllowedIPs=::1\nEndpoint=a:1\n",
			"4:13: warning: PublicKey: this is this machine's own: this peer is left "
			"out\n"},
		{"[Peer]\nPublicKey = " OWN "\nAllowedIPs=::1\nEndpoint=a:1\n" HEAD,
			"2:13: warning: PublicKey: this is this machine's own: this peer is left "
			"out\n"},
		{HEAD PEER OTHER_PEER "AllowedIPs=::1\n" PORT,
			"3:1: warning: [Peer] has no AllowedIPs: no packet goes to it, and none "
			"from it is taken\n"},
		{HEAD PEER "AllowedIPs=x\n", "5:12: error: AllowedIPs: \"x\": " IPS_EXPECTED},
		{HEAD PEER "AllowedIPs=10.0.0.0/255.0.0.0,10.0.0.0/8 11.0.0.0/8,::/-1,::/\n",
			"5:12: error: AllowedIPs: \"10.0.0.0/255.0.0.0\": prefix length must be "
			"0-32, not a netmask\n"
			"5:31: error: AllowedIPs: \"10.0.0.0/8 11.0.0.0/8\": " IPS_EXPECTED
			"5:53: error: AllowedIPs: \"::/-1\": " IPS_EXPECTED
			"5:59: error: AllowedIPs: \"::/\": prefix length must be 0-128\n"},
		/* quoted as it was written */
		{HEAD PEER "AllowedIPs = 10.7.0.5 \t10.7.0.6 , ::1\n",
			"5:14: error: AllowedIPs: \"10.7.0.5 ?10.7.0.6\": " IPS_EXPECTED},
	};
	CHECK_ROWS(rows);
}

/* Nobody begins: neither has the other's address. */
TEST(conf_errors_of_peers_out_of_reach)
{
#define NO_END                                                                                     \
	"[Peer] has no Endpoint, and [Interface] no ListenPort: neither end can send the first "   \
	"packet"
	static const struct conf_row rows[] = {
		{HEAD PEER "AllowedIPs=::1\n",
			"3:1: warning: " NO_END "; expected one of the two\n"},
		{HEAD "ListenPort=0\n" PEER "AllowedIPs=::1\n" OTHER_PEER
		      "AllowedIPs=::2\n[Peer]\nPublicKey=" A "\nAllowedIPs=::3\nEndpoint=a:1\n",
			"4:1: warning: " NO_END " (so with 1 more peer); expected one of the "
			"two\n"},
		{HEAD PEER "AllowedIPs=::1\n" OTHER_PEER "AllowedIPs=::2\n[Peer]\nPublicKey=" A
			   "\nAllowedIPs=::3\n",
			"3:1: warning: " NO_END " (so with 2 more peers); expected one of the "
			"two\n"},
		{HEAD PEER "AllowedIPs=::1\nEndpoint=1.2.3.4:5\n", ""},
		{HEAD PEER "AllowedIPs=::1\nEndpoint=a:5\n", ""},
		{HEAD "ListenPort=domain\n" PEER "AllowedIPs=::1\n", ""},
		{HEAD PEER "AllowedIPs=::1\n" PORT, ""},
		/* the earlier section's Endpoint lives on */
		{HEAD PEER "Endpoint=1.2.3.4:5\n" PEER "AllowedIPs=::1\n",
			"7:11: warning: PublicKey: the same as in line 4: one peer, with the "
			"AllowedIPs of this section only\n"},
		/* perhaps because of the mistake */
		{HEAD PEER "AllowedIPs=::1\nEndpont=a:1\n",
			"6:1: error: unknown key \"Endpont\"; did you mean `Endpoint`?\n"},
	};
	CHECK_ROWS(rows);
}

TEST(conf_errors_of_keys_that_look_alike)
{
	static const struct conf_row rows[] = {
		{HEAD PEER "AllowedIPs=::1\nEndpoint=a:1\nPublicKey=" C "\nAllowedIPs=::2\n",
			"7:11: warning: PublicKey: the second in this section: the one of line 4 "
			"does not count; is a [Peer] missing above?\n"},
		{HEAD PEER "AllowedIPs=::1\nEndpoint=a:1\nPublicKey=" B "\n", ""},
		{HEAD "PrivateKeyFile=a\n",
			"3:1: error: PrivateKeyFile: line 2 has PrivateKey already; expected one "
			"of the two\n"},
		{"[Interface]\n#!PrivateKeyFile=a\nPrivateKey=" A "\n",
			"3:1: error: PrivateKey: line 2 has PrivateKeyFile already; expected one "
			"of the two\n"},
		{HEAD PEER "AllowedIPs=::1\nEndpoint=a:1\nPresharedKeyFile=x\nPresharedKey=" A "\n",
			"8:1: error: PresharedKey: line 7 has PresharedKeyFile already; expected "
			"one of the two\n"},
		{"[Interface]\nPrivateKeyFile=" A "\n",
			"2:16: error: PrivateKeyFile: this looks like a key; expected the path of "
			"a file, or @ and the name of a systemd credential\n"},
		/* from the root a path, unless it ends as keys do */
		{"[Interface]\nPrivateKeyFile=/etc/wireguard/keys/of/this/machine/wg0key\n", ""},
		{"[Interface]\nPrivateKeyFile=/etc/wireguard/keys/of/this/machine/wg0ke=\n",
			"2:16: error: PrivateKeyFile: this looks like a key; expected the path of "
			"a file, or @ and the name of a systemd credential\n"},
		{"[Interface]\nPrivateKeyFile=@\nPrivateKeyFile=@a/b\nPrivateKeyFile=a/@b\n",
			"2:16: error: PrivateKeyFile: no name of a credential; expected the path "
			"of a file, or @ and the name of a systemd credential\n"
			"3:16: error: PrivateKeyFile: no name of a credential; expected the path "
			"of a file, or @ and the name of a systemd credential\n"},
		{HEAD "MTU=\"1420\"\n",
			"3:5: error: MTU: \"\"1420\"\": expected 68-65535, without quotes\n"},
	};
	CHECK_ROWS(rows);
}

TEST(conf_errors_of_endpoints)
{
	static const struct {
		const char *value, *why;
	} rows[] = {
		{"a", ": no port; expected host:port or [IPv6]:port"},
		{"a:", ": no port; expected host:port or [IPv6]:port"},
		{"[::1]", ": no port; expected host:port or [IPv6]:port"},
		{"[::1]5", ": no port; expected host:port or [IPv6]:port"},
		{"[::1:5", ": no \"]\" behind the address"},
		{"a:1,b:2", ": expected one endpoint, host:port"},
		{"2001:db8::1", ": no port; expected [IPv6]:port"},
		{"::1", ": no port; expected [IPv6]:port"},
		{"\"a:5\"", ": neither an IP address nor a host name before the port, without "
			    "quotes"},
		{":5", ": neither an IP address nor a host name before the port"},
		{"1.2.3.300:5", ": neither an IP address nor a host name before the port"},
		{"[::x]:5", ": neither an IP address nor a host name before the port"},
		{"fe80::1%:5", ": neither an IP address nor a host name before the port"},
		{"a/b:5", ": neither an IP address nor a host name before the port"},
		{"a:0", ": port must be 1-65535 or the name of a service"},
		{"1.2.3.4:0", ": port must be 1-65535 or the name of a service"},
		{"a:65536", ": port must be 1-65535 or the name of a service"},
		{"a:a23456789a123456789b123456789c12",
			": port must be 1-65535 or the name of a service"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[512] = HEAD PEER "AllowedIPs=::1\nEndpoint = ", expected[512] = "";
		struct out out;
		strcat(text, rows[i].value);
		out_init_fixed(&out, expected, sizeof expected);
		out_add_text(&out, "6:12: error: Endpoint: ");
		out_add_quoted(&out, rows[i].value, strlen(rows[i].value));
		out_add_text(&out, rows[i].why);
		out_add_text(&out, "\n");
		conf_check_text(text, strlen(text), expected);
	}
}

TEST(conf_errors_of_addresses_without_brackets)
{
	static const struct conf_row rows[] = {
		{HEAD PEER "AllowedIPs=::1\nEndpoint = 2001:db8::1:80\n",
			"6:12: warning: Endpoint: \"2001:db8::1:80\": taken as "
			"[2001:db8::1]:80; write it with brackets, so that nobody has to guess\n"},
		{HEAD PEER "AllowedIPs=::1\nEndpoint=2001:db8::1:51820\n", ""},
		{HEAD PEER "AllowedIPs=::1\nEndpoint=1:2:3:4:5:6:7:8:9\n", ""},
	};
	CHECK_ROWS(rows);
}
