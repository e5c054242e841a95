/*
 * The AEAD's kernels on secret keys and texts, one after the other; and one that leaks.
 * Both programs have them: under valgrind, which knows no AVX-512, and with MSan.
 */
#include "ct/ct.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/aead_batch.h"
#include "crypto/aead_choose.h"

#define COUNT 20
#define SLOT  1500

static struct aead_key keys[COUNT];
static uint8_t texts[COUNT][SLOT];
static struct aead_packet packets[COUNT];
static const size_t lens[] = {0, 1, 15, 16, 17, 63, 64, 65, 239, 241, 256, 257, 511, 1420};

/* The outcome of opening is no secret, see tests/ct/main.c; nor what is on the wire. */
static void open_and_look(const struct aead_ops *ops, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		packets[i].len += AEAD_TAG_LEN;
		ct_show(packets[i].text, packets[i].len);
		packets[i].text[packets[i].len - 1] ^= i % 3 == 1;
	}
	aead_batch_open(ops, packets, count);
	for (size_t i = 0; i < count; i++) {
		ct_show(&packets[i].ok, sizeof packets[i].ok);
		if (packets[i].ok != (i % 3 != 1))
			abort();
	}
}

/* Packets from `first` on of these lengths, with as many keys, that nobody knows. */
static void seal_and_open(const struct aead_ops *ops, size_t first, size_t count, bool same_len)
{
	for (size_t i = 0; i < count; i++) {
		memset(&keys[i], (int)(i + 1), sizeof keys[i]);
		memset(texts[i], (int)i, sizeof texts[i]);
		ct_hide(&keys[i], sizeof keys[i]);
		ct_hide(texts[i], sizeof texts[i]);
		size_t len = lens[(same_len ? first : first + i) % (sizeof lens / sizeof *lens)];
		packets[i] = (struct aead_packet){texts[i], len, i, &keys[i], false};
	}
	aead_batch_seal(ops, packets, count);
	open_and_look(ops, count);
}

static void run_kernel(enum aead_kernel kernel)
{
	const struct aead_ops *ops = aead_kernel_ops(kernel);
	if (!ops) {
		printf("%s: not on this processor, or not under valgrind\n",
			aead_kernel_name(kernel));
		return;
	}
	for (size_t first = 0; first < sizeof lens / sizeof *lens; first++) {
		seal_and_open(ops, first, 1, true);
		seal_and_open(ops, first, COUNT, true);
	}
	seal_and_open(ops, 0, COUNT, false);
}

static void run_portable(void)
{
	run_kernel(AEAD_PORTABLE);
}

static void run_avx2(void)
{
	run_kernel(AEAD_AVX2);
}

static void run_avx512(void)
{
	run_kernel(AEAD_AVX512);
}

/* The kernel with the most of its own instructions: what is secret must stay so in them. */
static struct aead_ops widest;

static void widest_set(void)
{
	enum aead_kernel kernel = AEAD_AVX512;
	while (!aead_kernel_ops(kernel))
		kernel--;
	widest = *aead_kernel_ops(kernel);
}

/* Key stream that is zero is not added, as a careless shortcut would have it. */
static void add_or_not(uint8_t *text, const uint8_t *stream, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (stream[i])
			text[i] ^= stream[i];
}

static void leak_by_add(void)
{
	widest_set();
	widest.add = add_or_not;
	seal_and_open(&widest, 3, 1, true);
}

static volatile unsigned high_tags;

static void look_at_tags(struct poly1305_message *messages, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (messages[i].tag[15] > 127)
			high_tags++;
}

static void poly_and_look(struct poly1305_message *message)
{
	aead_kernel_ops(widest.weaves ? AEAD_PORTABLE : AEAD_AVX512)->poly(message);
	look_at_tags(message, 1);
}

static void poly_many_and_look(struct poly1305_message *messages, unsigned count)
{
	aead_kernel_ops(AEAD_AVX512)->poly_many(messages, count);
	look_at_tags(messages, count);
}

static void leak_by_tag(void)
{
	struct poly1305_message message = {.text = texts[0], .len = 1000};
	widest_set();
	ct_hide(message.key, sizeof message.key);
	poly_and_look(&message);
}

static void leak_by_many_tags(void)
{
	widest_set();
	widest.poly = poly_and_look;
	widest.poly_many = poly_many_and_look;
	if (widest.weaves)
		leak_by_tag();
	else
		seal_and_open(&widest, 13, COUNT, true);
}

const struct ct_case ct_kernel_cases[] = {
	{"the AEAD's kernel portable", run_portable, false},
	{"the AEAD's kernel avx2", run_avx2, false},
	{"the AEAD's kernel avx512", run_avx512, false},
	{"leak: key stream that is not added", leak_by_add, true},
	{"leak: a tag", leak_by_tag, true},
	{"leak: tags of many", leak_by_many_tags, true},
};

const size_t ct_kernel_case_count = sizeof ct_kernel_cases / sizeof *ct_kernel_cases;
