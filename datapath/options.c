/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "datapath/ct.h"
#include "datapath/ipfix.h"
#include "datapath/pktbuf.h"

enum kind { TEXT, LIST, NUMBER, FLAG, DPID, FAIL_MODE, OFF_ON, RATE };

/* In the order of --help. */
static const struct option_row {
	const char *name;
	enum kind kind;
	size_t at; /* in struct options */
	uint32_t min, max;
	const char *arg, *help;
} rows[] = {
#define AT(member) offsetof(struct options, member)
	{ "name", TEXT, AT(name), 0, 0, "NAME", "the switch's name (br0)" },
	{ "dpid", DPID, AT(dpid), 0, 0, "HEX",
	  "datapath id, 1 to 16 hexadecimal digits (made from host and name)" },
	{ "controller", LIST, AT(controllers), 0, 0, "TARGET",
	  "connect to tcp:HOST:PORT or ssl:HOST:PORT, perhaps with ;aux=N; may be repeated" },
	{ "listen", LIST, AT(listeners), 0, 0, "TARGET",
	  "accept on ptcp:PORT[:ADDR], pssl:PORT[:ADDR] or punix:PATH; may be repeated" },
	{ "port", LIST, AT(ports), 0, 0, "NAME[@NUMBER]=SPEC",
	  "add a port; NUMBER may be LOCAL; may be repeated" },
	{ "socket", TEXT, AT(socket), 0, 0, "PATH", "management socket (/run/weft/NAME.sock)" },
	{ "pmd-cores", TEXT, AT(pmd_cores), 0, 0, "LIST",
	  "cores of the packet threads, as 1,3-5 (one thread, on any core)" },
	{ "fail-mode", FAIL_MODE, AT(standalone), 0, 0, "secure|standalone",
	  "without a controller: keep to the flows (secure), or be a learning switch" },
	{ "config", TEXT, AT(config), 0, 0, "FILE", "YAML file with these options as keys" },
	{ "log", TEXT, AT(log), 0, 0, "LEVEL", "error, warn, info or debug (info)" },
	{ "host-id", TEXT, AT(host_id), 0, 0, "ID",
	  "what the controller calls this host (host name)" },
	{ "private-key", TEXT, AT(private_key), 0, 0, "FILE", "PEM, for ssl: and pssl:" },
	{ "certificate", TEXT, AT(certificate), 0, 0, "FILE", "PEM, of this switch" },
	{ "ca-cert", TEXT, AT(ca_cert), 0, 0, "FILE", "PEM, whom to trust" },
	{ "cache-entries", NUMBER, AT(cache_entries), 0, 1u << 22, "N",
	  "flow cache of each packet thread, a power of two; 0: off (262144)" },
	{ "max-flows", NUMBER, AT(max_flows), 1, 16000000, "N",
	  "flows in one table at most (1000000)" },
	{ "ct-max-connections", NUMBER, AT(ct_max), 1, CT_LIMIT_MAX, "N",
	  "connections that are tracked at most (1048576)" },
	{ "ct-tcp-seq-chk", OFF_ON, AT(ct_liberal), 0, 0, "on|off",
	  "whether TCP's sequence numbers are judged (on)" },
	{ "ct-zone", LIST, AT(ct_zones), 0, 0, "ZONE:NAME=N,...",
	  "limit and timeouts of a zone, or of \"default\"; may be repeated" },
	{ "ipfix", LIST, AT(ipfix), 0, 0, "ID=HOST:PORT,...",
	  "collectors of what sample(collector_set_id=ID) draws; may be repeated" },
	{ "mbufs", NUMBER, AT(mbufs), 1024, 16000000, "N", "packet buffers (8192)" },
	{ "memory", NUMBER, AT(memory), 64, 1000000, "MB",
	  "memory that DPDK may use when there are no hugepages (512)" },
	{ "packet-in-rate", RATE, AT(packet_in_rate), 0, 10000000, "N[,BURST]",
	  "packet-ins a second for each port and reason; 0: no limit (10000,1000)" },
	{ "packet-buffers", NUMBER, AT(packet_buffers), 0, PKTBUF_MAX, "N",
	  "packets kept for each controller that is sent a part; 0: send them whole (256)" },
	{ "help", FLAG, AT(help), 0, 0, NULL, "print this" },
	{ "version", FLAG, AT(version), 0, 0, NULL, "print the versions of Weft and DPDK" },
#undef AT
};

enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

void options_usage(void)
{
	char left[64];

	printf("usage: weft-switch [OPTIONS] [-- EAL ARGUMENTS]\n\n"
	       "An OpenFlow 1.3 switch in user space, on DPDK.\n\n");
	for (int i = 0; i < N_ROWS; i++) {
		snprintf(left, sizeof(left), "--%s%s%s", rows[i].name, rows[i].arg ? " " : "",
			 rows[i].arg ? rows[i].arg : "");
		printf("  %-30s %s\n", left, rows[i].help);
	}
	printf("\nSPEC: vdev:ARGS  dpdk:PCI  af_packet:IFNAME  af_xdp:IFNAME  tap:IFNAME\n"
	       "      vhost-user:PATH[,server]\n"
	       "      vxlan:local=IP[/LEN],uplink=PORT[,remote=IP|flow][,vni=N|flow][,dport=N]\n"
	       "            [,gateway=IP][,vlan=N]\n"
	       "      then, after a semicolon: "
	       "iface-id=ID,physnet=NAME,owner=NAME,vlan-mode=MODE,tag=N,\n"
	       "      trunks=A-B+C,priority-tags=WHEN,mtu=N,queues=N,speed=RATE,\n"
	       "      queue=ID[:min=RATE][:max=RATE][:len=N]\n\n"
	       "See weft-switch(8).\n");
}

