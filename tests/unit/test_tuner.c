#include "io/tuner.h"

#include <linux/if_tun.h>
#include <unistd.h>

#include "unit/capture.h"
#include "unit/netbox.h"
#include "unit/sandbox.h"
#include "unit/sides.h"

TEST(tuner_threads)
{
	static const struct {
		uint32_t wished, cpus, expected;
	} rows[] = {
		{0, 1, 1},
		{0, 2, 1},
		{0, 3, 2},
		{0, 4, 3},
		{0, 8, 7},
		{0, 9, 8},
		{0, 10, 8},
		{0, 256, 8},
		{1, 64, 1},
		{4, 2, 4},
		{64, 1, 64},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct tuning tuning = TUNING_USUAL;
		tuning.threads = rows[i].wished;
		CHECK_EQ(rows[i].expected, tuner_threads(&tuning, rows[i].cpus));
	}
	CHECK(tuner_cpus() >= 1);
}

/* ---- with a pump */

static struct tuner tuner;

static bool tunes(void)
{
	struct tuning tuning = {.offload = TUNING_OFFLOAD_OFF,
		.aead = AEAD_PORTABLE,
		.threads = 3,
		.tx_queue_len = 50};
	REQUIRE(sides_begin("127.0.0.1"));
	tuner_init(&tuner, &a.pump);
	REQUIRE(a.pump.udp.can_segment);
	tuner_begin(&tuner, &tuning);
	REQUIRE(a.pump.crew.count == 2 && tuner.aead.used == AEAD_PORTABLE);
	REQUIRE(!a.pump.udp.can_segment && a.pump.packets.offloads == 0);
	tuner_say(&tuner);
	REQUIRE(strstr(captured(), "AEAD by portable, 3 threads, offload: off\n"));
	tuner_say(&tuner);
	REQUIRE(!*captured());
	/* and sockets that come later are as the others */
	struct udp_sockets udp;
	REQUIRE(udp_open(&udp, 0, UDP_DUAL) == 0 && pump_use_sockets(&a.pump, &udp) == 0);
	REQUIRE(!a.pump.udp.can_segment);
	tuning.offload = TUNING_OFFLOAD_AUTO;
	tuning.threads = 5;
	tuning.aead = AEAD_LIBSODIUM;
	tuner_change(&tuner, &tuning);
	REQUIRE(a.pump.udp.can_segment && a.pump.crew.count == 2);
	REQUIRE(tuner.aead.used == AEAD_PORTABLE);
	return sides_end();
}

TEST(tuner_does_what_is_asked_for)
{
	sandbox_run(tunes);
}

static bool offloads_of_a_tun(void)
{
	struct tuning tuning = TUNING_USUAL;
	REQUIRE(sides_begin("127.0.0.1"));
	loop_remove(&a.loop, &a.pump.tun);
	close(a.pump.tun.fd);
	REQUIRE(pump_use_tun(&a.pump, box.tun) == 0);
	tuner_init(&tuner, &a.pump);
	tuning.threads = 1;
	tuning.aead = AEAD_LIBSODIUM;
	tuner_begin(&tuner, &tuning);
	unsigned accepted = a.pump.packets.offloads;
	REQUIRE(accepted & TUN_F_CSUM && a.pump.crew.count == 0);
	tuner_say(&tuner);
	REQUIRE(strstr(captured(), "AEAD by libsodium, 1 thread, offload: checksums, TSO, "));
	tuning.offload = TUNING_OFFLOAD_OFF;
	tuner_change(&tuner, &tuning);
	REQUIRE(a.pump.packets.offloads == 0);
	tuning.offload = TUNING_OFFLOAD_AUTO;
	tuner_change(&tuner, &tuning);
	REQUIRE(a.pump.packets.offloads == accepted);
	return sides_end();
}

TEST(tuner_switches_the_offloads_of_a_tun)
{
	netbox_run(offloads_of_a_tun);
}
