/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft-switch's command line and configuration file.
 *
 * One table of options serves both: a key in the YAML file is an option without its dashes, options
 * that may be repeated take a list.  What the command line says wins over the file.  main() only.
 */
#ifndef WEFT_DATAPATH_OPTIONS_H
#define WEFT_DATAPATH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "datapath/options_ct.h"
#include "datapath/port.h"

enum { OPT_LIST_MAX = 1200 };

struct opt_list {
	unsigned int n;
	const char *v[OPT_LIST_MAX];
};

/* --port NAME[@OFPORT]=SPEC */
struct opt_port {
	char name[PORT_NAME_MAX + 1];
	uint32_t no; /* 0: any */
	struct port_spec spec;
};

struct options {
	const char *name, *host_id, *socket, *pmd_cores, *config, *log;
	const char *private_key, *certificate, *ca_cert;
	uint64_t dpid;
	bool has_dpid, standalone, ct_liberal, help, version;
	uint32_t cache_entries, max_flows, ct_max, mbufs, memory;
	uint32_t packet_buffers;
	uint32_t packet_in_rate, packet_in_burst;
	bool has_rate;
	struct opt_list controllers, listeners, ports, ct_zones, ipfix;
	struct ct_zone_start *ct_starts; /* of ct_zones, ct_zones.n */
	char *const *eal_args;
	int n_eal_args;
	/* Private: what the texts above point to. */
	char **texts;
	unsigned int n_texts;
};

/* Defaults, then the file, then the arguments; 0 or -errno with words. */
int options_parse(struct options *o, int argc, char **argv, struct err *e);
void options_fini(struct options *o);
void options_usage(void);

/* Sets one option by its name without dashes; for the file's reader. */
int options_set(struct options *o, const char *name, const char *value, struct err *e);
/* Whether 'name' is an option that may be repeated; -ENOENT: there is none of this name. */
int options_repeats(const char *name);
/* Reads 'path' (options_file.c). */
int options_file(struct options *o, const char *path, struct err *e);

int opt_port_parse(const char *text, struct opt_port *out, struct err *e);

#endif
