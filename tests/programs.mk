# The programs that test and measure; included by the Makefile, whose words it uses.

$(out)/tests/%.o: CPPFLAGS += -Itests

# One program for all unit tests, with everything but main() itself, and with an
# allocator and a kernel in between that can fail.
$(out)/unit $(out)/fuzz: LDFLAGS += -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
$(out)/unit: LDFLAGS += -Wl,--wrap=free,--wrap=sendmsg,--wrap=sendmmsg
ifeq ($(BITS),32) # where time has 64 bits all the same, they have other names
$(out)/unit: LDFLAGS += -Wl,--wrap=__sendmsg64,--defsym=__wrap___sendmsg64=__wrap_sendmsg \
	-Wl,--wrap=__sendmmsg64,--defsym=__wrap___sendmmsg64=__wrap_sendmmsg
endif
$(out)/unit $(out)/fuzz: LDFLAGS += \
	-Wl,--wrap=kem_encapsulate,--wrap=kem_decapsulate,--wrap=kem_keypair_derive
$(out)/unit: $(call objects,tests/unit) $(filter-out $(out)/src/main/main.o,$(room_objects)) \
		$(out)/libtext.a $(out)/libcore.a
	$(link) $(MNL_LIBS) $(SODIUM_LIBS)

# The fuzz targets: for libFuzzer, or, in any other variant, to replay their corpora.
fuzz_mains := $(addprefix $(out)/tests/fuzz/,libfuzzer.o replay.o)
fuzz_main  := $(out)/tests/fuzz/$(if $(filter fuzz,$(BUILD)),libfuzzer,replay).o
# Of manage/ only what reads netlink messages; the target is the kernel.
fuzz_room := manage/netlink.o manage/netlink_request.o manage/netlink_route.o \
	manage/netlink_socket.o manage/monitor.o manage/routes.o io/tun.o io/clock.o \
	io/checksum.o io/segment.o io/coalesce.o
$(out)/fuzz: LDFLAGS += -Wl,--wrap=recvmsg,--wrap=mnl_socket_sendto
$(out)/fuzz: $(filter-out $(fuzz_mains),$(call objects,tests/fuzz)) $(fuzz_main) \
		$(addprefix $(out)/tests/unit/,tunnel.o ends.o hex.o plain_packet.o short_memory.o \
		json_strict.o slow_kem.o slow_keccak.o encapsulations.o) \
		$(addprefix $(out)/src/,$(fuzz_room)) $(out)/libtext.a $(out)/libcore.a
	$(link) $(MNL_LIBS) $(SODIUM_LIBS)

# The simulation sees the core and nothing else; sim-model not even most of crypto/.
$(out)/sim: $(call objects,tests/sim) $(out)/libcore.a
$(out)/sim-model: $(call objects,tests/sim tests/model_crypto) $(out)/src/crypto/secret.o \
		$(filter-out $(out)/src/crypto/%,$(core_objects))
