/* SPDX-License-Identifier: Apache-2.0 */
/* weftctl: the operator's view of the controller, and of a switch's local socket. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/version.h"
#include "cli/weftctl.h"

static const char usage_text[] =
	"usage: weftctl [--url URL] [--token T] [-o table|json] NOUN VERB [ARGS]\n"
	"\n"
	"  status                                    what is up and what is wrong (exit code 0 or "
	"1)\n"
	"  network|subnet|port list [KEY=VALUE]...\n"
	"                      show NAME\n"
	"                      create NAME [OPTION]...   (options: weftctl NOUN help)\n"
	"                      set NAME [OPTION]...\n"
	"                      delete NAME...\n"
	"  host                list | show HOST\n"
	"  switch              list | show DPID | forget DPID\n"
	"  switch              info | ports | stats | drops | events [SWITCH]   by its local "
	"socket\n"
	"                      perf [SWITCH] [--seconds N] [--json]   where packet threads' "
	"time goes\n"
	"                      port-add SWITCH NAME[@OFPORT] SPEC\n"
	"                      port-del SWITCH NAME|OFPORT\n"
	"                      queue-add SWITCH PORT QUEUE[:min=RATE][:max=RATE][:len=N]\n"
	"                      queue-del SWITCH PORT QUEUE\n"
	"                      queue-list [SWITCH [PORT]]\n"
	"                      ipfix-add SWITCH ID=HOST:PORT[,HOST:PORT...][;NAME=N,...]\n"
	"                      ipfix-del SWITCH ID\n"
	"                      ipfix-list [SWITCH]\n"
	"                      conntrack | conntrack-stats | conntrack-zones [SWITCH [zone=N]]\n"
	"\n"
	"URL is http://127.0.0.1:9696, or WEFT_URL; T is WEFT_TOKEN.  See weftctl(8).\n"
	"Also --help, --version.\n";

int ctl_fail(int code, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("weftctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return code;
}

static int format_set(struct ctl *c, const char *value)
{
	if (strcmp(value, "table") && strcmp(value, "json"))
		return ctl_fail(CTL_USAGE, "-o %s: should be table or json", value);
	c->json = !strcmp(value, "json");
	return CTL_OK;
}

static int global_set(struct ctl *c, const char *key, const char *value)
{
	if (!strcmp(key, "-o"))
		return format_set(c, value);
	if (!strcmp(key, "--url"))
		c->url = value;
	else
		c->token = value;
	return CTL_OK;
}

/* Takes our own options out, wherever they stand; what is left is noun, verb and arguments. */
static int globals_take(struct ctl *c, int argc, char **argv)
{
	static const char *const keys[] = { "--url", "--token", "-o" };
	int rc;

	for (int i = 1; i < argc; i++) {
		const char *key = NULL, *value = NULL;

		for (size_t k = 0; k < 3; k++) {
			size_t n = strlen(keys[k]);

			if (strncmp(argv[i], keys[k], n) || (argv[i][n] && argv[i][n] != '='))
				continue;
			key = keys[k];
			value = argv[i][n] ? argv[i] + n + 1 : i + 1 < argc ? argv[++i] : NULL;
			if (!value)
				return ctl_fail(CTL_USAGE, "%s needs a value", key);
			break;
		}
		if (!key) {
			c->args[c->n_args++] = argv[i];
			continue;
		}
		rc = global_set(c, key, value);
		if (rc)
			return rc;
	}
	return CTL_OK;
}

static bool is_tenant(const char *noun)
{
	return !strcmp(noun, "network") || !strcmp(noun, "subnet") || !strcmp(noun, "port");
}

static int run(struct ctl *c)
{
	const char *noun, *verb;

	if (!c->n_args || !strcmp(c->args[0], "help") || !strcmp(c->args[0], "--help")) {
		fputs(usage_text, c->n_args ? stdout : stderr);
		return c->n_args ? CTL_OK : CTL_USAGE;
	}
	noun = c->args[0];
	if (!strcmp(noun, "--version")) {
		printf("weftctl %s\n", weft_version);
		return CTL_OK;
	}
	if (!strcmp(noun, "status")) {
		if (c->n_args > 1)
			return ctl_fail(CTL_USAGE, "'%s' is one word too many", c->args[1]);
		return ctl_status(c);
	}
	if (!is_tenant(noun) && strcmp(noun, "host") && strcmp(noun, "switch"))
		return ctl_fail(CTL_USAGE,
				"there is no '%s'; there are status, network, subnet, port, host "
				"and switch (see weftctl help)",
				noun);
	verb = c->n_args > 1 ? c->args[1] : "list";
	c->args += 2;
	c->n_args = c->n_args > 2 ? c->n_args - 2 : 0;
	if (is_tenant(noun))
		return ctl_tenant(c, noun, verb);
	return !strcmp(noun, "host") ? ctl_host(c, verb) : ctl_switch(c, verb);
}

int main(int argc, char **argv)
{
	const char *url = getenv("WEFT_URL");
	struct ctl c = {
		.url = url && url[0] ? url : "http://127.0.0.1:9696",
		.token = getenv("WEFT_TOKEN"),
	};
	char **args = calloc((size_t)argc + 2, sizeof(*args));
	int rc;

	if (!args)
		return CTL_FAILED;
	c.args = args;
	signal(SIGPIPE, SIG_DFL);
	rc = globals_take(&c, argc, argv);
	if (!rc)
		rc = run(&c);
	ctl_rest_fini();
	free(args);
	return rc;
}
