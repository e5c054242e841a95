#include "session/cookie.h"

#include "base/bytes.h"
#include "crypto/secret.h"
#include "noise/limits.h"

void cookie_baker_init(struct cookie_baker *baker)
{
	*baker = (struct cookie_baker){.secret_birth = NANOS_NEVER};
}

static void renew_secret(struct cookie_baker *baker, nanos boottime, const struct rng *rng)
{
	bool is_fresh = baker->secret_birth != NANOS_NEVER &&
			nanos_since(boottime, baker->secret_birth) < COOKIE_SECRET_TIME;
	if (is_fresh)
		return;
	rng_fill(rng, baker->secret, sizeof baker->secret);
	baker->secret_birth = boottime;
}

struct mac_value cookie_bake(struct cookie_baker *baker, const struct ip_address *address,
	uint16_t port, nanos boottime, const struct rng *rng)
{
	struct mac_value cookie;
	struct blake2s ctx;
	uint8_t port_bytes[2];
	renew_secret(baker, boottime, rng);
	store_be16(port_bytes, port);
	blake2s_init(&ctx, sizeof cookie.bytes, baker->secret, sizeof baker->secret);
	blake2s_update(&ctx, address->bytes, ip_family_bits(address->family) / 8);
	blake2s_update(&ctx, port_bytes, sizeof port_bytes);
	blake2s_final(&ctx, cookie.bytes);
	return cookie;
}

void cookie_jar_init(struct cookie_jar *jar)
{
	*jar = (struct cookie_jar){.birth = NANOS_NEVER};
}

/* The peer's secret may have been old already when it made the cookie: so some time less. */
void cookie_jar_seal(struct cookie_jar *jar, void *message, size_t len, nanos boottime)
{
	bool is_usable = jar->birth != NANOS_NEVER &&
			 nanos_since(boottime, jar->birth) < COOKIE_SECRET_TIME - COOKIE_LATENCY;
	if (is_usable)
		macs_set_mac2(message, len, &jar->cookie);
	jar->last_mac1 = macs_mac1(message, len);
	jar->awaits_reply = true;
}

bool cookie_jar_take(struct cookie_jar *jar, const struct message_cookie_reply *reply,
	const struct macs_keys *them, nanos boottime)
{
	struct mac_value cookie;
	if (!jar->awaits_reply || !cookie_reply_open(&cookie, reply, &jar->last_mac1, them))
		return false;
	jar->cookie = cookie;
	jar->birth = boottime;
	jar->awaits_reply = false;
	secret_wipe(&cookie, sizeof cookie);
	return true;
}
