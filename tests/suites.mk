# What make check, test and test-long run; included by the Makefile.

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
	$(call room,tests/bench/test_bench.sh,release) \
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

root_for := it creates network namespaces and tunnels
need_root = [ "$$(id -u)" = 0 ] || \
	{ echo "make $@ needs root: $(root_for)" >&2; exit 1; }

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
