# adit: a WireGuard-compatible tunnel daemon.
#
#   make            the program, build/release/adit
#   make check      house rules, unit tests and simulation; no root, no network
#   make test       make check and everything that needs namespaces; as root
#   make test-long  many seeds, mutants, long fuzzing: two hours; as root
#   make demo       two namespaces, a tunnel, a ping, a transfer; as root
#   make deps       what a fresh Debian 12 needs for make test; as root
#   make install    DESTDIR= PREFIX=/usr/local
#   make sim        SEEDS=n, the simulation alone: n seeds with a model of the
#                   cryptography, n/25 with the real one
#   make sim-model  SEEDS=n, the first part of it
#   make fuzz       SECONDS=n TARGET="name ...", what libFuzzer finds; needs clang
#   make fuzz-coverage   lines of the message parsers that the fuzz corpora reach
#   make bench-aead what a packet costs each kernel of the AEAD, in nanoseconds
#   make mutants    every condition of the accept paths mutated, one at a time, against
#                   the tests; an hour
#   make unit32     the unit tests with 32-bit longs and pointers; needs gcc-12-multilib
#   make unit-arm64 those of crypto/ for aarch64; needs gcc-aarch64-linux-gnu, qemu-user
#   make clean
#
# CC=clang, and BUILD=release (default) or BUILD=sanitize, choose the variant; so
# does BITS=32, on x86-64. KEM=tree or KEM=sodium chooses whose ML-KEM-768 it is;
# without it libsodium's where it has one (from 1.0.22 on), else ours.

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules --no-print-directory
SHELL := /bin/bash

BUILD  ?= release
BITS   ?= 64
PREFIX ?= /usr/local
SEEDS  ?= 5000
SECONDS ?= 60
OPT    ?= 2
VERSION := 0.1.0
ifeq ($(origin CC),default)
CC := gcc
endif

# What it is built for: another machine's compiler says so in its name.
machine := $(if $(findstring aarch64,$(CC)),aarch64,$(shell uname -m))
variant := $(BUILD)$(if $(findstring clang,$(CC)),-clang)$(if $(filter 32,$(BITS)),-32)
variant := $(variant)$(addprefix -,$(filter-out $(shell uname -m),$(machine)) $(KEM))
variant := $(subst $() ,,$(variant))$(addprefix -O,$(filter-out 2,$(OPT)))
out     := build/$(variant)

# ------------------------------------------------------------------ flags
WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wvla -Werror
CPPFLAGS += -Isrc -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 \
	-DADIT_VERSION='"$(VERSION)"'
CFLAGS   += -std=gnu11 $(WARNINGS) -fno-strict-aliasing -fPIE
# Debian 12's valgrind cannot read what clang writes of DWARF 5.
CFLAGS   += $(if $(findstring clang,$(CC)),-gdwarf-4,-g)
LDFLAGS  += -pie -pthread

cf_protection := $(if $(filter x86_64 i%86,$(machine)),-fcf-protection)
flags_release  := -O$(OPT) -D_FORTIFY_SOURCE=3 -fstack-protector-strong $(cf_protection)
flags_sanitize := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
flags_mutants  := -O1 -w -fsanitize=bounds -fno-sanitize-recover=bounds
flags_tsan     := -O1 -fsanitize=thread
flags_msan     := -O2 -fsanitize=memory -fno-omit-frame-pointer
flags_fuzz     := -O2 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
flags_coverage := -O0 -fprofile-instr-generate -fcoverage-mapping
ldflags_release  := -Wl,-z,relro,-z,now
ldflags_sanitize := -fsanitize=address,undefined
ldflags_mutants  := -fsanitize=bounds
ldflags_tsan     := -fsanitize=thread
ldflags_msan     := -fsanitize=memory
ldflags_fuzz     := -fsanitize=fuzzer,address,undefined
ifeq ($(filter $(BUILD),release sanitize mutants tsan msan fuzz coverage),)
$(error BUILD is "$(BUILD)"; it must be release, sanitize, mutants, tsan, msan, fuzz or coverage)
endif
CFLAGS  += $(flags_$(BUILD))
LDFLAGS += $(ldflags_$(BUILD))

