#include "text/addrtext.h"

#include <arpa/inet.h>
#include <string.h>

#include "text/out.h"

bool addrtext_read_decimal(uint64_t *out, const char *text, size_t len, uint64_t max)
{
	uint64_t value = 0;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		uint64_t digit = (uint64_t)(text[i] - '0');
		if (digit > max || value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	if (len == 0)
		return false;
	*out = value;
	return true;
}

bool addrtext_read_address(struct ip_address *out, const char *text, size_t len)
{
	char string[ADDRTEXT_ADDRESS_MAX];
	if (len == 0 || len >= sizeof string || memchr(text, 0, len))
		return false;
	memcpy(string, text, len);
	string[len] = 0;
	struct ip_address address = {.family = memchr(text, ':', len) ? IP_V6 : IP_V4};
	if (inet_pton(address.family == IP_V6 ? AF_INET6 : AF_INET, string, address.bytes) != 1)
		return false;
	*out = address;
	return true;
}

enum addrtext_verdict addrtext_read_prefix(struct ip_prefix *out, const char *text, size_t len)
{
	const char *slash = memchr(text, '/', len);
	size_t address_len = slash ? (size_t)(slash - text) : len;
	if (!addrtext_read_address(&out->address, text, address_len))
		return ADDRTEXT_BAD_ADDRESS;
	uint64_t bits = ip_family_bits(out->address.family);
	if (slash && !addrtext_read_decimal(&bits, slash + 1, len - address_len - 1, bits))
		return ADDRTEXT_BAD_LENGTH;
	out->len = (uint8_t)bits;
	return ADDRTEXT_OK;
}

bool addrtext_read_host(struct endpoint *out, const char *text, size_t len)
{
	struct endpoint e = {0};
	const char *zone = memchr(text, '%', len);
	size_t address_len = zone ? (size_t)(zone - text) : len;
	uint64_t scope = 0;
	if (zone && !addrtext_read_decimal(&scope, zone + 1, len - address_len - 1, UINT32_MAX))
		return false;
	if (!addrtext_read_address(&e.address, text, address_len))
		return false;
	if (zone && e.address.family != IP_V6)
		return false;
	e.scope_id = (uint32_t)scope;
	*out = e;
	return true;
}

bool addrtext_read_endpoint(struct endpoint *out, const char *text, size_t len)
{
	size_t colon = len;
	while (colon && text[colon - 1] != ':')
		colon--;
	if (colon < 2)
		return false;
	const char *host = text;
	size_t host_len = colon - 1;
	bool is_bracketed = host_len >= 2 && host[0] == '[' && host[host_len - 1] == ']';
	if (is_bracketed) {
		host++;
		host_len -= 2;
	}
	struct endpoint e;
	uint64_t port;
	if (!addrtext_read_host(&e, host, host_len) ||
		is_bracketed != (e.address.family == IP_V6) ||
		!addrtext_read_decimal(&port, text + colon, len - colon, UINT16_MAX))
		return false;
	e.port = (uint16_t)port;
	*out = e;
	return true;
}

void addrtext_write_address(
	char text[static ADDRTEXT_ADDRESS_MAX], const struct ip_address *address)
{
	text[0] = 0;
	inet_ntop(address->family == IP_V6 ? AF_INET6 : AF_INET, address->bytes, text,
		ADDRTEXT_ADDRESS_MAX);
}

static void add_address(struct out *out, const struct ip_address *address)
{
	char text[ADDRTEXT_ADDRESS_MAX];
	addrtext_write_address(text, address);
	out_add_text(out, text);
}

void addrtext_write_prefix(char text[static ADDRTEXT_PREFIX_MAX], const struct ip_prefix *prefix)
{
	struct out out;
	out_init_fixed(&out, text, ADDRTEXT_PREFIX_MAX);
	add_address(&out, &prefix->address);
	out_add_text(&out, "/");
	out_add_decimal(&out, prefix->len);
}

void addrtext_write_endpoint(
	char text[static ADDRTEXT_ENDPOINT_MAX], const struct endpoint *endpoint)
{
	bool is_v6 = endpoint->address.family == IP_V6;
	struct out out;
	out_init_fixed(&out, text, ADDRTEXT_ENDPOINT_MAX);
	out_add_text(&out, is_v6 ? "[" : "");
	add_address(&out, &endpoint->address);
	if (endpoint->scope_id) {
		out_add_text(&out, "%");
		out_add_decimal(&out, endpoint->scope_id);
	}
	out_add_text(&out, is_v6 ? "]:" : ":");
	out_add_decimal(&out, endpoint->port);
}
