# adit: a WireGuard-compatible tunnel daemon.
#
#   make            the program, build/release/adit
#   make check      house rules, unit tests and simulation; no root, no network
#   make test       make check and everything that needs namespaces; as root
#   make demo       two namespaces, a tunnel, a ping, a transfer; as root
#   make deps       what a fresh Debian 12 machine needs; as root
#   make install    DESTDIR= PREFIX=/usr/local
#   make clean
#
# CC=clang, and BUILD=release (default) or BUILD=sanitize, choose the variant.

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules

BUILD  ?= release
PREFIX ?= /usr/local
VERSION := 0.1.0
ifeq ($(origin CC),default)
CC := gcc
endif

variant := $(BUILD)$(if $(findstring clang,$(CC)),-clang)
out     := build/$(variant)

# ------------------------------------------------------------------ flags
WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror
CPPFLAGS += -Isrc -D_GNU_SOURCE -DADIT_VERSION='"$(VERSION)"' -DADIT_PREFIX='"$(PREFIX)"'
CFLAGS   += -std=gnu11 -g $(WARNINGS) -fno-strict-aliasing -fPIE
LDFLAGS  += -pie

cf_protection := $(if $(filter x86_64 i%86,$(shell uname -m)),-fcf-protection)
flags_release  := -O2 -D_FORTIFY_SOURCE=3 -fstack-protector-strong $(cf_protection)
flags_sanitize := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
ifeq ($(filter $(BUILD),release sanitize),)
$(error BUILD is "$(BUILD)"; it must be release or sanitize)
endif
CFLAGS  += $(flags_$(BUILD))
LDFLAGS += $(if $(filter release,$(BUILD)),-Wl$(comma)-z$(comma)relro$(comma)-z$(comma)now)
LDFLAGS += $(if $(filter sanitize,$(BUILD)),-fsanitize=address$(comma)undefined)
comma   := ,

SODIUM_LIBS := -lsodium
MNL_LIBS    := -lmnl

# ------------------------------------------------------------------ the program
core_floors := base crypto noise session peer route device
room_floors := io manage main

sources = $(wildcard $(addsuffix /*.c,$(addprefix src/,$(1))))
objects = $(patsubst %.c,$(out)/%.o,$(call sources,$(1)))

core_objects := $(call objects,$(core_floors))
text_objects := $(call objects,text)
room_objects := $(call objects,$(room_floors))

.PHONY: all
all: $(out)/adit

$(out)/libcore.a: $(core_objects)
$(out)/libtext.a: $(text_objects)
$(out)/libcore.a $(out)/libtext.a:
	@rm -f $@
	$(AR) rcs $@ $^

$(out)/adit: $(room_objects) $(out)/libtext.a $(out)/libcore.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(MNL_LIBS) $(SODIUM_LIBS)

$(out)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

-include $(wildcard $(out)/*/*.d $(out)/*/*/*.d)

# ------------------------------------------------------------------ unit tests: one program
unit_objects := $(patsubst %.c,$(out)/%.o,$(wildcard tests/unit/*.c))
# everything but main() itself
unit_room := $(filter-out $(out)/src/main/main.o,$(room_objects))

$(out)/unit: $(unit_objects) $(unit_room) $(out)/libtext.a $(out)/libcore.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(MNL_LIBS) $(SODIUM_LIBS)

$(out)/tests/%.o: CPPFLAGS += -Itests

.PHONY: unit
unit: $(out)/unit
	$(out)/unit --expect $$(cat tests/unit/*.c | grep -c '^TEST(')

.PHONY: clean
clean:
	rm -rf build
