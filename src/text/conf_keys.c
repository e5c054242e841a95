#include "text/conf_keys.h"

#include <string.h>

#include "text/distance.h"

#define EXPECTED_KEY	 "44 characters of base64, the last one \"=\""
#define EXPECTED_COMMAND "a shell command"

static const struct conf_key keys[CONF_KEY_COUNT] = {
	{CONF_PRIVATE_KEY, "PrivateKey", CONF_SECTION_INTERFACE, true, EXPECTED_KEY},
	{CONF_LISTEN_PORT, "ListenPort", CONF_SECTION_INTERFACE, false,
		"0-65535 or the name of a service"},
	{CONF_FWMARK, "FwMark", CONF_SECTION_INTERFACE, false,
		"off, 0-4294967295, or 0x and up to 8 hex digits"},
	{CONF_PUBLIC_KEY, "PublicKey", CONF_SECTION_PEER, false, EXPECTED_KEY},
	{CONF_PRESHARED_KEY, "PresharedKey", CONF_SECTION_PEER, true, EXPECTED_KEY},
	{CONF_ALLOWED_IPS, "AllowedIPs", CONF_SECTION_PEER, false,
		"IP or IP/length, separated by commas"},
	{CONF_ENDPOINT, "Endpoint", CONF_SECTION_PEER, false, "host:port or [IPv6]:port"},
	{CONF_KEEPALIVE, "PersistentKeepalive", CONF_SECTION_PEER, false, "off or 0-65535"},
	{CONF_ADDRESS, "Address", CONF_SECTION_INTERFACE, false,
		"IP or IP/length, separated by commas"},
	{CONF_DNS, "DNS", CONF_SECTION_INTERFACE, false, "IP addresses and search domains"},
	{CONF_MTU, "MTU", CONF_SECTION_INTERFACE, false, "68-65535"},
	{CONF_TABLE, "Table", CONF_SECTION_INTERFACE, false,
		"off, auto, 1-4294967295, or the name of a table"},
	{CONF_SAVE_CONFIG, "SaveConfig", CONF_SECTION_INTERFACE, false, "true or false"},
	{CONF_LISTEN, "Listen", CONF_SECTION_INTERFACE, false,
		"IPv4:port or [IPv6]:port, separated by commas"},
	{CONF_BIND_DEVICE, "BindDevice", CONF_SECTION_INTERFACE, false,
		"the name of an interface, 1 to 15 characters without \"/\" and \":\""},
	{CONF_PRE_UP, "PreUp", CONF_SECTION_INTERFACE, false, EXPECTED_COMMAND},
	{CONF_POST_UP, "PostUp", CONF_SECTION_INTERFACE, false, EXPECTED_COMMAND},
	{CONF_PRE_DOWN, "PreDown", CONF_SECTION_INTERFACE, false, EXPECTED_COMMAND},
	{CONF_POST_DOWN, "PostDown", CONF_SECTION_INTERFACE, false, EXPECTED_COMMAND},
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

const struct conf_key *conf_find_key(const char *text, size_t len)
{
	for (size_t i = 0; i < CONF_KEY_COUNT; i++)
		if (conf_text_is(text, len, keys[i].name))
			return &keys[i];
	return NULL;
}

const struct conf_key *conf_nearest_key(const char *text, size_t len)
{
	const struct conf_key *nearest = NULL;
	unsigned least = DISTANCE_NEAR + 1;
	for (size_t i = 0; i < CONF_KEY_COUNT; i++) {
		size_t name_len = strlen(keys[i].name);
		unsigned distance = distance_of(text, len, keys[i].name, name_len);
		if (distance < least && 2 * distance < name_len) {
			least = distance;
			nearest = &keys[i];
		}
	}
	return nearest;
}

const char *conf_section_name(enum conf_section section)
{
	return section == CONF_SECTION_PEER ? "[Peer]" : "[Interface]";
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