# 32 bit: the compiler comes from gcc-12-multilib, for gcc-multilib shuns cross compilers;
# the libraries are fetched into build/.
libs32 := build/libs32
ifeq ($(BITS),32)
CFLAGS  += -m32
CPPFLAGS += -idirafter /usr/include/x86_64-linux-gnu
LDFLAGS += -L$(libs32) -Wl,-rpath,$(CURDIR)/$(libs32)
$(libs32)/libsodium.a: tests/tools/foreign_libs
	$< i386 $(libs32)
$(addprefix $(out)/,adit unit sim sim-model): | $(libs32)/libsodium.a
endif

# For aarch64 the compiler is a cross compiler's, and what is built runs in qemu-user.
libs_arm64 := build/libs-arm64
ifeq ($(machine)-$(shell uname -m),aarch64-x86_64)
CPPFLAGS += -isystem $(libs_arm64)/include
LDFLAGS  += -L$(libs_arm64) -static-pie
$(libs_arm64)/libsodium.a: tests/tools/foreign_libs
	$< arm64 $(libs_arm64)
endif

# KEM=sodium where the system's libsodium has none takes Debian testing's, from build/.
has_kem := $(shell echo 'int main(void) { return !crypto_kem_mlkem768_dec; }' | \
	$(CC) $(CPPFLAGS) -include sodium.h -fsyntax-only -x c - 2>/dev/null && echo yes)
kem := $(or $(KEM),$(if $(has_kem),sodium,tree))
ifeq ($(filter tree sodium,$(kem)),)
$(error KEM is "$(KEM)"; it must be tree or sodium)
endif
ifeq ($(kem)$(has_kem),sodium)
newest_sodium := build/sodium
CPPFLAGS += -I$(newest_sodium)/include
LDFLAGS  += -L$(newest_sodium)/lib
$(newest_sodium)/lib/libsodium.a: tests/tools/newest_sodium
	$< $(newest_sodium)
endif

SODIUM_LIBS := -lsodium
MNL_LIBS    := -lnftnl -lmnl

# ------------------------------------------------------------------ the program
core_floors := base crypto noise session peer route device
room_floors := io manage main