$(out)/sim $(out)/sim-model:
	$(link) $(SODIUM_LIBS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free

sim_model := $(and $(filter release,$(variant)),$(out)/sim-model)

# What the namespace tests send files and datagrams with.
$(out)/pipe: $(call objects,tests/netns)
	$(link)

# What they put load on a tunnel with.
$(out)/load: $(call objects,tests/load) $(out)/libtext.a $(out)/libcore.a
	$(link) $(SODIUM_LIBS)

# What the differential test gives packets with, and reads ephemeral keys with.
$(out)/inject: $(out)/tests/interop/inject.o
	$(link)
$(out)/keylog.so: tests/interop/keylog.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -shared -o $@ $<

# The unit tests of crypto/ alone, for a machine whose kernel we do not have.
crypto_tests := aead aead_batch aead_choose poly1305 dh hash secret
$(out)/unit-crypto: $(patsubst %,$(out)/tests/unit/test_%.o,$(crypto_tests)) \
		$(addprefix $(out)/tests/unit/,main.o hex.o slow_aead.o low_order.o) \
		$(out)/libcore.a
	$(link) $(SODIUM_LIBS)
.PHONY: unit-arm64 arm64-programs
arm64-programs:
	@$(MAKE) -s $(libs_arm64)/libsodium.a CC=aarch64-linux-gnu-gcc
	@$(MAKE) -s -j2 build/release-aarch64/unit-crypto CC=aarch64-linux-gnu-gcc
unit-arm64: arm64-programs
	$(run_arm64)

# What the benchmarks measure with, and adit without a cipher, for their ceiling only.
$(out)/probe: $(call objects,tests/bench/probe) $(out)/libtext.a $(out)/libcore.a
	$(link) -pthread $(SODIUM_LIBS)
null_wraps := aead_seal aead_open aead_seal_batch aead_open_batch
$(out)/adit-null: $(out)/tests/bench/null_aead.o $(room_objects) $(out)/libtext.a $(out)/libcore.a
	$(link) $(MNL_LIBS) $(SODIUM_LIBS) $(addprefix -Wl$(comma)--wrap=,$(null_wraps))
bench := $(and $(filter release,$(variant)),$(addprefix $(out)/,probe adit-null bench-aead))

# Always as it ships; what is measured, and for how long: the variables of the script.
bench_programs := $(addprefix build/release/,adit adit-null probe bench-aead)
.PHONY: bench
bench:
	@[ "$$(id -u)" = 0 ] || { echo "make bench needs root: it makes namespaces" >&2; exit 1; }
	@$(MAKE) -s -j2 $(bench_programs) BUILD=release CC=gcc
	@COMMAND='make bench$(if $(QUICK), QUICK=$(QUICK))$(if $(BENCH), BENCH="$(BENCH)")' \
		QUICK='$(QUICK)' BENCH='$(BENCH)' LIMIT='$(LIMIT)' tests/bench/run

# What measures the AEAD's kernels.
$(out)/bench-aead: $(out)/tests/bench/aead.o $(out)/libcore.a
	$(link) $(SODIUM_LIBS)
.PHONY: bench-aead
bench-aead: $(out)/bench-aead
	$<

# How long our ML-KEM takes; beside libsodium's if KEM=sodium.
$(out)/bench-kem: $(out)/tests/bench/kem.o $(out)/src/crypto/kem_tree.o \
		$(filter-out %/kem_sodium.o,$(filter $(out)/src/crypto/%,$(core_objects)))
	$(link) $(SODIUM_LIBS)

# What prints cases of ML-KEM, of whichever it was built with, for another to compare.
$(out)/kem-cases: $(out)/tests/interop/kem_cases.o $(filter $(out)/src/crypto/%,$(core_objects))
	$(link) $(SODIUM_LIBS)
.PHONY: kem-programs
kem-programs:
	@$(MAKE) -s -j2 build/release-tree/kem-cases BUILD=release CC=gcc KEM=tree
	@$(MAKE) -s -j2 build/release-sodium/kem-cases BUILD=release CC=gcc KEM=sodium || true

# What looks for jumps and addresses that depend on a secret, under valgrind; in our own
# ML-KEM, whichever the program has.
ct_outcomes := secret_is_equal secret_is_zero dh aead_open aead_open_batch xaead_open \
	poly_sample_public
ct_floors := $(addprefix $(out)/src/,base/% crypto/% noise/% session/%)
$(out)/ct: $(call objects,tests/ct) $(out)/src/crypto/kem_tree.o $(out)/src/text/keytext.o \
		$(filter-out %/kem_sodium.o,$(filter $(ct_floors),$(core_objects)))
	$(link) $(SODIUM_LIBS) $(addprefix -Wl$(comma)--wrap=,$(ct_outcomes))
ct := $(and $(filter release,$(variant)),$(wildcard /usr/include/valgrind/memcheck.h),$(out)/ct)

# Each compiler makes jumps of its own at each level; -O2 of gcc is the release.
ct_others := $(foreach cc,gcc $(if $(shell command -v clang),clang),$(foreach level,1 2 3 s,\
	build/release$(patsubst -gcc,,-$(cc))$(patsubst -O2,,-O$(level))/ct))
ct_others := $(filter-out build/release/ct,$(ct_others))
.PHONY: ct ct-others
ct: $(out)/ct
ct-others:
	@[ ! -e /usr/include/valgrind/memcheck.h ] || \
		for cc in gcc $$(command -v clang >/dev/null && echo clang); do \
			for level in 1 2 3 s; do \
				$(MAKE) -s -j2 ct BUILD=release CC=$$cc OPT=$$level || exit; \
			done; \
		done

# The same of the AEAD's kernels by MSan: valgrind knows no AVX-512.
$(out)/ct-msan: $(addprefix $(out)/tests/ct/,kernels.o msan/main.o) $(out)/libcore.a
	$(link) $(SODIUM_LIBS)

.PHONY: programs unit unit32 sim sim-model
programs: $(ct) $(out)/adit $(out)/unit $(out)/sim $(sim_model) $(out)/pipe $(out)/load \
	$(out)/inject $(out)/keylog.so $(bench) $(if $(filter sanitize,$(BUILD)),$(out)/fuzz)

run_unit = $(1)/unit --expect $$(cat tests/unit/*.c | grep -c "^TEST(")
run_sim  = $(1) --kept tests/sim/seeds --seeds $(2)
run_fuzz = $(1)/fuzz --targets $$(cat tests/fuzz/fuzz_*.c | grep -c "^FUZZ(") tests/fuzz/corpus/*/*

run_arm64 = qemu-aarch64 build/release-aarch64/unit-crypto --expect \
	$$(cat $(patsubst %,tests/unit/test_%.c,$(crypto_tests)) | grep -c "^TEST(")

unit: $(out)/unit
	$(call run_unit,$(out))
unit32:
	@$(MAKE) unit BUILD=sanitize BITS=32
sim: sim-model $(out)/sim
	$(call run_sim,$(out)/sim,$$(($(SEEDS) / 25)))
sim-model: $(out)/sim-model
	$(call run_sim,$<,$(SEEDS))
