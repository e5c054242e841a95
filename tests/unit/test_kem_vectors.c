/*
 * Wycheproof's and CCTV's cases of ML-KEM-768. Their number is part of each test, so
 * that a file which is cut short or read wrongly cannot pass.
 */
#include "crypto/kem.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit/json.h"
#include "unit/test.h"

#define LINE_LEN_MAX 8192

struct counts {
	unsigned valid, invalid; /* cases judged */
	unsigned wrong_len;	 /* cases that our types cannot even ask */
};

/* Calls `judge` for each case of the file. false, and skipped: there is no such file. */
static bool each_case(const char *name, void (*judge)(struct json test, struct counts *counts),
	struct counts *counts)
{
	char *text;
	struct json root;
	if (!vectors_read(name, &text, &root)) {
		test_skip("no %s/%s", vectors_folder(), name);
		return false;
	}
	struct json groups = json_member(root, "testGroups");
	for (struct json group; group = json_next(&groups), group.at;) {
		struct json tests = json_member(group, "tests");
		for (struct json test; test = json_next(&tests), test.at;)
			judge(test, counts);
	}
	free(text);
	return true;
}

/* Whether the member is so many bytes, which are then read. */
static bool read_exactly(struct json test, const char *name, uint8_t *out, size_t len)
{
	return json_hex(json_member(test, name), out, len) == len;
}

static bool is_valid(struct json test)
{
	return json_is(json_member(test, "result"), "valid");
}

static void judge_keygen(struct json test, struct counts *counts)
{
	struct kem_seed seed;
	struct kem_public_key pub, expected_pub;
	struct kem_secret_key secret, expected_secret;
	CHECK(read_exactly(test, "seed", seed.bytes, sizeof seed));
	CHECK(read_exactly(test, "ek", expected_pub.bytes, sizeof pub));
	CHECK(read_exactly(test, "dk", expected_secret.bytes, sizeof secret));
	kem_keypair_derive(&pub, &secret, &seed);
	CHECK_MEM(expected_pub.bytes, pub.bytes, sizeof pub);
	CHECK_MEM(expected_secret.bytes, secret.bytes, sizeof secret);
	counts->valid++;
}

TEST(kem_vectors_keygen)
{
	struct counts counts = {0};
	if (!each_case("wycheproof/mlkem_768_keygen_seed_test.json", judge_keygen, &counts))
		return;
	CHECK_EQ(100, counts.valid);
}

static void judge_encapsulation(struct json test, struct counts *counts)
{
	struct kem_message message;
	struct kem_public_key pub;
	struct kem_ciphertext ct, expected_ct;
	struct kem_shared_secret shared, expected;
	CHECK(read_exactly(test, "m", message.bytes, sizeof message));
	if (!read_exactly(test, "ek", pub.bytes, sizeof pub)) {
		CHECK(!is_valid(test));
		counts->wrong_len++;
		return;
	}
	CHECK_EQ(is_valid(test), kem_encapsulate_message(&ct, &shared, &pub, &message));
	counts->valid += is_valid(test);
	counts->invalid += !is_valid(test);
	if (!is_valid(test))
		return;
	CHECK(read_exactly(test, "c", expected_ct.bytes, sizeof ct));
	CHECK(read_exactly(test, "K", expected.bytes, sizeof expected));
	CHECK_MEM(expected_ct.bytes, ct.bytes, sizeof ct);
	CHECK_MEM(expected.bytes, shared.bytes, sizeof shared);
}

TEST(kem_vectors_encapsulation)
{
	struct counts counts = {0};
	if (!each_case("wycheproof/mlkem_768_encaps_test.json", judge_encapsulation, &counts))
		return;
	CHECK_EQ(133, counts.valid);
	CHECK_EQ(112, counts.invalid);
	CHECK_EQ(20, counts.wrong_len);
}

static void judge_decapsulation(struct json test, struct counts *counts)
{
	struct kem_seed seed;
	struct kem_public_key pub, expected_pub;
	struct kem_secret_key secret;
	struct kem_ciphertext ct;
	struct kem_shared_secret shared, expected;
	if (!read_exactly(test, "seed", seed.bytes, sizeof seed) ||
		!read_exactly(test, "c", ct.bytes, sizeof ct)) {
		CHECK(!is_valid(test));
		counts->wrong_len++;
		return;
	}
	CHECK(is_valid(test));
	CHECK(read_exactly(test, "ek", expected_pub.bytes, sizeof pub));
	CHECK(read_exactly(test, "K", expected.bytes, sizeof expected));
	kem_keypair_derive(&pub, &secret, &seed);
	kem_decapsulate(&shared, &ct, &secret);
	CHECK_MEM(expected_pub.bytes, pub.bytes, sizeof pub);
	CHECK_MEM(expected.bytes, shared.bytes, sizeof shared);
	counts->valid++;
}

/* Among them the ciphertext that strcmp would take for an honest one. */
TEST(kem_vectors_decapsulation)
{
	struct counts counts = {0};
	if (!each_case("wycheproof/mlkem_768_test.json", judge_decapsulation, &counts))
		return;
	CHECK_EQ(153, counts.valid);
	CHECK_EQ(40, counts.wrong_len);
}

/*
 * With a key as bytes. The two invalid ones of the right length have a wrong hash inside:
 * ours come from a seed only, and nobody can hand us one.
 */
