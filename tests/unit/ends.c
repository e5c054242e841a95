#include "unit/ends.h"

#include "unit/test.h"

void stream_fill(void *context, void *out, size_t len)
{
	struct stream *stream = context;
	uint8_t *p = out;
	for (size_t i = 0; i < len; i++) {
		uint64_t z = stream->seed += UINT64_C(0x9e3779b97f4a7c15);
		z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
		p[i] = stream->is_scripted ? stream->next++ : (uint8_t)(z >> 56);
	}
}

static bool ends_introduce(struct ends *e, const struct private_key *s_i,
	const struct private_key *s_r, const struct preshared_key *psk)
{
	e->key_exchange = KEY_EXCHANGE_X25519;
	e->rng = (struct rng){stream_fill, &e->stream};
	local_identity_init(&e->i, s_i);
	local_identity_init(&e->r, s_r);
	return remote_identity_init(&e->r_of_i, &e->i, &e->r.public_key, psk) &&
	       remote_identity_init(&e->i_of_r, &e->r, &e->i.public_key, psk);
}

bool ends_init(struct ends *e, uint64_t seed)
{
	memset(e, 0xaa, sizeof *e);
	e->stream = (struct stream){.seed = seed};
	struct rng rng = {stream_fill, &e->stream};
	struct private_key s_i, s_r;
	struct preshared_key psk;
	private_key_generate(&s_i, &rng);
	private_key_generate(&s_r, &rng);
	rng_fill(&rng, &psk, sizeof psk);
	rng_fill(&rng, &e->stamp, sizeof e->stamp);
	return ends_introduce(e, &s_i, &s_r, &psk);
}

bool ends_init_known(struct ends *e)
{
	struct private_key s_i, s_r;
	struct preshared_key psk;
	memset(e, 0xaa, sizeof *e);
	e->stream = (struct stream){.is_scripted = true};
	stream_fill(&e->stream, &s_i, sizeof s_i);
	stream_fill(&e->stream, &s_r, sizeof s_r);
	e->stream.next = 0xe0;
	stream_fill(&e->stream, &psk, sizeof psk);
	HEX(e->stamp.bytes, "400000006553f10000000000");
	return ends_introduce(e, &s_i, &s_r, &psk);
}

bool ends_initiate(struct ends *e)
{
	struct initiation_terms terms = {e->key_exchange, 0x11223344, e->stamp};
	return initiation_create(&e->initiation, &e->pending, &e->i, &e->r_of_i, &terms, &e->rng);
}

bool ends_open(struct ends *e)
{
	return initiation_open(&e->opened, e->key_exchange, &e->initiation, &e->r);
}

bool ends_respond(struct ends *e)
{
	struct tai64n stamp;
	return ends_open(e) && initiation_accept(&e->opened, &stamp, &e->initiation, &e->i_of_r) &&
	       !memcmp(&stamp, &e->stamp, sizeof stamp) &&
	       response_create(
		       &e->response, &e->keys_r, &e->opened, &e->i_of_r, 0x55667788, &e->rng);
}

bool ends_complete(struct ends *e)
{
	return response_open(&e->keys_i, &e->pending, &e->response, &e->i, &e->r_of_i);
}

static void remac(void *message, uint32_t len, const struct mac_key *key)
{
	size_t covered = len - sizeof(struct message_macs);
	struct message_macs *macs = (void *)((uint8_t *)message + covered);
	struct blake2s ctx;
	blake2s_init(&ctx, MAC_LEN, key, sizeof *key);
	blake2s_update(&ctx, message, covered);
	blake2s_final(&ctx, macs->mac1.bytes);
}

bool initiation_mac1_is_valid(const struct ends *e)
{
	return macs_mac1_is_valid(&e->initiation, initiation_len(e->key_exchange), &e->r.macs);
}

bool response_mac1_is_valid(const struct ends *e)
{
	return macs_mac1_is_valid(&e->response, response_len(e->key_exchange), &e->i.macs);
}

void initiation_remac(struct ends *e)
{
	remac(&e->initiation, initiation_len(e->key_exchange), &e->r_of_i.macs.mac1);
}

void response_remac(struct ends *e)
{
	remac(&e->response, response_len(e->key_exchange), &e->i_of_r.macs.mac1);
}
