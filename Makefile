# SPDX-License-Identifier: Apache-2.0
# Weft: every entry point.  `make help` lists them.

B      ?= build
CC     ?= gcc
ifeq ($(origin CC),default)
CC     := gcc
endif
PREFIX ?= /usr/local
PYTHON ?= /usr/bin/python3
# Sanitizers: each in a build directory of its own (check-asan and friends).
ifdef ASAN
SAN    := -fsanitize=address,undefined -fno-sanitize-recover=undefined
OPT    := -O1 -g
endif
ifdef TSAN
SAN    := -fsanitize=thread -DRTE_USE_C11_MEM_MODEL
OPT    := -O1 -g
endif
ifdef FUZZ
SAN    := -fsanitize=address,undefined,fuzzer-no-link
OPT    := -O1 -g
endif

# What the libraries' own pkg-config files say; nothing before `make deps`, which comes in a make of its own.
PKGS    := libmicrohttpd libcurl jansson yaml-0.1 sqlite3 gnutls libprotobuf-c libpcap
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lev -lm -lpthread
DPDK_CFLAGS := $(shell pkg-config --cflags libdpdk 2>/dev/null)
DPDK_LIBS   := $(shell pkg-config --libs libdpdk 2>/dev/null) -lrte_net_vhost
# The switch has DPDK in it: as shared libraries, calls and thread-local words cost 15 % of a frame's instructions
# (docs/performance.md).  All drivers of networks; not those of other devices, nor what libpcap alone would need to be in it.
# DPDK=shared, and sanitizers' builds, tests and tools: with the libraries, which load drivers when they start.
DPDK ?= $(if $(SAN),shared,static)
DPDK_OTHERS := librte_(crypto|compress|event|baseband|raw|regex|vdpa|gpu|dma)_|librte_common_qat|IPSec_MB|isal|^-lsystemd|^-ldbus
DPDK_SWITCH_LIBS := $(if $(filter shared,$(DPDK)),$(DPDK_LIBS),$(shell pkg-config --static --libs libdpdk 2>/dev/null | \
	tr ' ' '\n' | grep -vE '$(DPDK_OTHERS)'))

VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
           -Wvla -Wwrite-strings -Wno-unused-parameter -Wno-missing-field-initializers
OPT     ?= -O2 -g
ALL_CFLAGS = -std=gnu17 $(WARN) $(OPT) $(SAN) -I. -I$(B) -D_GNU_SOURCE \
             -fno-strict-aliasing -MMD -MP $(CFLAGS)

# Quiet unless V=1.
Q = $(if $(V),,@echo "  $(if $(filter %.a,$@),AR,CC)   $@";)

# One archive a room; which packages a room may see is part of its layer (tests/lint/layers).
ROOMS     := base ofproto vlan vxlan datapath controller apps cli
DPDK_ROOMS := datapath vlan vxlan bench

