#include "text/conf_tuning.h"

#include <stdio.h>

#include "crypto/aead.h"
#include "text/conf.h"
#include "unit/test.h"

#define HEAD "[Interface]\nPrivateKey=yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n"

TEST(conf_tuning_values)
{
	static const struct {
		const char *text;
		struct tuning expected;
	} rows[] = {
		{"", {.tx_queue_len = 50}},
		{"Offload=auto\nAead=auto\nThreads=auto\n", {.tx_queue_len = 50}},
		{"Offload=off\nTxQueueLen=1\n", {.offload = TUNING_OFFLOAD_OFF, .tx_queue_len = 1}},
		{"Aead=libsodium\n", {.aead = AEAD_LIBSODIUM, .tx_queue_len = 50}},
		{"Aead=portable\n", {.aead = AEAD_PORTABLE, .tx_queue_len = 50}},
		{"AEAD = AVX2 # mine\n", {.aead = AEAD_AVX2, .tx_queue_len = 50}},
		{"#!Aead=avx512\n", {.aead = AEAD_AVX512, .tx_queue_len = 50}},
		{"Threads = 64\nTxQueueLen=10000\n", {.threads = 64, .tx_queue_len = 10000}},
		{"Threads = 64\nThreads = 1\n", {.threads = 1, .tx_queue_len = 50}},
		{"Threads = 64\nThreads = Auto\n", {.tx_queue_len = 50}},
		{"Offload=off\nOffload=auto\n", {.tx_queue_len = 50}},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct conf conf;
		char text[256];
		snprintf(text, sizeof text, HEAD "%s", rows[i].text);
		CHECK(conf_parse(&conf, text, strlen(text)));
		CHECK_EQ(0, conf.diagnostic_count);
		if (memcmp(&rows[i].expected, &conf.tuning, sizeof conf.tuning))
			test_fail(__FILE__, __LINE__, "row %zu", i);
		conf_wipe(&conf);
	}
}

TEST(conf_tuning_names_are_those_of_the_file)
{
	CHECK_STR("auto", conf_offload_name(TUNING_OFFLOAD_AUTO));
	CHECK_STR("off", conf_offload_name(TUNING_OFFLOAD_OFF));
	CHECK_STR("auto", conf_aead_name(AEAD_AUTO));
	CHECK_STR("avx512", conf_aead_name(AEAD_AVX512));
}
