# subsidyd, the subsidy ledger, and subsidy, its client. See README.md.
#
#   make            build both programs            make demo       see it work (ONCE=1: and end)
#   make check      run every test                 make lint       what a machine can check of the style
#   make check-asan, check-tsan                    the same tests under the sanitizers
#   make soak       kill the daemon a thousand times under load, and damage a ledger everywhere
#   make fuzz       each fuzz target for FUZZ_S seconds        make bench      measure (QUICK=1: shorter)
#   make bench-peer the same job in PostgreSQL, to lay beside it
#   make deps       install missing Debian packages            make install, clean
#
# Variables: B (build folder), SAN (address,undefined or thread), CC, CFLAGS, LDFLAGS, PREFIX, DESTDIR, STRICT=1
# (warnings are errors), ONCE=1, DEMO_DIR.

.DELETE_ON_ERROR:
.SECONDARY:

B ?= build
PREFIX ?= /usr/local
CC = gcc
PKG_CONFIG ?= pkg-config
PYTHON ?= /usr/bin/python3
FUZZ_S ?= 60
STRICT ?= $(if $(CI),1,)

GOALS := $(or $(MAKECMDGOALS),all)
# Every goal that compiles needs the packages; asking dpkg costs a few milliseconds.
NO_DEPS_GOALS := clean deps help
ifneq ($(filter-out $(NO_DEPS_GOALS),$(GOALS)),)
DEPS_DONE := $(shell sh tests/deps.sh >&2 && echo yes)
ifneq ($(DEPS_DONE),yes)
$(error needed Debian packages are missing, see above)
endif
endif

PROTO_PACKAGES = libprotobuf-c jansson libsodium libcrypto
DAEMON_PACKAGES = libevent libevent_openssl libevent_pthreads lmdb libssl
CLIENT_PACKAGES = libcurl inih
PACKAGES = $(PROTO_PACKAGES) $(DAEMON_PACKAGES) $(CLIENT_PACKAGES)

WARNINGS = -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wvla -Wformat=2 -Wstrict-prototypes \
	-Wmissing-prototypes -Wcast-qual -Wwrite-strings -Wswitch-enum -Wdouble-promotion -Wfloat-equal -Wundef \
	$(if $(STRICT),-Werror)
HARDENING = -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fPIE
HARDENING_LD = -pie -Wl,-z,relro,-z,now,-z,noexecstack
ifeq ($(shell uname -m),x86_64)
HARDENING += -fcf-protection
endif
CFLAGS ?= -O2 -g
ifneq ($(SAN),)
SANITIZE = -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all
HARDENING = -fPIE
HARDENING_LD = -pie
CFLAGS = -O1 -g
endif

# Asked once a run, after the packages are there; not asked for goals that need none.
PACKAGE_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PACKAGES) 2>/dev/null)
PROTO_LIBS := $(shell $(PKG_CONFIG) --libs $(PROTO_PACKAGES) 2>/dev/null)
DAEMON_LIBS := $(shell $(PKG_CONFIG) --libs $(DAEMON_PACKAGES) 2>/dev/null)
CLIENT_LIBS := $(shell $(PKG_CONFIG) --libs $(CLIENT_PACKAGES) 2>/dev/null) -lcsv

override CFLAGS += -std=c11 -D_GNU_SOURCE -pthread $(WARNINGS) $(HARDENING) $(SANITIZE) -ffile-prefix-map=$(CURDIR)=. \
	-I. -I$(B)/gen $(PACKAGE_CFLAGS)
override LDFLAGS += -pthread $(HARDENING_LD) $(SANITIZE)

