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
#   make bench      speed beside wireguard-go, as a table, JSON and a plot in build/bench;
#                   QUICK=1, BENCH="GROUP ...", and more: tests/bench/run; as root
#   make bench-deps what make bench needs beside make deps-build; as root
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
$(addprefix $(out)/,adit unit unit-crypto sim sim-model bench-aead): | $(libs32)/libsodium.a
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
# it is called. What -O3 unrolls there lies in registers; but gcc's SLP makes stores of
# single bytes (base/bytes.h) into insertions into vectors, one by one.
kernel_flags := $(if $(filter release,$(BUILD)),-O3 -fno-tree-slp-vectorize)
$(out)/src/crypto/aead_portable.o: CFLAGS += $(kernel_flags) $(if $(filter 32,$(BITS)),-msse2)
ifeq ($(BITS) $(machine),64 x86_64)
$(out)/src/crypto/aead_avx2.o: CFLAGS += $(kernel_flags) -mavx2 -mbmi2
$(out)/src/crypto/aead_avx512.o: CFLAGS += $(kernel_flags) -mavx512f -mavx512bw -mavx512dq \
	-mavx512vl -mavx512ifma -mavx512vbmi2 -mbmi2
endif

-include $(wildcard $(out)/*/*.d $(out)/*/*/*.d $(out)/*/*/*/*.d)

include tests/programs.mk
include tests/suites.mk

# ------------------------------------------------------------------ what it needs, where it goes
packages_build := gcc libc6-dev libsodium-dev libmnl-dev libnftnl-dev iproute2 iputils-ping
packages_test  := clang clang-format libclang-rt-14-dev llvm-14 procps nftables valgrind \
	wireguard-tools wireguard-go tshark qemu-system-x86 busybox-static cpio xz-utils kmod \
	spin $(if $(filter x86_64,$(shell uname -m)),gcc-12-multilib gcc-aarch64-linux-gnu \
		libc6-dev-arm64-cross qemu-user) \
	$(if $(shell command -v npm),,nodejs npm)
packages_bench := iperf3 jq gnuplot-nox ethtool linux-perf procps wireguard-tools wireguard-go

apt_install = apt-get update && DEBIAN_FRONTEND=noninteractive \
	apt-get install -y --no-install-recommends

.PHONY: deps deps-build bench-deps install clean
deps deps-build bench-deps: root_for := it installs packages
deps-build:
	@$(need_root)
	$(apt_install) $(packages_build)
deps:
	@$(need_root)
	$(apt_install) $(packages_build) $(packages_test) $(packages_bench)
bench-deps:
	@$(need_root)
	$(apt_install) $(packages_build) $(packages_bench)

dest := $(DESTDIR)$(PREFIX)
# The nearest folder that is there decides who may.
may_install = there="$(dest)/bin"; \
	until [ -e "$$there" ]; do there=$$(dirname "$$there"); done; \
	[ -d "$$there" ] && [ -w "$$there" ] || { \
	echo "make $@ needs root, or another DESTDIR= or PREFIX=:" \
		"$$there is no folder that you may write to" >&2; exit 1; }
install: $(out)/adit
	@$(may_install)
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