static const struct option_row *row_find(const char *name)
{
	for (int i = 0; i < N_ROWS; i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}

int options_repeats(const char *name)
{
	const struct option_row *r = row_find(name);

	return r ? r->kind == LIST : -ENOENT;
}

/* ---- Values ---- */

static const char *keep(struct options *o, const char *text)
{
	char **v = realloc(o->texts, (o->n_texts + 1) * sizeof(*v));

	if (!v)
		return NULL;
	o->texts = v;
	v[o->n_texts] = strdup(text);
	return v[o->n_texts] ? v[o->n_texts++] : NULL;
}

static int set_number(const struct option_row *r, const char *v, uint32_t *out, struct err *e)
{
	char *end;
	unsigned long n = strtoul(v, &end, 10);

	if (*v < '0' || *v > '9' || *end || n < r->min || n > r->max)
		return err_set(e, -EINVAL, "%s '%s': a number from %u to %u is right", r->name, v,
			       r->min, r->max);
	*out = (uint32_t)n;
	return 0;
}

static int set_dpid(struct options *o, const char *v, struct err *e)
{
	const char *s = !strncmp(v, "0x", 2) ? v + 2 : v;
	char *end;

	o->dpid = strtoull(s, &end, 16);
	o->has_dpid = true;
	if (!strspn(s, "0123456789abcdefABCDEF") || *end || end - s > 16 || !o->dpid)
		return err_set(e, -EINVAL,
			       "dpid '%s': 1 to 16 hexadecimal digits, not all zero, are right", v);
	return 0;
}

static int set_rate(struct options *o, const struct option_row *r, const char *v, struct err *e)
{
	char copy[32];
	char *comma;
	int rc;

	snprintf(copy, sizeof(copy), "%s", v);
	comma = strchr(copy, ',');
	if (comma)
		*comma++ = 0;
	rc = set_number(r, copy, &o->packet_in_rate, e);
	o->packet_in_burst = o->packet_in_rate / 10 + 1;
	if (!rc && comma)
		rc = set_number(r, comma, &o->packet_in_burst, e);
	o->has_rate = true;
	return rc;
}

int options_set(struct options *o, const char *name, const char *value, struct err *e)
{
	const struct option_row *r = row_find(name);
	struct opt_list *l;
	const char *text;
	char *at;

	if (!r)
		return err_set(e, -EINVAL, "there is no option '%s'; --help lists them", name);
	at = (char *)o + r->at;
	switch (r->kind) {
	case FLAG:
		*(bool *)at = true;
		return 0;
	case NUMBER:
		return set_number(r, value, (uint32_t *)at, e);
	case DPID:
		return set_dpid(o, value, e);
	case RATE:
		return set_rate(o, r, value, e);
	case FAIL_MODE:
		o->standalone = !strcmp(value, "standalone");
		if (o->standalone || !strcmp(value, "secure"))
			return 0;
		return err_set(e, -EINVAL, "fail-mode '%s': secure or standalone is right", value);
	case OFF_ON:
		*(bool *)at = !strcmp(value, "off");
		if (*(bool *)at || !strcmp(value, "on"))
			return 0;
		return err_set(e, -EINVAL, "%s '%s': on or off is right", name, value);
	case TEXT:
	case LIST:
		break;
	}
	text = keep(o, value);
	if (!text)
		return err_set(e, -ENOMEM, "no memory");
	if (r->kind == TEXT) {
		*(const char **)at = text;
		return 0;
	}
	l = (struct opt_list *)at;
	if (l->n == OPT_LIST_MAX)
		return err_set(e, -E2BIG, "%s is given more than %d times", name, OPT_LIST_MAX);
	l->v[l->n++] = text;
	return 0;
}

/* ---- The command line ---- */

/* One "--name value", "--name=value" or "--flag" at argv[*i]. */
static int argument(struct options *o, int argc, char **argv, int *i, bool only_config,
		    struct err *e)
{
	const char *a = argv[*i], *eq = strchr(a, '=');
	const char *value = eq ? eq + 1 : NULL;
	const struct option_row *r;
	char name[64];

	if (strncmp(a, "--", 2) || !a[2])
		return err_set(e, -EINVAL, "'%s' is not understood; --help lists the options", a);
	snprintf(name, sizeof(name), "%.*s", eq ? (int)(eq - a - 2) : 60, a + 2);
	r = row_find(name);
	if (!r)
		return err_set(e, -EINVAL, "there is no option '%.60s'; --help lists them", a);
	if (r->kind == FLAG && value)
		return err_set(e, -EINVAL, "--%s takes no value", name);
	if (r->kind != FLAG && !value) {
		if (*i + 1 >= argc)
			return err_set(e, -EINVAL, "--%s needs a value: %s", name, r->arg);
		value = argv[++*i];
	}
	if (only_config && strcmp(name, "config"))
		return 0;
	return options_set(o, name, value, e);
}

static int arguments(struct options *o, int argc, char **argv, bool only_config, struct err *e)
{
	for (int i = 1; i < argc; i++) {
		int rc;

		if (!strcmp(argv[i], "--")) {
			o->eal_args = argv + i + 1;
			o->n_eal_args = argc - i - 1;
			break;
		}
		rc = argument(o, argc, argv, &i, only_config, e);
		if (rc)
			return rc;
	}
	return 0;
}

/* From what tells this switch from others: the machine, the host and the name. */
static uint64_t default_dpid(const struct options *o)
{
	uint64_t h = 0xcbf29ce484222325; /* FNV-1a */
	char text[512] = "", line[64] = "";
	FILE *f = fopen("/etc/machine-id", "re");

	if (f) {
		if (!fgets(line, sizeof(line), f))
			line[0] = 0;
		fclose(f);
	}
	snprintf(text, sizeof(text), "%s/%s/%s", line, o->host_id, o->name);
	for (const char *s = text; *s; s++)
		h = (h ^ (uint8_t)*s) * 0x100000001b3;
	/* The lower 48 bits are a MAC address (6.2): a local one, of one host. */
	return (h & 0xfcffffffffff) | 0x020000000000;
}

static int check_zones(struct options *o, struct err *e)
{
	o->ct_starts = calloc(o->ct_zones.n + 1, sizeof(*o->ct_starts));
	if (!o->ct_starts)
		return err_set(e, -ENOMEM, "no memory");
	for (unsigned int i = 0; i < o->ct_zones.n; i++) {
		struct ct_zone_start *z = &o->ct_starts[i];
		const int rc = ct_zone_start_parse(o->ct_zones.v[i], z, e);

		if (rc)
			return rc;
		for (unsigned int k = 0; k < i; k++)
			if (z->all == o->ct_starts[k].all && z->zone == o->ct_starts[k].zone)
				return err_set(e, -EINVAL,
					       "ct-zone '%s': this zone was said before, as '%s'",
					       o->ct_zones.v[i], o->ct_zones.v[k]);
	}
	return 0;
}

static int check(struct options *o, struct err *e)
{
	struct opt_port p;

	if (!*o->name || strlen(o->name) > 31 || strchr(o->name, '/'))
		return err_set(e, -EINVAL, "name '%s': 1 to 31 characters, no slash, are right",
			       o->name);
	if (o->cache_entries & (o->cache_entries - 1))
		return err_set(e, -EINVAL, "cache-entries %u: a power of two is right",
			       o->cache_entries);
	for (unsigned int i = 0; i < o->ipfix.n; i++) {
		struct ipfix_spec s;
		int rc = ipfix_spec_parse(o->ipfix.v[i], &s, e);

		if (rc)
			return rc;
	}
	for (unsigned int i = 0; i < o->ports.n; i++) {
		int rc = opt_port_parse(o->ports.v[i], &p, e);

		if (rc)
			return rc;
	}
	return check_zones(o, e);
}

int options_parse(struct options *o, int argc, char **argv, struct err *e)
{
	char host[256] = "localhost";
	int rc;

	memset(o, 0, sizeof(*o));
	gethostname(host, sizeof(host) - 1);
	o->name = "br0";
	o->log = "info";
	o->cache_entries = 262144;
	o->packet_buffers = 256;
	o->host_id = keep(o, host);
	if (!o->host_id)
		return err_set(e, -ENOMEM, "no memory");
	rc = arguments(o, argc, argv, true, e);
	if (!rc && o->config)
		rc = options_file(o, o->config, e);
	if (!rc)
		rc = arguments(o, argc, argv, false, e);
	if (!rc && !o->help && !o->version)
		rc = check(o, e);
	if (!rc && !o->has_dpid)
		o->dpid = default_dpid(o);
	return rc;
}

void options_fini(struct options *o)
{
	for (unsigned int i = 0; i < o->n_texts; i++)
		free(o->texts[i]);
	free(o->texts);
	free(o->ct_starts);
}

/* ---- NAME[@OFPORT]=SPEC ---- */

int opt_port_parse(const char *text, struct opt_port *out, struct err *e)
{
	const char *eq = strchr(text, '=');
	const char *at = eq ? memchr(text, '@', (size_t)(eq - text)) : NULL;
	size_t n = (size_t)((at ? at : eq) - text);
	char *end;
	int rc;

	memset(out, 0, sizeof(*out));
	if (!eq)
		return err_set(e, -EINVAL, "port '%s': NAME=SPEC is right, as eth1=af_packet:eth1",
			       text);
	if (!n || n > PORT_NAME_MAX)
		return err_set(e, -EINVAL, "port '%s': a name of 1 to %d characters is right", text,
			       PORT_NAME_MAX);
	memcpy(out->name, text, n);
	if (at && !strncmp(at + 1, "LOCAL=", 6)) {
		out->no = OFPP_LOCAL;
	} else if (at) {
		unsigned long no = strtoul(at + 1, &end, 10);

		if (end != eq || at[1] < '0' || at[1] > '9' || !no || no > PORT_LAST)
			return err_set(e, -EINVAL,
				       "port '%s': after the @ a number from 1 to %u, or LOCAL, "
				       "is right",
				       text, PORT_LAST);
		out->no = (uint32_t)no;
	}
	rc = port_spec_parse(eq + 1, &out->spec, e);
	return rc ? err_wrap(e, rc, "port '%s'", out->name) : 0;
}