PROTO_SRC := $(sort $(wildcard proto/*.c))
DAEMON_SRC := $(sort $(wildcard daemon/*.c))
CLIENT_SRC := $(sort $(wildcard client/*.c))
UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))
# These are no programs: they are loaded into one.
PRELOAD_SRC := tests/tools/fail.c tests/tools/skew.c
TOOL_SRC := $(filter-out $(PRELOAD_SRC),$(sort $(wildcard tests/tools/*.c)))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))

PROTO_OBJ = $(PROTO_SRC:%.c=$(B)/%.o) $(B)/gen/proto/subsidy.pb-c.o
DAEMON_OBJ = $(DAEMON_SRC:%.c=$(B)/%.o)
CLIENT_OBJ = $(CLIENT_SRC:%.c=$(B)/%.o)
UNIT_BIN = $(UNIT_SRC:%.c=$(B)/%)
TOOL_BIN = $(TOOL_SRC:%.c=$(B)/%) $(PRELOAD_SRC:%.c=$(B)/%.so)
FUZZ_BIN = $(FUZZ_SRC:%.c=$(B)/%)
PROGRAMS = $(if $(wildcard daemon/main.c),$(B)/subsidyd) $(if $(wildcard client/main.c),$(B)/subsidy)

all: $(PROGRAMS)

help:
	@sed -n '3,13s/^#//p' Makefile

$(B)/subsidyd: $(B)/daemon/main.o $(B)/libdaemon.a $(B)/libproto.a
	$(CC) $(LDFLAGS) -o $@ $^ $(DAEMON_LIBS) $(PROTO_LIBS)

$(B)/subsidy: $(B)/client/main.o $(B)/libclient.a $(B)/libproto.a
	$(CC) $(LDFLAGS) -o $@ $^ $(CLIENT_LIBS) $(PROTO_LIBS)

$(B)/libproto.a: $(PROTO_OBJ)
$(B)/libdaemon.a: $(filter-out %/main.o,$(DAEMON_OBJ))
$(B)/libclient.a: $(filter-out %/main.o,$(CLIENT_OBJ))
$(B)/lib%.a:
	@rm -f $@
	ar rcsD $@ $^

$(B)/gen/proto/subsidy.pb-c.c $(B)/gen/proto/subsidy.pb-c.h &: proto/subsidy.proto
	@mkdir -p $(B)/gen
	protoc-c --c_out=$(B)/gen proto/subsidy.proto

# Generated code is not ours to warn about.
$(B)/gen/%.o: $(B)/gen/%.c
	$(CC) $(filter-out -W%,$(CFLAGS)) -w -c -o $@ $<

$(B)/%.o: %.c | $(B)/gen/proto/subsidy.pb-c.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/tests/unit/%: $(B)/tests/unit/%.o $(if $(CLIENT_SRC),$(B)/libclient.a) $(if $(DAEMON_SRC),$(B)/libdaemon.a) $(B)/libproto.a
	$(CC) $(LDFLAGS) -o $@ $^ $(CLIENT_LIBS) $(DAEMON_LIBS) $(PROTO_LIBS) -lcmocka

$(B)/tests/tools/%: $(B)/tests/tools/%.o $(B)/libdaemon.a $(B)/libproto.a
	$(CC) $(LDFLAGS) -o $@ $^ $(DAEMON_LIBS) $(PROTO_LIBS)

$(B)/tests/tools/%.so: tests/tools/%.c
	@mkdir -p $(@D)
	$(CC) $(filter-out -fPIE $(SANITIZE),$(CFLAGS)) -fPIC -fno-builtin -shared -o $@ $<

# A fuzz target is one function; linked with replay.c it runs its corpus, with clang's libFuzzer it fuzzes.
$(B)/tests/fuzz/%: $(B)/tests/fuzz/%.o $(B)/tests/fuzz/replay.o $(if $(CLIENT_SRC),$(B)/libclient.a) $(if $(DAEMON_SRC),$(B)/libdaemon.a) $(B)/libproto.a
	$(CC) $(LDFLAGS) -o $@ $^ $(CLIENT_LIBS) $(DAEMON_LIBS) $(PROTO_LIBS)

-include $(wildcard $(B)/proto/*.d $(B)/daemon/*.d $(B)/client/*.d $(B)/tests/*/*.d)

tests: $(PROGRAMS) $(UNIT_BIN) $(TOOL_BIN) $(FUZZ_BIN)

check: tests
	@$(PYTHON) tests/run.py --build $(B) $(CHECK_ARGS)

soak: $(PROGRAMS) $(TOOL_BIN)
	CRASH_KILLS=1000 DRILL_ALL=1 FLOW_TIMEOUT_S=7200 $(PYTHON) tests/run.py --build $(B) --only test_crash,test_drill --verbose

check-asan:
	$(MAKE) check B=build/asan SAN=address,undefined CHECK_ARGS="$(CHECK_ARGS)"

# Left out are tests that measure time or the largest load: under this sanitizer everything takes ten times as long.
TSAN_SKIP = test_bounds,test_http_time,test_hostile,test_demo
check-tsan:
	$(MAKE) check B=build/tsan SAN=thread CHECK_ARGS="--skip $(TSAN_SKIP) $(CHECK_ARGS)"

fuzz:
	@sh tests/deps.sh clang libclang-rt-14-dev
	$(MAKE) B=build/fuzz CC=clang SAN=address,undefined,fuzzer-no-link fuzz-run

fuzz-run: $(FUZZ_SRC:%.c=$(B)/%.o) $(if $(CLIENT_SRC),$(B)/libclient.a) $(if $(DAEMON_SRC),$(B)/libdaemon.a) $(B)/libproto.a
	$(PYTHON) tests/fuzz/run.py --build $(B) --seconds $(FUZZ_S) $(if $(ONLY),--only $(ONLY)) --libs "$(CLIENT_LIBS) $(DAEMON_LIBS) $(PROTO_LIBS)"

bench: $(PROGRAMS) $(TOOL_BIN)
	$(PYTHON) tests/bench/run.py --build $(B) --size $(if $(QUICK),quick,full)

# The same job in PostgreSQL; not part of any check.
bench-peer: $(PROGRAMS) $(TOOL_BIN)
	@sh tests/deps.sh postgresql
	$(PYTHON) tests/bench/peer.py --build $(B) $(if $(QUICK),--quick)

lint: $(PROGRAMS) $(B)/gen/proto/subsidy.pb-c.h
	@$(PYTHON) tests/lint/lint.py --build $(B) --cflags "$(CFLAGS)"

format:
	clang-format -i $(PROTO_SRC) $(DAEMON_SRC) $(CLIENT_SRC) $(UNIT_SRC) $(wildcard */*.h tests/*/*.h tests/*/*.c)

demo: $(PROGRAMS)
	@$(PYTHON) tests/demo.py --build $(B) $(if $(ONCE),--once) $(if $(DEMO_DIR),--dir $(DEMO_DIR))

deps:
	@sh tests/deps.sh

install: all
	install -D -m 755 $(B)/subsidyd $(DESTDIR)$(PREFIX)/sbin/subsidyd
	install -D -m 755 $(B)/subsidy $(DESTDIR)$(PREFIX)/bin/subsidy
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man1 client/*.1
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man5 daemon/*.5
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man7 proto/*.7
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man8 daemon/*.8
	install -D -m 644 client/subsidy.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/subsidy
	ln -sf subsidy $(DESTDIR)$(PREFIX)/share/bash-completion/completions/subsidyd
	install -d $(DESTDIR)$(PREFIX)/share/doc/subsidyd $(DESTDIR)$(PREFIX)/lib/systemd/system
	install -m 644 README.md proto/FORMAT.md systemd/subsidyd.conf $(DESTDIR)$(PREFIX)/share/doc/subsidyd
	install -m 644 systemd/*.socket systemd/*.service $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed -i 's#/usr/local/#$(PREFIX)/#g' $(DESTDIR)$(PREFIX)/lib/systemd/system/*.service

clean:
	rm -rf build

.PHONY: all help tests check soak check-asan check-tsan fuzz fuzz-run bench bench-peer lint format demo deps install clean
