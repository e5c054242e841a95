#include "text/conf_tuning.h"

#include "crypto/aead.h"
#include "text/addrtext.h"
#include "text/conf_parse.h"

static const char *const offload_names[TUNING_OFFLOAD_COUNT] = {
	[TUNING_OFFLOAD_AUTO] = "auto",
	[TUNING_OFFLOAD_OFF] = "off",
};

_Static_assert(TUNING_AEAD_COUNT == AEAD_KERNEL_COUNT && AEAD_AUTO == 0, "as tuning.h says");

const char *conf_offload_name(uint32_t offload)
{
	return offload_names[offload];
}

const char *conf_aead_name(uint32_t aead)
{
	return aead_kernel_name((enum aead_kernel)aead);
}

static bool read_name(uint32_t *out, const struct conf_token *token,
	const char *(*name_of)(uint32_t number), uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (!conf_text_is(token->text, token->len, name_of(i)))
			continue;
		*out = i;
		return true;
	}
	return false;
}

/* In one piece: elsewhere white space means nothing, but "1 2" is no 12 here. */
static bool read_number(uint32_t *out, const struct conf_token *token, uint32_t max)
{
	uint64_t number;
	if (token->raw_len != token->len)
		return false;
	if (!addrtext_read_decimal(&number, token->text, token->len, max) || number == 0)
		return false;
	*out = (uint32_t)number;
	return true;
}

static bool read_threads(uint32_t *out, const struct conf_token *token)
{
	if (!conf_text_is(token->text, token->len, "auto"))
		return read_number(out, token, TUNING_THREADS_MAX);
	*out = 0;
	return true;
}

_Static_assert(TUNING_THREADS_MAX == 64 && TUNING_QUEUE_LEN_MAX == 10000, "as conf_keys.c says");

void conf_read_tuning(struct conf_parser *p, const struct conf_line *line)
{
	struct tuning *tuning = &p->conf->tuning;
	const struct conf_token *token = &p->token;
	bool ok = false;
	switch (line->key->id) {
	case CONF_OFFLOAD:
		ok = read_name(&tuning->offload, token, conf_offload_name, TUNING_OFFLOAD_COUNT);
		break;
	case CONF_AEAD:
		ok = read_name(&tuning->aead, token, conf_aead_name, TUNING_AEAD_COUNT);
		break;
	case CONF_THREADS: ok = read_threads(&tuning->threads, token); break;
	default: ok = read_number(&tuning->tx_queue_len, token, TUNING_QUEUE_LEN_MAX); break;
	}
	if (!ok)
		conf_refuse_token(p, line);
}
