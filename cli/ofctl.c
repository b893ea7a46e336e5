/* SPDX-License-Identifier: Apache-2.0 */
/* weft-ofctl: OpenFlow 1.3 from the command line, with ovs-ofctl's commands and words. */
#include "cli/ofctl.h"

#include <ctype.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/version.h"

struct ofctl_options ofctl_options = { .stats = true, .packet_in_format = -1 };

static const struct ofctl_command commands[] = {
	{ "show", "SWITCH", "what the switch is, its ports, its configuration", 1, 1, false,
	  ofctl_show },
	{ "dump-desc", "SWITCH", "who made the switch", 1, 1, false, ofctl_dump_desc },
	{ "dump-tables", "SWITCH", "table statistics", 1, 1, false, ofctl_dump_tables },
	{ "dump-table-features", "SWITCH", "what each table can match and do", 1, 1, false,
	  ofctl_dump_table_features },
	{ "dump-table-desc", "SWITCH", "eviction and vacancy events of each table", 1, 1, false,
	  ofctl_dump_table_desc },
	{ "mod-table", "SWITCH TABLE SETTING",
	  "evict, noevict, vacancy:LOW,HIGH, novacancy, name:NEW", 3, 3, true, ofctl_mod_table },
	{ "table-features", "SWITCH TABLE CHANGE...",
	  "name=, max_entries=, match=, wildcards=, next=, or remove", 3, 8, true,
	  ofctl_table_features },
	{ "dump-ports", "SWITCH [PORT]", "port statistics", 1, 2, false, ofctl_dump_ports },
	{ "dump-ports-desc", "SWITCH [PORT]", "port descriptions", 1, 2, false,
	  ofctl_dump_ports_desc },
	{ "dump-flows", "SWITCH [FLOW]", "flows that match FLOW", 1, 2, false, ofctl_dump_flows },
	{ "dump-aggregate", "SWITCH [FLOW]", "their number, packets and bytes", 1, 2, false,
	  ofctl_dump_aggregate },
	{ "queue-stats", "SWITCH [PORT [QUEUE]]", "queue statistics", 1, 3, false,
	  ofctl_queue_stats },
	{ "queue-get-config", "SWITCH [PORT [QUEUE]]", "queues and their rates", 1, 3, false,
	  ofctl_queue_get_config },
	{ "add-flow", "SWITCH FLOW", "add a flow", 2, 2, true, ofctl_add_flow },
	{ "add-flows", "SWITCH FILE", "do what FILE's lines say (add, modify, delete ...)", 2, 2,
	  true, ofctl_add_flows },
	{ "mod-flows", "SWITCH FLOW", "change the actions of flows that match", 2, 2, true,
	  ofctl_mod_flows },
	{ "del-flows", "SWITCH [FLOW]", "delete flows that match", 1, 2, true, ofctl_del_flows },
	{ "replace-flows", "SWITCH FILE", "make the switch's flows those of FILE", 2, 2, true,
	  ofctl_replace_flows },
	{ "diff-flows", "SOURCE1 SOURCE2", "compare flows of two switches or files", 2, 2, false,
	  ofctl_diff_flows },
	{ "bundle", "SWITCH FILE", "do all of FILE (flow, group, packet-out) or nothing", 2, 2,
	  true, ofctl_bundle_file },
	{ "dump-groups", "SWITCH [GROUP]", "groups", 1, 2, false, ofctl_dump_groups },
	{ "dump-group-stats", "SWITCH [GROUP]", "group statistics", 1, 2, false,
	  ofctl_dump_group_stats },
	{ "dump-group-features", "SWITCH", "what groups can do", 1, 1, false,
	  ofctl_dump_group_features },
	{ "add-group", "SWITCH GROUP", "add a group", 2, 2, true, ofctl_add_group },
	{ "add-groups", "SWITCH FILE", "add the groups of FILE", 2, 2, true, ofctl_add_groups },
	{ "mod-group", "SWITCH GROUP", "change a group", 2, 2, true, ofctl_mod_group },
	{ "insert-buckets", "SWITCH GROUP", "add buckets to a group", 2, 2, true,
	  ofctl_insert_buckets },
	{ "remove-buckets", "SWITCH GROUP", "remove buckets from a group", 2, 2, true,
	  ofctl_remove_buckets },
	{ "del-groups", "SWITCH [GROUP]", "delete a group, or all", 1, 2, true, ofctl_del_groups },
	{ "dump-meters", "SWITCH [METER]", "meters", 1, 2, false, ofctl_dump_meters },
	{ "meter-stats", "SWITCH [METER]", "meter statistics", 1, 2, false, ofctl_meter_stats },
	{ "meter-features", "SWITCH", "what meters can do", 1, 1, false, ofctl_meter_features },
	{ "add-meter", "SWITCH METER", "add a meter", 2, 2, true, ofctl_add_meter },
	{ "mod-meter", "SWITCH METER", "change a meter", 2, 2, true, ofctl_mod_meter },
	{ "del-meters", "SWITCH [METER]", "delete a meter, or all", 1, 2, true, ofctl_del_meters },
	{ "packet-out", "SWITCH PACKET-OUT", "send a packet: in_port=P packet=HEX actions=A", 2,
	  1000, true, ofctl_packet_out },
	{ "trace", "SWITCH FLOW", "what a packet of these fields meets, table by table", 2, 2,
	  false, ofctl_trace },
	{ "mod-port", "SWITCH PORT ACT", "up, down, [no-]receive, [no-]forward, [no-]packet-in", 3,
	  3, true, ofctl_mod_port },
	{ "get-frags", "SWITCH", "how fragments are handled", 1, 1, false, ofctl_get_frags },
	{ "set-frags", "SWITCH MODE", "normal, drop, reassemble, nx-match", 2, 2, true,
	  ofctl_set_frags },
	{ "dump-conntrack", "SWITCH [zone=N] [TUPLE]", "connections that are tracked", 1, 3, false,
	  ofctl_dump_conntrack },
	{ "flush-conntrack", "SWITCH [zone=N] [TUPLE]", "forget connections", 1, 3, true,
	  ofctl_flush_conntrack },
	{ "ct-stats", "SWITCH [zone=N]", "how many, of what zones, and what was refused", 1, 2,
	  false, ofctl_ct_stats },
	{ "ct-set-limits", "SWITCH [default=N] [zone=N,limit=N]...",
	  "how many connections zones may have", 2, 1000, true, ofctl_ct_set_limits },
	{ "ct-get-limits", "SWITCH [zone=N[,N]...]", "the same as it is", 1, 2, false,
	  ofctl_ct_get_limits },
	{ "ct-del-limits", "SWITCH zone=N[,N]...", "zones have the default limit again", 2, 2, true,
	  ofctl_ct_del_limits },
	{ "ct-set-timeouts", "SWITCH [zone=N] NAME=SECONDS...",
	  "when silent connections end; 0: as by default", 2, 1000, true, ofctl_ct_set_timeouts },
	{ "ct-get-timeouts", "SWITCH [zone=N]", "the same as it is", 1, 2, false,
	  ofctl_ct_get_timeouts },
	{ "ct-set-maxconns", "SWITCH N", "size of the table, before it is made", 2, 2, true,
	  ofctl_ct_set_maxconns },
	{ "ct-get-maxconns", "SWITCH", "the same as it is", 1, 1, false, ofctl_ct_get_maxconns },
	{ "ct-tcp-seq-chk", "SWITCH [on|off]", "whether TCP's sequence numbers are judged", 1, 2,
	  false, ofctl_ct_tcp_seq_chk },
	{ "monitor", "SWITCH [MISSLEN] [invalid_ttl] [resume] [watch:...]",
	  "print what the switch sends", 1, 1000, false, ofctl_monitor },
	{ "snoop", "SWITCH", "print what passes between switch and controllers", 1, 1, false,
	  ofctl_snoop },
	{ "probe", "TARGET", "exit status 0 if TARGET answers", 1, 1, false, ofctl_probe },
	{ "ping", "TARGET [N]", "ten echoes of N bytes", 1, 2, false, ofctl_ping },
	{ "benchmark", "TARGET N COUNT", "COUNT echoes of N bytes", 3, 3, false, ofctl_benchmark },
	{ "ofp-print", "HEX...", "a message in words (-: one a line)", 1, 1000, false,
	  ofctl_ofp_print },
	{ "parse-flow", "FLOW", "a flow as a switch would read it", 1, 1, false, ofctl_parse_flow },
	{ "parse-flows", "FILE", "the same for each line of FILE", 1, 1, false, ofctl_parse_flows },
	{ "parse-group", "GROUP", "a group as a switch would read it", 1, 1, false,
	  ofctl_parse_group },
	{ "ofp-parse", "FILE", "messages from a file of their bytes", 1, 1, false,
	  ofctl_ofp_parse },
	{ "ofp-parse-pcap", "PCAP [PORT...]", "OpenFlow from a capture (ports 6633, 6653)", 1, 1000,
	  false, ofctl_ofp_parse_pcap },
	{ "list-commands", "", "the commands' names and arguments", 0, 0, false,
	  ofctl_list_commands },
	{ "help", "", "this", 0, 1000, false, ofctl_help },
	/* Other names; not in --help. */
	{ "dump-meter", NULL, NULL, 1, 2, false, ofctl_dump_meters },
	{ "ct-stats-show", NULL, NULL, 1, 2, false, ofctl_ct_stats },
	{ "ct-flush", NULL, NULL, 1, 3, true, ofctl_flush_conntrack },
	{ "ct-flush-zone", NULL, NULL, 2, 2, true, ofctl_flush_conntrack },
	{ "del-meter", NULL, NULL, 1, 2, true, ofctl_del_meters },
};
enum { N_COMMANDS = sizeof(commands) / sizeof(commands[0]) };