sources = $(wildcard $(addsuffix /*.c,$(1)))
objects = $(patsubst %.c,$(out)/%.o,$(call sources,$(1)))
comma   := ,

core_folders := $(addprefix src/,$(core_floors))
core_objects := $(filter-out $(out)/src/crypto/kem_$(if $(filter tree,$(kem)),sodium,tree).o,\
	$(call objects,$(core_folders)))
text_objects := $(call objects,src/text)
room_objects := $(call objects,$(addprefix src/,$(room_floors)))

link = $(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

.PHONY: all
all: $(out)/adit

# The folders too: a source that goes away must leave the archive.
$(out)/libcore.a: $(core_objects) $(core_folders)
$(out)/libtext.a: $(text_objects) src/text
$(out)/libcore.a $(out)/libtext.a:
	@rm -f $@
	$(AR) rcs $@ $(filter %.o,$^)

$(out)/adit: $(room_objects) $(out)/libtext.a $(out)/libcore.a
	$(link) $(MNL_LIBS) $(SODIUM_LIBS)

$(out)/%.o: %.c Makefile $(addsuffix /lib/libsodium.a,$(newest_sodium))
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The AEAD's kernels: each alone has the instructions that the processor is asked for before
# it is called. What -O3 unrolls there lies in registers.
kernel_flags := $(if $(filter release,$(BUILD)),-O3)
$(out)/src/crypto/aead_portable.o: CFLAGS += $(kernel_flags) $(if $(filter 32,$(BITS)),-msse2)
ifeq ($(BITS) $(machine),64 x86_64)
$(out)/src/crypto/aead_avx2.o: CFLAGS += $(kernel_flags) -mavx2 -mbmi2
$(out)/src/crypto/aead_avx512.o: CFLAGS += $(kernel_flags) -mavx512f -mavx512bw -mavx512dq \
	-mavx512vl -mavx512ifma -mavx512vbmi2 -mbmi2
endif

-include $(wildcard $(out)/*/*.d $(out)/*/*/*.d)

# ------------------------------------------------------------------ test programs
$(out)/tests/%.o: CPPFLAGS += -Itests

# One program for all unit tests, with everything but main() itself, and with an
# allocator and a kernel in between that can fail.
$(out)/unit $(out)/fuzz: LDFLAGS += -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
$(out)/unit: LDFLAGS += -Wl,--wrap=free,--wrap=sendmsg,--wrap=sendmmsg
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
	$(out)/inject $(out)/keylog.so $(if $(filter sanitize,$(BUILD)),$(out)/fuzz)

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

# ------------------------------------------------------------------ check and test
# Unit tests and simulation run under the sanitizers, built by gcc and by clang.
tally := tests/house/tally -j 2
run_house := tests/house/run build/release -Isrc -D_GNU_SOURCE -std=gnu11 $(WARNINGS)
suite_house := 'house rules=$(run_house)' 'the rules themselves=tests/house/selftest' \
	'constant time=tests/ct/run build/release/ct' \
	'instructions of the ciphers=tests/ct/instructions $(addprefix \
		build/release/src/crypto/aead_,batch.o portable.o avx2.o avx512.o)' \
	'ciphers as they ship=build/release/unit aead poly1305' \
	$(if $(shell command -v clang),'constant time with MSan=build/msan-clang/ct-msan')
suite_core = 'unit tests, $(2), sanitized=$(call run_unit,build/$(1))' \
	'simulation, $(2), sanitized=$(call run_sim,build/$(1)/sim,$(3))' \
	'fuzz corpora, $(2), sanitized=$(call run_fuzz,build/$(1))'
suite_clang := $(if $(shell command -v clang),$(call suite_core,sanitize-clang,clang,20),\
	'clang=echo "skipped: no clang (make deps)"; echo 0 passed, 0 failed, 1 skipped')
suite_model := 'simulation, model of the cryptography=$(call \
	run_sim,build/release/sim-model,5000)'
suites_check = $(suite_house) $(suite_model) $(call suite_core,sanitize,gcc,200) $(suite_clang)

# The small traffic under the sanitizers, the big and the slow as it ships.
room = '$(1)=ADIT=build/$(2)/adit $(1)'
suites_rooms := $(call room,tests/netns/test_tunnel.sh,release) \
	$(call room,tests/netns/test_hybrid.sh,sanitize) \
	$(call room,tests/interop/kernel.sh,release) \
	$(call room,tests/netns/test_load.sh,release) \
	$(call room,tests/netns/test_threads.sh,release) \
	$(call room,tests/netns/test_outer.sh,sanitize) \
	$(call room,tests/netns/test_life.sh,sanitize) \
	$(call room,tests/netns/test_ends.sh,sanitize) \
	$(call room,tests/netns/test_control.sh,sanitize) \
	$(call room,tests/netns/test_show.sh,sanitize) \
	$(call room,tests/netns/test_wg.sh,sanitize) \
	$(call room,tests/netns/test_wg_quick.sh,sanitize) \
	$(call room,tests/netns/test_contract.sh,sanitize) \
	$(call room,tests/netns/test_clients.sh,release) \
	$(call room,tests/netns/test_hooks.sh,sanitize) \
	$(call room,tests/netns/test_dns.sh,sanitize) \
	$(call room,tests/netns/test_conf.sh,sanitize) \
	$(call room,tests/netns/test_link.sh,release) \
	$(call room,tests/netns/test_listen.sh,sanitize) \
	$(call room,tests/netns/test_policy.sh,sanitize) \
	$(call room,tests/netns/test_killed.sh,sanitize) \
	$(call room,tests/netns/test_reload.sh,sanitize) \
	$(call room,tests/netns/test_reload_kinds.sh,sanitize) \
	$(call room,tests/interop/wireguard_go.sh,sanitize) \
	$(call room,tests/interop/differential.sh,release) \
	$(call room,tests/netns/test_scenarios.sh,sanitize) \
	$(call room,tests/netns/test_peers.sh,sanitize)

suite_ct := 'constant time, each compiler and level=tests/ct/run $(ct_others)'
suite_kem := 'ML-KEM, 10,000 rounds=ADIT_KEM_ROUNDS=10000 \
		build/release/unit --expect 1 kem_accumulated' \
	'ML-KEM beside others=tests/interop/kem.sh'

has_m32 := $(shell gcc -m32 -E -include stdio.h -x c /dev/null >/dev/null 2>&1 && echo yes)
suite_32 := $(if $(has_m32),'unit tests of 32 bit=$(call run_unit,build/sanitize-32)',\
	'32 bit=echo "skipped: no gcc -m32 (make deps)"; echo 0 passed, 0 failed, 1 skipped')

has_arm64 := $(and $(shell command -v aarch64-linux-gnu-gcc),$(shell command -v qemu-aarch64))
suite_arm64 = $(if $(has_arm64),'crypto/ for aarch64=$(run_arm64)',\
	'aarch64=echo "skipped: no cross compiler or no qemu-aarch64 (make deps)"; \
		echo 0 passed, 0 failed, 1 skipped')

# One at a time and with what nobody else wants of the processors, for other suites measure.
suite_keys := 'rotation of keys=nice -n 19 tests/model/run'
suites_fuzz := $(if $(shell command -v clang),\
	'fuzzing=FUZZ_SEED=1 nice -n 19 tests/fuzz/run build/fuzz-clang/fuzz 10 1' \
	'coverage of the parsers=tests/fuzz/coverage build/coverage-clang/fuzz')

# One after the other, two hours in all: what make test does for a moment, or not at all.
core_tests := $(shell grep -LE '"(text|io|manage|main)/|"unit/sides' tests/unit/test_*.c)
suites_long := 'simulation=$(call run_sim,build/release/sim-model,100000)' \
	'simulation, sanitized=$(call run_sim,build/sanitize/sim,2000)' \
	'fuzzing=tests/fuzz/run build/fuzz-clang/fuzz 120 2' \
	'mutants=tests/mutants/mutate.py run' \
	'threads=build/tsan/unit test_job test_tickets test_crew test_loop test_pump_workers' \
	$(call room,tests/netns/test_threads.sh,tsan) \
	'a flood beside workers=threads=4 ADIT=build/release/adit tests/netns/test_load.sh' \
	'memory=valgrind -q --error-exitcode=1 build/release/unit $(core_tests)' \
	'constant time=tests/ct/run build/release/ct $(ct_others)' \
	'stopped 1,000 times=STOPS=1000 ADIT=build/sanitize/adit \
		tests/netns/test_ends.sh test_stopped_at_any_moment_row_21' \
	'down and up 1,000 times=CYCLES=1000 ADIT=build/release/adit \
		tests/netns/test_link.sh test_down_and_up_row_21' \
	$(call room,tests/netns/test_long.sh,release)

.PHONY: fuzz fuzz-coverage fuzz-programs
fuzz-programs:
	@$(MAKE) -s -j2 build/fuzz-clang/fuzz BUILD=fuzz CC=clang
	@$(MAKE) -s -j2 build/coverage-clang/fuzz BUILD=coverage CC=clang
fuzz: fuzz-programs
	tests/fuzz/run build/fuzz-clang/fuzz $(SECONDS) 2 $(TARGET)
fuzz-coverage: fuzz-programs
	tests/fuzz/coverage build/coverage-clang/fuzz

.PHONY: mutants
mutants:
	tests/mutants/mutate.py run

.PHONY: house
house: build/release/adit
	$(run_house)

need_root = [ "$$(id -u)" = 0 ] || \
	{ echo "make $@ needs root: it creates network namespaces and tunnels" >&2; exit 1; }

.PHONY: check test test-long demo variants
variants:
	@$(MAKE) -s -j2 programs BUILD=release CC=gcc
	@$(MAKE) -s -j2 programs BUILD=sanitize CC=gcc
	@! command -v clang >/dev/null || $(MAKE) -s -j2 programs BUILD=sanitize CC=clang
	@! command -v clang >/dev/null || \
		$(MAKE) -s -j2 build/msan-clang/ct-msan BUILD=msan CC=clang

check: variants
	@$(tally) $(suites_check)

test:
	@$(need_root)
	@$(MAKE) -s variants
	@! command -v clang >/dev/null || $(MAKE) -s fuzz-programs
	@[ -z "$(has_m32)" ] || $(MAKE) -s -j2 build/sanitize-32/unit BUILD=sanitize BITS=32
	@[ -z "$(has_arm64)" ] || $(MAKE) -s arm64-programs
	@$(MAKE) -s ct-others kem-programs
	@$(tally) $(suites_check) $(suite_ct) $(suite_kem) $(suite_32) $(suite_arm64) \
		$(suite_keys) $(suites_fuzz) $(suites_rooms)

test-long:
	@$(need_root)
	@$(MAKE) -s variants
	@$(MAKE) -s fuzz-programs ct-others
	@$(MAKE) -s -j2 build/tsan/unit build/tsan/adit BUILD=tsan
	@limit=36000 time_limit=36000 tests/house/tally $(suites_long)

demo:
	@$(need_root)
	@tests/netns/demo.sh --has-tools || $(MAKE) deps-build
	@echo "Building adit ..."
	@$(MAKE) -s -j2 build/release/adit build/release/pipe
	@tests/netns/demo.sh

# ------------------------------------------------------------------ what it needs, where it goes
packages_build := gcc libc6-dev libsodium-dev libmnl-dev libnftnl-dev iproute2 iputils-ping
packages_test  := clang clang-format libclang-rt-14-dev llvm-14 procps nftables valgrind \
	wireguard-tools wireguard-go tshark qemu-system-x86 busybox-static cpio xz-utils kmod \
	spin $(if $(filter x86_64,$(shell uname -m)),gcc-12-multilib gcc-aarch64-linux-gnu \
		libc6-dev-arm64-cross qemu-user) \
	$(if $(shell command -v npm),,nodejs npm)

apt_install = apt-get update && DEBIAN_FRONTEND=noninteractive \
	apt-get install -y --no-install-recommends

.PHONY: deps deps-build install clean
deps-build:
	$(apt_install) $(packages_build)
deps:
	$(apt_install) $(packages_build) $(packages_test)

dest := $(DESTDIR)$(PREFIX)
install: $(out)/adit
	install -d $(dest)/bin $(dest)/share/man/man5 $(dest)/share/man/man7 $(dest)/share/man/man8
	install -d $(dest)/lib/systemd/system $(dest)/share/doc/adit/examples
	install -m 755 $(out)/adit $(dest)/bin/adit
	install -m 644 man/adit.8 $(dest)/share/man/man8
	install -m 644 man/adit.conf.5 $(dest)/share/man/man5
	install -m 644 $(wildcard man/*.7) $(dest)/share/man/man7
	install -m 644 README.md LICENSE $(dest)/share/doc/adit
	install -d $(dest)/share/bash-completion/completions
	install -m 644 conf/completion/adit.bash $(dest)/share/bash-completion/completions/adit
	cp -R --no-preserve=all $(filter-out conf/completion,$(wildcard conf/*)) \
		$(dest)/share/doc/adit/examples
	sed 's,@PREFIX@,$(PREFIX),g' systemd/adit@.service >$(dest)/lib/systemd/system/adit@.service

clean:
	rm -rf build