static void judge_expanded(struct json test, struct counts *counts)
{
	struct kem_secret_key secret;
	struct kem_ciphertext ct;
	struct kem_shared_secret shared, expected;
	bool is_fitting = read_exactly(test, "dk", secret.bytes, sizeof secret) &&
			  read_exactly(test, "c", ct.bytes, sizeof ct);
	counts->wrong_len += !is_fitting;
	counts->valid += is_valid(test);
	counts->invalid += is_fitting && !is_valid(test);
	if (!is_valid(test))
		return;
	CHECK(is_fitting && read_exactly(test, "K", expected.bytes, sizeof expected));
	kem_decapsulate(&shared, &ct, &secret);
	CHECK_MEM(expected.bytes, shared.bytes, sizeof shared);
}

TEST(kem_vectors_expanded_key)
{
	struct counts counts = {0};
	if (!each_case(
		    "wycheproof/mlkem_768_semi_expanded_decaps_test.json", judge_expanded, &counts))
		return;
	CHECK_EQ(3, counts.valid);
	CHECK_EQ(2, counts.invalid);
	CHECK_EQ(4, counts.wrong_len);
}

/* ------------------------------------------------------------------ CCTV */

/* What the reader of a file of "name = hex" lines, or of hex alone, gives for each. */
static FILE *open_lines(const char *name, const char *reader)
{
	char command[1024];
	snprintf(command, sizeof command, "%s '%s/%s' 2>/dev/null", reader, vectors_folder(), name);
	return popen(command, "r");
}

static bool decode_line(const char *hex, uint8_t *out, size_t len)
{
	size_t digits = strspn(hex, "0123456789abcdef");
	if (digits != 2 * len || (hex[digits] != '\n' && hex[digits] != 0))
		return false;
	for (size_t i = 0; i < len; i++)
		out[i] =
			(uint8_t)(test_hex_digit(hex[2 * i]) << 4 | test_hex_digit(hex[2 * i + 1]));
	return true;
}

/* The value behind "name = ". false: no such line, or of another length. */
static bool read_value(const char *file, const char *name, uint8_t *out, size_t len)
{
	char line[LINE_LEN_MAX];
	FILE *lines = open_lines(file, "cat");
	size_t name_len = strlen(name);
	bool is_read = false;
	while (lines && !is_read && fgets(line, sizeof line, lines))
		if (!strncmp(line, name, name_len) && !strncmp(line + name_len, " = ", 3))
			is_read = decode_line(line + name_len + 3, out, len);
	if (lines)
		pclose(lines);
	return is_read;
}

static bool has_file(const char *name)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s", vectors_folder(), name);
	FILE *file = fopen(path, "r");
	if (!file) {
		test_skip("no %s", path);
		return false;
	}
	fclose(file);
	return true;
}

TEST(kem_vectors_modulus)
{
	static const char name[] = "cctv/modulus-ML-KEM-768.txt.gz";
	if (!has_file(name))
		return;
	char line[LINE_LEN_MAX];
	unsigned lines = 0, refused = 0;
	FILE *keys = open_lines(name, "gzip -dc");
	while (keys && fgets(line, sizeof line, keys)) {
		struct kem_public_key pub;
		struct kem_ciphertext ct;
		struct kem_shared_secret shared;
		const struct kem_message message = {{7}};
		lines += decode_line(line, pub.bytes, sizeof pub);
		refused += !kem_encapsulate_message(&ct, &shared, &pub, &message);
	}
	CHECK(keys && pclose(keys) == 0);
	CHECK_EQ(780, lines);
	CHECK_EQ(780, refused);
}

TEST(kem_vectors_strcmp)
{
	static const char name[] = "cctv/strcmp-ML-KEM-768.txt";
	if (!has_file(name))
		return;
	struct kem_secret_key secret;
	struct kem_ciphertext ct;
	struct kem_shared_secret expected, got;
	CHECK(read_value(name, "dk", secret.bytes, sizeof secret));
	CHECK(read_value(name, "c", ct.bytes, sizeof ct));
	CHECK(read_value(name, "K", expected.bytes, sizeof expected));
	kem_decapsulate(&got, &ct, &secret);
	CHECK_MEM(expected.bytes, got.bytes, sizeof got);
}

/* The key of this file is the draft's, which the final standard makes otherwise. */
TEST(kem_vectors_unlucky)
{
	static const char name[] = "cctv/unluckysample-ML-KEM-768.txt";
	if (!has_file(name))
		return;
	struct kem_seed seed;
	struct kem_public_key pub, draft;
	struct kem_secret_key secret, made;
	struct kem_message message;
	struct kem_ciphertext ct, expected_ct;
	struct kem_shared_secret expected, got;
	CHECK(read_value(name, "d", seed.bytes, 32) && read_value(name, "z", seed.bytes + 32, 32));
	CHECK(read_value(name, "ek", draft.bytes, sizeof draft));
	CHECK(read_value(name, "dk", secret.bytes, sizeof secret));
	CHECK(read_value(name, "m", message.bytes, sizeof message));
	CHECK(read_value(name, "c", expected_ct.bytes, sizeof ct));
	CHECK(read_value(name, "K", expected.bytes, sizeof expected));
	kem_keypair_derive(&pub, &made, &seed);
	CHECK(memcmp(&pub, &draft, sizeof pub) != 0);
	CHECK(kem_encapsulate_message(&ct, &got, &draft, &message));
	CHECK_MEM(expected_ct.bytes, ct.bytes, sizeof ct);
	CHECK_MEM(expected.bytes, got.bytes, sizeof got);
	kem_decapsulate(&got, &ct, &secret);
	CHECK_MEM(expected.bytes, got.bytes, sizeof got);
}