/* Names that ovs-ofctl gives a meaning, and what they come to here. */
struct refusal {
	const char *name, *why;
};

static const struct refusal refused_commands[] = {
	{ "add-tlv-map", "weft-switch has no Geneve options to map" },
	{ "del-tlv-map", "weft-switch has no Geneve options to map" },
	{ "dump-tlv-map", "weft-switch has no Geneve options to map" },
	{ "dump-ipfix-bridge", "weft-switch does not export IPFIX" },
	{ "dump-ipfix-flow", "weft-switch does not export IPFIX" },
	{ "parse-nx-match", "one of ovs-ofctl's commands for its own tests" },
	{ "parse-nxm", "one of ovs-ofctl's commands for its own tests" },
	{ "parse-oxm", "one of ovs-ofctl's commands for its own tests" },
	{ "parse-actions", "one of ovs-ofctl's commands for its own tests; ofp-print shows them in "
			   "a message" },
	{ "parse-instructions", "one of ovs-ofctl's commands for its own tests; ofp-print shows "
				"them in a message" },
	{ "parse-ofp10-match", "weft-ofctl speaks OpenFlow13 only" },
	{ "parse-ofp11-match", "weft-ofctl speaks OpenFlow13 only" },
	{ "parse-pcap", "one of ovs-ofctl's commands for its own tests; trace --pcap reads "
			"captures" },
	{ "parse-packet", "one of ovs-ofctl's commands for its own tests" },
	{ "compose-packet", "one of ovs-ofctl's commands for its own tests; trace makes a packet "
			    "of fields" },
	{ "check-vlan", "one of ovs-ofctl's commands for its own tests" },
	{ "print-error", "one of ovs-ofctl's commands for its own tests" },
	{ "encode-error-reply", "one of ovs-ofctl's commands for its own tests" },
	{ "encode-hello", "one of ovs-ofctl's commands for its own tests" },
	{ "parse-key-value", "one of ovs-ofctl's commands for its own tests" },
	{ NULL, NULL },
};

