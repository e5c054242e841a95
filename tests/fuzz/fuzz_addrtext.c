/* Numbers, addresses and endpoints as text: what is read can be written and read again. */
#include "fuzz/fuzz.h"

#include <string.h>

#include "text/addrtext.h"

static bool is_same(const struct endpoint *a, const struct endpoint *b)
{
	return endpoint_is_same_remote(a, b) && a->source.family == b->source.family;
}

static void check_decimal(const char *text, size_t len, uint64_t max)
{
	uint64_t value = 7, expected = 0;
	bool is_number = len > 0;
	for (size_t i = 0; i < len && is_number; i++)
		is_number = text[i] >= '0' && text[i] <= '9' &&
			    !__builtin_mul_overflow(expected, 10, &expected) &&
			    !__builtin_add_overflow(expected, text[i] - '0', &expected) &&
			    expected <= max;
	REQUIRE(addrtext_read_decimal(&value, text, len, max) == is_number);
	REQUIRE(value == (is_number ? expected : 7));
}

static void check_prefix(const char *text, size_t len)
{
	struct ip_prefix prefix = {0}, again = {0};
	char back[ADDRTEXT_PREFIX_MAX];
	enum addrtext_verdict verdict = addrtext_read_prefix(&prefix, text, len);
	if (verdict == ADDRTEXT_BAD_ADDRESS)
		return;
	REQUIRE(ip_family_bits(prefix.address.family));
	if (verdict == ADDRTEXT_BAD_LENGTH)
		return;
	REQUIRE(prefix.len <= ip_family_bits(prefix.address.family));
	addrtext_write_prefix(back, &prefix);
	REQUIRE(addrtext_read_prefix(&again, back, strlen(back)) == ADDRTEXT_OK);
	REQUIRE(prefix.len == again.len && ip_address_is_equal(&prefix.address, &again.address));
}

static void check_endpoint(const char *text, size_t len)
{
	struct endpoint endpoint, again, host;
	char back[ADDRTEXT_ENDPOINT_MAX];
	if (addrtext_read_host(&host, text, len))
		REQUIRE(host.port == 0 && ip_family_bits(host.address.family));
	if (!addrtext_read_endpoint(&endpoint, text, len))
		return;
	REQUIRE(endpoint.address.family == IP_V6 || endpoint.scope_id == 0);
	addrtext_write_endpoint(back, &endpoint);
	REQUIRE(addrtext_read_endpoint(&again, back, strlen(back)));
	REQUIRE(is_same(&endpoint, &again));
}

FUZZ(addrtext)
{
	const char *text = (const char *)in->bytes;
	check_decimal(text, in->len, 5);
	check_decimal(text, in->len, UINT16_MAX);
	check_decimal(text, in->len, UINT64_MAX);
	check_prefix(text, in->len);
	check_endpoint(text, in->len);
}