# Not in an archive: main.c, and what only a program has.
MAINS     := datapath/main.c datapath/fanout.c controller/main.c cli/ofctl.c cli/weftctl.c
PROTOS    := $(wildcard ofproto/*.proto controller/*.proto)
PROTO_C   := $(PROTOS:%.proto=$(B)/%.pb-c.c)

room_srcs  = $(filter-out $(MAINS),$(wildcard $(1)/*.c))
room_objs  = $(patsubst %.c,$(B)/%.o,$(call room_srcs,$(1))) \
             $(patsubst %.proto,$(B)/%.pb-c.o,$(wildcard $(1)/*.proto))

PROGRAMS := $(B)/weft-switch $(B)/weft-controller $(B)/weft-ofctl $(B)/weftctl

all: $(PROGRAMS) ## Build the four programs into build/

help: ## List these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

# ---- compile ----

$(B)/%.pb-c.c $(B)/%.pb-c.h: %.proto
	@mkdir -p $(@D)
	$(Q)protoc-c --c_out=$(B) $<

$(B)/%.o: %.c | protos
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(if $(filter $(firstword $(subst /, ,$*)),$(DPDK_ROOMS)),$(DPDK_CFLAGS)) \
		$(PKG_CFLAGS) -c -o $@ $<

# The version stands in one object, made again when it changes.
$(B)/version: FORCE
	@mkdir -p $(@D)
	@echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' > $@
$(B)/base/version.o: $(B)/version
$(B)/base/version.o: ALL_CFLAGS += -DWEFT_VERSION='"$(VERSION)"'
FORCE:

$(B)/%.pb-c.o: $(B)/%.pb-c.c
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

protos: $(PROTO_C)

define room_archive
$(B)/lib$(1).a: $(call room_objs,$(1))
	@rm -f $$@
	$$(Q)ar rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room_archive,$(r))))

lib = $(foreach r,$(1),$(B)/lib$(r).a)

SWITCH_LIBS     := $(call lib,datapath vxlan vlan ofproto base)
CONTROLLER_LIBS := $(call lib,controller apps vxlan vlan ofproto base)
CLI_LIBS        := $(call lib,cli ofproto base)

LINK = @echo "  LD   $@"; $(CC) $(OPT) $(SAN) $(LDFLAGS) -o $@ $(filter %.o,$^) \
       -Wl,--start-group $(filter %.a,$^) -Wl,--end-group

# setsockopt: see datapath/fanout.c.
$(B)/weft-switch: $(B)/datapath/main.o $(B)/datapath/fanout.o $(SWITCH_LIBS)
	$(LINK) -Wl,--export-dynamic-symbol=setsockopt $(DPDK_SWITCH_LIBS) $(PKG_LIBS)
$(B)/weft-controller: $(B)/controller/main.o $(CONTROLLER_LIBS)
	$(LINK) $(PKG_LIBS)
$(B)/weft-ofctl: $(B)/cli/ofctl.o $(CLI_LIBS)
	$(LINK) $(PKG_LIBS)
$(B)/weftctl: $(B)/cli/weftctl.o $(CLI_LIBS)
	$(LINK) $(PKG_LIBS)

# ---- tests: each prints what it checked and ends with "N passed, N failed"; tests/run sums them up ----

UNIT_SRCS := $(wildcard tests/unit/*.c)
UNITS     := $(UNIT_SRCS:tests/unit/%.c=$(B)/tests/unit/%)
FUZZ_SRCS := $(wildcard tests/fuzz/fuzz_*.c)
SYS       := $(wildcard tests/sys/*.sh tests/sys/*.py)
CONFORM   := $(wildcard tests/conform/*.sh tests/conform/*.py)
E2E       := $(wildcard tests/e2e/*.sh tests/e2e/*.py)
JOBS      ?= 2

# In `make check` these run under ASan alone, the others in both builds.  They are long (350 s of 480 s), wait for packets,
# timers or Keystone for most of that, and claim nothing of speed; whatever they check holds in either build.  The
# optimized build goes the same ways of code end to end in demo*, routers, security_groups, continuity, host_failure,
# path_mtu, router_icmp and controller_*, and with tests/sys.  check-e2e and check-asan run all.
ASAN_ALONE := $(patsubst %,tests/e2e/%,keystone.py random_life.py tenant_day.sh projects.sh controllers.sh networks.sh shared_addresses.sh \
	bridge.sh stations.sh address_scopes.sh addresses.sh ports.sh floating_ips.sh)

# Tests that mostly wait: less than a fifth of a processor by "cpu" of tests/run and vmstat, and no bound on a rate or a
# time that a neighbour could break.  Two of them take the place of one (tests/run --light).
LIGHT := $(filter-out tests/e2e/keystone.py tests/e2e/random_life.py tests/e2e/projects.sh,$(E2E)) \
	$(patsubst %,tests/sys/%,agent_events.py answer_clients.sh answer_odd.sh learn.sh switch_frags.sh ct_hosts.py ct_helpers.py ct_actions.py \
	controller_stations.py flow_monitor.sh pipes_neutron.py pipes_ovn.py pipes_services.py)

# os-ken's tester sends by itself and judges the rate that arrives: nobody beside it.
ALONE := tests/conform/stock_tester.py

# Those of more than 20 s begin first, so that none runs alone in the end.
LONG  := $(patsubst %,tests/%,e2e/keystone.py e2e/random_life.py sys/pause_resume.sh sys/agent_events.py conform/switch_patterns.py \
	e2e/tenant_day.sh e2e/projects.sh e2e/security_groups.sh e2e/controllers.sh lint/all e2e/networks.sh conform/four_pairs.py sys/meters.sh \
	e2e/shared_addresses.sh e2e/bridge.sh sys/ct_attacks.py sys/rest_clients.py sys/rest_any_input.py e2e/host_failure.sh)
long_first = $(filter $(1),$(LONG)) $(filter-out $(LONG),$(1))

$(B)/tests/%.o: tests/%.c | protos
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(DPDK_CFLAGS) $(PKG_CFLAGS) -c -o $@ $<

$(B)/tests/%: $(B)/tests/%.o $(call lib,datapath controller apps vxlan vlan cli ofproto base)
	$(LINK) $(DPDK_LIBS) $(PKG_LIBS) -lcmocka

tests: $(UNITS) $(TOOLS) ## Build the unit tests

# What builds first builds on all processors, but when `make -jN` has said on how many.
PARALLEL = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

RUN_TESTS = B=$(B) CHECK=1 $(PYTHON) tests/run -j $(JOBS) --logs $(B)/log --light "$(LIGHT)" --alone "$(ALONE)"

check: deps ## Install, build, run every test that needs no special machine
	+$(MAKE) $(PARALLEL) all tests
	+$(MAKE) $(PARALLEL) B=$(B)-asan ASAN=1 all tests
	$(RUN_TESTS) $(call long_first,$(SYS) $(CONFORM) $(filter-out $(ASAN_ALONE),$(E2E)) tests/lint/all) \
		-- B=$(B)-asan $(call long_first,$(SYS) $(E2E)) $(UNITS:$(B)/%=$(B)-asan/%) -- $(UNITS)

check-unit: all tests ## Unit tests alone
	$(RUN_TESTS) $(UNITS)
check-sys: all ## System tests: namespaces, real frames
	$(RUN_TESTS) $(SYS)
check-conform: all tests ## Against other implementations and the corpora
	$(RUN_TESTS) $(CONFORM)
# The patterns whole, then the page from all logs.
conformance: all tests ## Write docs/conformance.md from a run
	-WEFT_CONFORM=all $(RUN_TESTS) tests/conform/switch_patterns.py
	-$(RUN_TESTS) $(UNITS) $(SYS) $(filter-out tests/conform/switch_patterns.py,$(CONFORM))
	B=$(B) $(PYTHON) tests/conform/lib/conformance_page.py --write
check-e2e: all ## Controller and switches together
	$(RUN_TESTS) $(E2E)

check-asan: ## Unit and system tests under AddressSanitizer and UBSan
	+$(MAKE) $(PARALLEL) B=$(B)-asan ASAN=1 all tests
	B=$(B)-asan CHECK=1 $(PYTHON) tests/run -j $(JOBS) --logs $(B)-asan/log --light "$(LIGHT)" \
		$(call long_first,$(SYS) $(E2E)) $(UNITS:$(B)/%=$(B)-asan/%)

# Those that have threads; and the switch itself, with ports, flows and garbage coming and going.
TSAN_TESTS := $(addprefix $(B)-tsan/tests/unit/,datapath_barrier datapath_bundle datapath_change datapath_cls_hash datapath_doze datapath_pmd datapath_normal datapath_port \
	datapath_ct_threads datapath_ct_race datapath_ct_nat_threads datapath_group datapath_meter datapath_meter_rate controller_store \
	session_pair) \
	tests/sys/switch_ports.sh tests/sys/switch_queues.sh tests/sys/soak.sh tests/e2e/demo.sh
check-tsan: ## Tests of threads under ThreadSanitizer
	+$(MAKE) $(PARALLEL) B=$(B)-tsan TSAN=1 all tests
	B=$(B)-tsan CHECK=1 TSAN_OPTIONS="halt_on_error=1 suppressions=$(CURDIR)/tests/tsan.supp" \
		$(PYTHON) tests/run -j $(JOBS) --logs $(B)-tsan/log $(TSAN_TESTS)

# libFuzzer; SECONDS each.
SECONDS ?= 60
check-fuzz: ## Fuzz every target for a minute
	+$(MAKE) $(PARALLEL) B=$(B)-fuzz CC=clang FUZZ=1 fuzzers
	B=$(B)-fuzz $(PYTHON) tests/run -j $(JOBS) --logs $(B)-fuzz/log \
		$(FUZZ_SRCS:tests/fuzz/%.c=tests/fuzz/run:%:$(SECONDS))

check-seeds: all tests ## Tests that draw at random, with fresh seeds, SECONDS each
	B=$(B) tests/seeds $(SECONDS)

FUZZERS := $(FUZZ_SRCS:tests/fuzz/%.c=$(B)/fuzz/%)
fuzzers: $(FUZZERS)
$(B)/fuzz/%: $(B)/tests/fuzz/%.o $(call lib,datapath controller apps vxlan vlan cli ofproto base)
	@mkdir -p $(@D)
	$(LINK) -fsanitize=fuzzer $(DPDK_LIBS) $(PKG_LIBS)

lint: all ## Format, layers, thread roles, manuals and documents against the sources
	B=$(B) tests/lint/all

# ---- for users ----

DEPS := $(shell sed 's/\#.*//' packages)
# Packages that are only tested with start no service: ovs-testcontroller would sit on port 6653.
deps: ## Install what is needed from Debian's packages (as root)
	@missing=$$(dpkg-query -W -f '$${db:Status-Status} $${Package}\n' $(DEPS) 2>/dev/null | \
		sed -n 's/^installed //p' | sort > $(TMPLIST); \
		printf '%s\n' $(DEPS) | sort | comm -23 - $(TMPLIST); rm -f $(TMPLIST)); \
	if [ -n "$$missing" ]; then \
		echo "installing:" $$missing; \
		policy=/usr/sbin/policy-rc.d; \
		[ -e $$policy ] || { printf '#!/bin/sh\nexit 101\n' > $$policy; chmod 755 $$policy; trap "rm -f $$policy" EXIT; }; \
		apt-get update -q && \
		DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing; \
	fi
TMPLIST := $(shell mktemp -u)

demo: deps ## The product in a minute; CHECK=1 runs it to the end
	+$(MAKE) all
	@B=$(B) CHECK=$(CHECK) tests/e2e/demo.sh

BENCH_TOOLS := $(patsubst bench/%.c,$(B)/bench/%,$(wildcard bench/*.c))
$(B)/bench/%: $(B)/bench/%.o
	$(LINK) $(DPDK_LIBS)
# Of the switch's own parts, without a switch.
$(B)/bench/ct_%: $(B)/bench/ct_%.o $(SWITCH_LIBS)
	$(LINK) $(DPDK_LIBS) $(PKG_LIBS)

$(B)/bench/acl_alone: $(B)/bench/acl_alone.o $(SWITCH_LIBS)
	$(LINK) $(DPDK_LIBS) $(PKG_LIBS)

# Emulated switches, for the controller.
$(B)/bench/fleet: $(B)/bench/fleet.o $(CONTROLLER_LIBS)
	$(LINK) $(PKG_LIBS)

bench: deps all $(BENCH_TOOLS) ## Measure, write bench/results/; SCENARIO=acl10k for one
	B=$(B) bench/run
bench-control: all $(B)/bench/fleet $(B)/bench/packet_in ## Measure the control plane: emulated switches, up to 500 of them and 10,000 ports; into bench/results/
	B=$(B) bench/run --no-install control packet_in
bench-short: deps all $(BENCH_TOOLS) ## The same once and briefly, 6 to 8 minutes, into build/bench/
	B=$(B) bench/run --short

cov: ## Line coverage of the unit and system tests
	+$(MAKE) B=$(B)-cov OPT="-O0 -g --coverage" all tests
	B=$(B)-cov CHECK=1 $(PYTHON) tests/run -j $(JOBS) --logs $(B)-cov/log $(UNITS:$(B)/%=$(B)-cov/%) $(SYS) $(E2E)
	gcovr -r . --object-directory $(B)-cov --exclude tests --exclude $(B) | tee $(B)-cov/coverage.txt

MAN := docs/weft-switch.8 docs/weft-controller.8 docs/weft-ofctl.8 docs/weftctl.8
docs: protos ## Write the expanded wire structures to build/; check the man pages
	@mkdir -p $(B)
	$(CC) -std=gnu17 -I. -I$(B) -E -P ofproto/wire.h | clang-format > $(B)/wire-expanded.h
	mandoc -T lint -W warning $(MAN)

DESTDIR ?=
install: all ## Install into $(DESTDIR)$(PREFIX)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/share/man/man8
	install -m 755 $(B)/weft-switch $(B)/weft-controller $(DESTDIR)$(PREFIX)/sbin
	install -m 755 $(B)/weft-ofctl $(B)/weftctl $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(MAN) $(DESTDIR)$(PREFIX)/share/man/man8
	install -d $(DESTDIR)$(PREFIX)/share/doc/weft/docs
	install -m 644 README.md LICENSE $(DESTDIR)$(PREFIX)/share/doc/weft
	install -m 644 docs/*.md docs/*.svg $(DESTDIR)$(PREFIX)/share/doc/weft/docs

DEBVER = $(shell git describe --tags 2>/dev/null | sed 's/^v//' | grep . || echo 0~git$(VERSION))
deb: ## A Debian package in build/
	rm -rf $(B)/deb && $(MAKE) install DESTDIR=$(B)/deb PREFIX=/usr
	install -d $(B)/deb/DEBIAN
	install -m 644 LICENSE $(B)/deb/usr/share/doc/weft/copyright
	printf 'Package: weft\nVersion: %s\nArchitecture: %s\nSection: net\nPriority: optional\nMaintainer: The Weft authors <weft@localhost>\nDepends: %s\nDescription: software-defined network for many tenants on shared hosts\n' \
		"$(DEBVER)" "$$(dpkg --print-architecture)" \
		"$$(packaging/depends $(PROGRAMS))" > $(B)/deb/DEBIAN/control
	dpkg-deb --root-owner-group --build $(B)/deb $(B)/weft_$(DEBVER)_$$(dpkg --print-architecture).deb

clean: ## Remove what was built
	rm -rf $(B) $(B)-asan $(B)-tsan $(B)-fuzz $(B)-cov

.PHONY: FORCE all help protos tests check check-unit check-sys check-conform conformance check-e2e check-asan check-tsan \
        check-fuzz check-seeds fuzzers lint deps demo bench bench-control bench-short cov docs install deb clean
.SECONDARY:

-include $(shell find $(B) -name '*.d' 2>/dev/null)