static const struct refusal refused_options[] = {
	{ "unixctl", "monitor takes no commands while it runs" },
	{ "detach",
	  "weft-ofctl stays in the foreground; the shell's & or systemd-run puts it back" },
	{ "monitor", "weft-ofctl stays in the foreground, where nothing need watch it" },
	{ "user", "weft-ofctl keeps the user that called it" },
	{ "no-chdir", "weft-ofctl never changes its directory" },
	{ "no-self-confinement", "weft-ofctl has no such confinement" },
	{ "pidfile", "weft-ofctl writes no pid file" },
	{ "overwrite-pidfile", "weft-ofctl writes no pid file" },
	{ "log-file", "what is logged goes to standard error" },
	{ "syslog-method", "what is logged goes to standard error" },
	{ "syslog-target", "what is logged goes to standard error" },
	{ "ssl-protocols", "TLS 1.2 and 1.3 are spoken" },
	{ "ssl-ciphers", "ciphers are those of the system's policy" },
	{ "raw", "one of compose-packet's options" },
	{ "option", "--help lists the options" },
	{ NULL, NULL },
};

static const char *why_refused(const struct refusal *r, const char *name)
{
	for (; r->name; r++)
		if (!strcmp(r->name, name))
			return r->why;
	return NULL;
}

void ofctl_die(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	fputs("weft-ofctl: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

int ofctl_list_commands(int argc, char **argv)
{
	puts("The available commands are:");
	for (int i = 0; i < N_COMMANDS; i++)
		if (commands[i].args)
			printf("  %-23s %s\n", commands[i].name, commands[i].args);
	return 0;
}

static void usage(void)
{
	puts("weft-ofctl: OpenFlow switch management utility\n"
	     "usage: weft-ofctl [OPTIONS] COMMAND [ARG...]\n\nCommands:");
	for (int i = 0; i < N_COMMANDS; i++) {
		const struct ofctl_command *c = &commands[i];
		int n = c->args ? printf("  %s %s", c->name, c->args) : 0;

		if (c->args)
			printf("%*s%s\n", n < 46 ? 46 - n : 2, "", c->what);
	}
	puts("\nSWITCH is tcp:HOST[:PORT], ssl:HOST[:PORT], unix:PATH, the path of a socket, or "
	     "the\n"
	     "name of a bridge, whose management socket is /run/weft/NAME.sock (or in "
	     "$WEFT_RUNDIR).\n"
	     "\nOptions:\n"
	     "  -O, --protocols=OpenFlow13  the only version there is\n"
	     "  --strict                    mod-flows, del-flows: the very flow, priority "
	     "included\n"
	     "  --bundle                    flows, groups: all or nothing\n"
	     "  --may-create                mod-group: the group is made if there is none\n"
	     "  --readd                     replace-flows: flows that have not changed, too\n"
	     "  --read-only                 refuse commands that change anything\n"
	     "  --names, --no-names         port names or numbers (default: names on a terminal)\n"
	     "  --no-stats                  dump-flows: without counters and times\n"
	     "  --sort[=FIELD], --rsort[=FIELD]  dump-flows: by FIELD (default: priority)\n"
	     "  -m, --more                  packets in hex too; parse-flow: the bytes\n"
	     "  -s, --statistics            dump-conntrack: when each ends\n"
	     "  --pcap=FILE                 trace: each packet of a capture; FLOW says in_port\n"
	     "  -P, --packet-in-format=FORMAT  monitor: standard, nxt_packet_in or nxt_packet_in2\n"
	     "  --watch-format=onf|nicira   monitor: the form of watch: (default: onf)\n"
	     "  --timestamp                 monitor, snoop: say when\n"
	     "  -t, --timeout=SECS          give up after SECS seconds\n"
	     "  -p, --private-key=FILE, -c, --certificate=FILE, -C, --ca-cert=FILE  for ssl:\n"
	     "  --color=never|auto          output has no colours\n"
	     "  -v, --verbose[=LEVEL]       log what goes on: dbg, info, warn, err\n"
	     "  -h, --help, -V, --version");
}

int ofctl_help(int argc, char **argv)
{
	usage();
	return 0;
}

/* ---- Options ---- */

enum {
	OPT_STRICT = 256,
	OPT_READD,
	OPT_BUNDLE,
	OPT_READ_ONLY,
	OPT_TIMESTAMP,
	OPT_SORT,
	OPT_RSORT,
	OPT_NAMES,
	OPT_NO_NAMES,
	OPT_STATS,
	OPT_NO_STATS,
	OPT_COLOR,
	OPT_MAY_CREATE,
	OPT_PCAP,
	OPT_WATCH_FORMAT,
};

static const struct option long_options[] = {
	{ "protocols", required_argument, NULL, 'O' },
	{ "strict", no_argument, NULL, OPT_STRICT },
	{ "readd", no_argument, NULL, OPT_READD },
	{ "bundle", no_argument, NULL, OPT_BUNDLE },
	{ "read-only", no_argument, NULL, OPT_READ_ONLY },
	{ "timestamp", no_argument, NULL, OPT_TIMESTAMP },
	{ "sort", optional_argument, NULL, OPT_SORT },
	{ "rsort", optional_argument, NULL, OPT_RSORT },
	{ "names", no_argument, NULL, OPT_NAMES },
	{ "no-names", no_argument, NULL, OPT_NO_NAMES },
	{ "stats", no_argument, NULL, OPT_STATS },
	{ "no-stats", no_argument, NULL, OPT_NO_STATS },
	{ "color", optional_argument, NULL, OPT_COLOR },
	{ "may-create", no_argument, NULL, OPT_MAY_CREATE },
	{ "pcap", required_argument, NULL, OPT_PCAP },
	{ "watch-format", required_argument, NULL, OPT_WATCH_FORMAT },
	{ "flow-format", required_argument, NULL, 'F' },
	{ "packet-in-format", required_argument, NULL, 'P' },
	{ "more", no_argument, NULL, 'm' },
	{ "statistics", no_argument, NULL, 's' },
	{ "timeout", required_argument, NULL, 't' },
	{ "private-key", required_argument, NULL, 'p' },
	{ "certificate", required_argument, NULL, 'c' },
	{ "ca-cert", required_argument, NULL, 'C' },
	{ "verbose", optional_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static void check_version(const char *list)
{
	if (!strcasestr(list, "OpenFlow13"))
		ofctl_die("-O %s: weft-ofctl speaks OpenFlow13 only", list);
}

static void check_flow_format(const char *format)
{
	if (strcasecmp(format, "OpenFlow13") && strcasecmp(format, "OXM-OpenFlow13") &&
	    strcasecmp(format, "OXM") && strcasecmp(format, "any"))
		ofctl_die("-F %s: expected OXM-OpenFlow13", format);
}

/* Without colours, "auto" is always "never". */
static void check_color(const char *when)
{
	if (when && !strcasecmp(when, "always"))
		ofctl_die("--color=always: output has no colours");
	if (when && strcasecmp(when, "never") && strcasecmp(when, "auto"))
		ofctl_die("--color=%s: expected never or auto", when);
}

static void set_watch_format(const char *format)
{
	ofctl_options.nicira_monitor = !strcasecmp(format, "nicira");
	if (!ofctl_options.nicira_monitor && strcasecmp(format, "onf"))
		ofctl_die("--watch-format=%s: expected onf or nicira", format);
}

/* -v: "debug"; or one of the words of ovs-ofctl, whose "info" is here, too. */
static void set_verbosity(const char *level)
{
	static const struct {
		const char *theirs, *ours;
	} words[] = {
		{ "dbg", "debug" }, { "info", "info" }, { "warn", "warn" }, { "err", "error" }
	};

	if (!level) {
		log_set_level("debug");
		return;
	}
	for (unsigned int i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcasecmp(level, words[i].theirs)) {
			log_set_level(words[i].ours);
			return;
		}
	ofctl_die("-v%s: expected dbg, info, warn or err", level);
}

static void add_sort(const char *field, bool down)
{
	struct ofctl_sort *s;

	if (ofctl_options.n_sort == OFCTL_MAX_SORT)
		ofctl_die("at most %d --sort and --rsort", OFCTL_MAX_SORT);
	s = &ofctl_options.sort[ofctl_options.n_sort++];
	s->down = down;
	s->field = NULL;
	if (!field || !strcasecmp(field, "priority"))
		return;
	s->field = of_field_by_name(field, strlen(field));
	if (!s->field)
		ofctl_die("%s: unknown field name to sort by", field);
}

/* -t: as ovs-ofctl, by signal, so that a blocking lookup of a name ends too. */
static void set_timeout(const char *s)
{
	char *end;
	unsigned long n = strtoul(s, &end, 10);

	if (end == s || *end || !n)
		ofctl_die("-t %s: expected a number of seconds, at least 1", s);
	alarm((unsigned int)n);
}

static void flag_option(int opt)
{
	switch (opt) {
	case OPT_STRICT:
		ofctl_options.strict = true;
		break;
	case OPT_READD:
		ofctl_options.readd = true;
		break;
	case OPT_BUNDLE:
		ofctl_options.bundle = true;
		break;
	case OPT_READ_ONLY:
		ofctl_options.read_only = true;
		break;
	case OPT_TIMESTAMP:
		ofctl_options.timestamp = true;
		break;
	case OPT_NAMES:
	case OPT_NO_NAMES:
		ofctl_options.names = opt == OPT_NAMES;
		ofctl_options.no_names = opt == OPT_NO_NAMES;
		break;
	case OPT_STATS:
	case OPT_NO_STATS:
		ofctl_options.stats = opt == OPT_STATS;
		break;
	case 'm':
		ofctl_options.more++;
		break;
	case 's':
		ofctl_options.ends = true;
		break;
	case OPT_MAY_CREATE:
		ofctl_options.may_create = true;
	}
}

static void option(int opt)
{
	switch (opt) {
	case 'O':
		check_version(optarg);
		break;
	case 'F':
		check_flow_format(optarg);
		break;
	case 'P':
		ofctl_options.packet_in_format = of_packet_in_format_parse(optarg);
		if (ofctl_options.packet_in_format < 0)
			ofctl_die("unknown packet-in format `%s'; standard, nxt_packet_in and "
				  "nxt_packet_in2 are there",
				  optarg);
		break;
	case OPT_COLOR:
		check_color(optarg);
		break;
	case OPT_SORT:
	case OPT_RSORT:
		add_sort(optarg, opt == OPT_RSORT);
		break;
	case OPT_PCAP:
		ofctl_options.pcap = optarg;
		break;
	case OPT_WATCH_FORMAT:
		set_watch_format(optarg);
		break;
	case 't':
		set_timeout(optarg);
		break;
	case 'p':
		ofctl_options.tls.private_key = optarg;
		break;
	case 'c':
		ofctl_options.tls.certificate = optarg;
		break;
	case 'C':
		ofctl_options.tls.ca_cert = optarg;
		break;
	case 'v':
		set_verbosity(optarg);
		break;
	case 'h':
		usage();
		exit(0);
	case 'V':
		printf("weft-ofctl (Weft) %s\nOpenFlow versions 0x4:0x4\n", weft_version);
		exit(0);
	default:
		flag_option(opt);
	}
}

/* What getopt does not know, by name. */
__attribute__((noreturn)) static void refuse_option(int opt, const char *arg)
{
	char name[32] = "";
	const char *why;

	if (!strncmp(arg, "--", 2))
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(arg + 2, "="), arg + 2);
	else if (optopt == 'o')
		snprintf(name, sizeof(name), "option");
	why = why_refused(refused_options, name);
	if (why)
		ofctl_die("--%s is ovs-ofctl's: %s", name, why);
	ofctl_die("%s: %s; use --help for help", arg,
		  opt == ':' ? "an argument is missing" : "unknown option");
}

static void parse_options(int argc, char **argv)
{
	int opt;

	opterr = 0;
	ofctl_options.names = isatty(STDOUT_FILENO);
	/* Options may stand behind the command, too. */
	while ((opt = getopt_long(argc, argv, ":O:F:P:mst:p:c:C:v::hV", long_options, NULL)) !=
	       -1) {
		if (opt == '?' || opt == ':')
			refuse_option(opt, argv[optind - 1]);
		option(opt);
	}
}

static int run(int argc, char **argv)
{
	const char *why = why_refused(refused_commands, argv[0]);

	if (why)
		ofctl_die("'%s' is ovs-ofctl's: %s", argv[0], why);
	for (int i = 0; i < N_COMMANDS; i++) {
		const struct ofctl_command *c = &commands[i];

		if (strcmp(c->name, argv[0]))
			continue;
		if (argc - 1 < c->min)
			ofctl_die("'%s' command requires at least %d arguments", c->name, c->min);
		if (argc - 1 > c->max)
			ofctl_die("'%s' command takes at most %d arguments", c->name, c->max);
		if (c->writes && ofctl_options.read_only)
			ofctl_die("'%s' changes the switch, and --read-only was given", c->name);
		return c->run(argc, argv);
	}
	ofctl_die("unknown command '%s'; use --help for help", argv[0]);
}

int main(int argc, char **argv)
{
	log_init("weft-ofctl");
	log_set_level("error");
	signal(SIGPIPE, SIG_IGN);
	parse_options(argc, argv);
	if (optind == argc)
		ofctl_die("missing command name; use --help for help");
	return run(argc - optind, argv + optind);
}
