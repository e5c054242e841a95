#include "text/conf_keys.h"

#include <string.h>

#include "text/distance.h"

#define EXPECTED_KEY	 "44 characters of base64, the last one \"=\""
#define KEY_LEN_MIN	 40 /* characters of a key that may have lost some */
#define KEY_LEN_MAX	 48
#define EXPECTED_FILE	 "the path of a file, or @ and the name of a systemd credential"
#define EXPECTED_COMMAND "a shell command"

static const struct conf_key keys[CONF_KEY_COUNT] = {
	{CONF_PRIVATE_KEY, "PrivateKey", CONF_SECTION_INTERFACE, CONF_SECRET, EXPECTED_KEY},
	{CONF_LISTEN_PORT, "ListenPort", CONF_SECTION_INTERFACE, 0,
		"0-65535 or the name of a service"},
	{CONF_FWMARK, "FwMark", CONF_SECTION_INTERFACE, 0,
		"off, 0-4294967295, or 0x and up to 8 hex digits"},
	{CONF_PUBLIC_KEY, "PublicKey", CONF_SECTION_PEER, 0, EXPECTED_KEY},
	{CONF_PRESHARED_KEY, "PresharedKey", CONF_SECTION_PEER, CONF_SECRET, EXPECTED_KEY},
	{CONF_ALLOWED_IPS, "AllowedIPs", CONF_SECTION_PEER, 0,
		"IP or IP/length, separated by commas"},
	{CONF_ENDPOINT, "Endpoint", CONF_SECTION_PEER, 0, "host:port or [IPv6]:port"},
	{CONF_KEEPALIVE, "PersistentKeepalive", CONF_SECTION_PEER, 0, "off or 0-65535, in seconds"},
	{CONF_PRIVATE_KEY_FILE, "PrivateKeyFile", CONF_SECTION_INTERFACE, CONF_OWN, EXPECTED_FILE},
	{CONF_PRESHARED_KEY_FILE, "PresharedKeyFile", CONF_SECTION_PEER, CONF_OWN, EXPECTED_FILE},
	{CONF_POST_QUANTUM, "PostQuantum", CONF_SECTION_EITHER, CONF_OWN, "off or require"},
	{CONF_ADDRESS, "Address", CONF_SECTION_INTERFACE, 0,
		"IP or IP/length, separated by commas"},
	{CONF_DNS, "DNS", CONF_SECTION_INTERFACE, 0, "IP addresses and search domains"},
	{CONF_MTU, "MTU", CONF_SECTION_INTERFACE, 0, "68-65535"},
	{CONF_TABLE, "Table", CONF_SECTION_INTERFACE, 0,
		"off, auto, 1-4294967295, or the name of a table"},
	{CONF_SAVE_CONFIG, "SaveConfig", CONF_SECTION_INTERFACE, 0, "true or false"},
	{CONF_LISTEN, "Listen", CONF_SECTION_INTERFACE, CONF_OWN,
		"IPv4:port or [IPv6]:port, separated by commas"},
	{CONF_BIND_DEVICE, "BindDevice", CONF_SECTION_INTERFACE, CONF_OWN,
		"the name of an interface, 1 to 15 characters without \"/\" and \":\""},
	{CONF_KILL_SWITCH, "KillSwitch", CONF_SECTION_INTERFACE, CONF_OWN, "yes or no"},
	{CONF_OFFLOAD, "Offload", CONF_SECTION_INTERFACE, CONF_OWN, "auto or off"},
	{CONF_AEAD, "Aead", CONF_SECTION_INTERFACE, CONF_OWN,
		"auto, libsodium, portable, avx2 or avx512"},
	{CONF_THREADS, "Threads", CONF_SECTION_INTERFACE, CONF_OWN, "auto or 1-64"},
	{CONF_TX_QUEUE_LEN, "TxQueueLen", CONF_SECTION_INTERFACE, CONF_OWN, "1-10000, in packets"},
	{CONF_PRE_UP, "PreUp", CONF_SECTION_INTERFACE, 0, EXPECTED_COMMAND},
	{CONF_POST_UP, "PostUp", CONF_SECTION_INTERFACE, 0, EXPECTED_COMMAND},
	{CONF_PRE_DOWN, "PreDown", CONF_SECTION_INTERFACE, 0, EXPECTED_COMMAND},
	{CONF_POST_DOWN, "PostDown", CONF_SECTION_INTERFACE, 0, EXPECTED_COMMAND},
};

bool conf_is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static char to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool conf_text_is(const char *text, size_t len, const char *name)
{
	for (size_t i = 0; i < len; i++) {
		if (conf_is_space(text[i]))
			continue;
		if (!*name || to_lower(text[i]) != to_lower(*name))
			return false;
		name++;
	}
	return !*name;
}

