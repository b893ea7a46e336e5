# SPDX-License-Identifier: Apache-2.0
# Weft: every entry point.  `make help` lists them.

B      ?= build
CC     ?= gcc
ifeq ($(origin CC),default)
CC     := gcc
endif
PREFIX ?= /usr/local
PYTHON ?= /usr/bin/python3
SAN    ?=

# What the libraries' own pkg-config files say; asked for once, when there is something to compile.
PKGS    := libmicrohttpd libcurl jansson yaml-0.1 sqlite3 gnutls libprotobuf-c libpcap
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS))
PKG_LIBS   = $(shell pkg-config --libs $(PKGS)) -lev -lm -lpthread
DPDK_CFLAGS = $(shell pkg-config --cflags libdpdk)
DPDK_LIBS   = $(shell pkg-config --libs libdpdk)

VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
           -Wvla -Wwrite-strings -Wno-unused-parameter -Wno-missing-field-initializers
OPT     ?= -O2 -g
ALL_CFLAGS = -std=gnu17 $(WARN) $(OPT) $(SAN) -I. -I$(B) -D_GNU_SOURCE -DWEFT_VERSION='"$(VERSION)"' \
             -fno-strict-aliasing -MMD -MP $(CFLAGS)

# One archive a room; which packages a room may see is part of its layer (tests/lint/layers).
ROOMS     := base ofproto vlan vxlan datapath controller apps cli
DPDK_ROOMS := datapath vlan vxlan bench

MAINS     := datapath/main.c controller/main.c cli/ofctl.c cli/weftctl.c
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
	protoc-c --c_out=$(B) $<

$(B)/%.o: %.c | protos
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(if $(filter $(firstword $(subst /, ,$*)),$(DPDK_ROOMS)),$(DPDK_CFLAGS)) \
		$(PKG_CFLAGS) -c -o $@ $<

$(B)/%.pb-c.o: $(B)/%.pb-c.c
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

protos: $(PROTO_C)

define room_archive
$(B)/lib$(1).a: $(call room_objs,$(1))
	@rm -f $$@
	ar rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room_archive,$(r))))

lib = $(foreach r,$(1),$(B)/lib$(r).a)

SWITCH_LIBS     := $(call lib,datapath vxlan vlan ofproto base)
CONTROLLER_LIBS := $(call lib,controller apps vxlan vlan ofproto base)
CLI_LIBS        := $(call lib,cli ofproto base)

LINK = $(CC) $(OPT) $(SAN) $(LDFLAGS) -o $@ $(filter %.o,$^) \
       -Wl,--start-group $(filter %.a,$^) -Wl,--end-group

$(B)/weft-switch: $(B)/datapath/main.o $(SWITCH_LIBS)
	$(LINK) $(DPDK_LIBS) $(PKG_LIBS)
$(B)/weft-controller: $(B)/controller/main.o $(CONTROLLER_LIBS)
	$(LINK) $(PKG_LIBS)
$(B)/weft-ofctl: $(B)/cli/ofctl.o $(CLI_LIBS)
	$(LINK) $(PKG_LIBS)
$(B)/weftctl: $(B)/cli/weftctl.o $(CLI_LIBS)
	$(LINK) $(PKG_LIBS)

# ---- unit tests: tests/unit/NAME.c is one cmocka program, linked with every room ----

UNIT_SRCS := $(wildcard tests/unit/*.c)
UNITS     := $(UNIT_SRCS:tests/unit/%.c=$(B)/tests/unit/%)

$(B)/tests/%.o: tests/%.c | protos
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(DPDK_CFLAGS) $(PKG_CFLAGS) -c -o $@ $<

$(B)/tests/unit/%: $(B)/tests/unit/%.o $(call lib,datapath controller apps vxlan vlan cli ofproto base)
	$(LINK) $(DPDK_LIBS) $(PKG_LIBS) -lcmocka

units: $(UNITS) ## Build the unit tests

.PHONY: all help protos units
.SECONDARY:

-include $(shell find $(B) -name '*.d' 2>/dev/null)