static bool is_letter(char c)
{
	return to_lower(c) >= 'a' && to_lower(c) <= 'z';
}

bool conf_is_name(const char *text, size_t len, const char *others)
{
	bool has_letter = false;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (is_letter(c))
			has_letter = true;
		else if (!(c >= '0' && c <= '9') && !memchr(others, c, strlen(others)))
			return false;
	}
	return has_letter;
}

bool conf_is_word(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!is_letter(text[i]) && !conf_is_space(text[i]) && text[i] != '[' &&
			text[i] != ']')
			return false;
	return len > 0 && len <= CONF_NAME_MAX;
}

/* Paths that begin at the root are none, unless they end as no file's name does. */
bool conf_is_like_key(const char *text, size_t len)
{
	char first = 0, last = 0;
	size_t count = 0;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (conf_is_space(c) || c == '"' || c == '\'')
			continue;
		if (!is_letter(c) && !(c >= '0' && c <= '9') && !memchr("+/=", c, 3))
			return false;
		first = first ? first : c;
		last = c;
		count++;
	}
	return count >= KEY_LEN_MIN && count <= KEY_LEN_MAX && (first != '/' || last == '=');
}

const struct conf_key *conf_find_key(const char *text, size_t len)
{
	for (size_t i = 0; i < CONF_KEY_COUNT; i++)
		if (conf_text_is(text, len, keys[i].name))
			return &keys[i];
	return NULL;
}

const struct conf_key *conf_find_first_key(const char *text, size_t len)
{
	size_t end = 0;
	while (end < len && text[end] != ':' && !conf_is_space(text[end]))
		end++;
	return conf_find_key(text, end);
}

/* What other programs call it, or people. */
static const struct {
	const char *word, *meant;
} other_words[] = {
	{"Addr", "Address"},
	{"Allowed", "AllowedIPs"},
	{"AllowedAddress", "AllowedIPs"},
	{"Cipher", "Aead"},
	{"DNSServers", "DNS"},
	{"FirewallMark", "FwMark"},
	{"Hybrid", "PostQuantum"},
	{"IP", "Address"},
	{"Keepalive", "PersistentKeepalive"},
	{"Mark", "FwMark"},
	{"Nameserver", "DNS"},
	{"Port", "ListenPort"},
	{"PQ", "PostQuantum"},
	{"PrivKey", "PrivateKey"},
	{"PSK", "PresharedKey"},
	{"PubKey", "PublicKey"},
	{"QueueLength", "TxQueueLen"},
	{"Remote", "Endpoint"},
	{"Routes", "AllowedIPs"},
	{"RoutingTable", "Table"},
	{"Server", "Endpoint"},
	{"SharedKey", "PresharedKey"},
	{"TxQueueLength", "TxQueueLen"},
	{"Workers", "Threads"},
};

static const struct conf_key *find_other_word(const char *text, size_t len)
{
	for (size_t i = 0; i < sizeof other_words / sizeof *other_words; i++)
		if (conf_text_is(text, len, other_words[i].word))
			return conf_find_key(other_words[i].meant, strlen(other_words[i].meant));
	return NULL;
}

const struct conf_key *conf_nearest_key(const char *text, size_t len, unsigned marks)
{
	const struct conf_key *nearest = NULL;
	unsigned least = DISTANCE_NEAR + 1;
	for (size_t i = 0; i < CONF_KEY_COUNT; i++) {
		size_t name_len = strlen(keys[i].name);
		unsigned distance = distance_of(text, len, keys[i].name, name_len);
		if (distance < least && 2 * distance < name_len &&
			(keys[i].marks & marks) == marks) {
			least = distance;
			nearest = &keys[i];
		}
	}
	const struct conf_key *other = find_other_word(text, len);
	return other && (other->marks & marks) == marks ? other : nearest;
}

const char *conf_section_name(enum conf_section section)
{
	return section == CONF_SECTION_EITHER ? "[Interface] or [Peer]"
	       : section == CONF_SECTION_PEER ? "[Peer]"
					      : "[Interface]";
}

enum conf_section conf_find_section(const char *text, size_t len)
{
	for (enum conf_section s = CONF_SECTION_INTERFACE; s <= CONF_SECTION_PEER; s++)
		if (conf_text_is(text, len, conf_section_name(s)))
			return s;
	return CONF_SECTION_NONE;
}

enum conf_section conf_nearest_section(const char *text, size_t len)
{
	for (enum conf_section s = CONF_SECTION_INTERFACE; s <= CONF_SECTION_PEER; s++) {
		const char *name = conf_section_name(s);
		if (distance_of(text, len, name, strlen(name)) <= DISTANCE_NEAR)
			return s;
	}
	return CONF_SECTION_NONE;
}
