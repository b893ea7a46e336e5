/* SPDX-License-Identifier: Apache-2.0 */
/* weft-controller: tenants' intent in over REST, OpenFlow out to the switches. */
#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/version.h"
#include "controller/dns.h"
#include "controller/nb.h"
#include "controller/nb_auth.h"
#include "controller/mem.h"
#include "controller/nova.h"
#include "controller/options.h"
#include "controller/south.h"

#define MOD "main"

struct controller {
	struct nb nb;
	struct nb_http *http;
	struct south *south;
	struct ev_signal on_int, on_term, on_hup;
};

static double loop_now(void *loop)
{
	return ev_now(loop);
}

static void on_stop(struct ev_loop *loop, struct ev_signal *w, int events)
{
	log_info(MOD, "signal %d: ending", w->signum);
	ev_break(loop, EVBREAK_ALL);
}

static void on_reload(struct ev_loop *loop, struct ev_signal *w, int events)
{
	struct controller *c = w->data;
	struct err e;

	if (nb_auth_reload(c->nb.auth, &e))
		log_err(MOD, "tokens are not read again: %s", e.text);
	else
		log_info(MOD, "tokens read again");
}

static void signals_watch(struct controller *c)
{
	signal(SIGPIPE, SIG_IGN);
	ev_signal_init(&c->on_int, on_stop, SIGINT);
	ev_signal_init(&c->on_term, on_stop, SIGTERM);
	ev_signal_init(&c->on_hup, on_reload, SIGHUP);
	c->on_hup.data = c;
	ev_signal_start(c->nb.loop, &c->on_int);
	ev_signal_start(c->nb.loop, &c->on_term);
	ev_signal_start(c->nb.loop, &c->on_hup);
}

static struct south *south_start(struct controller *c, const struct options *o, struct err *e)
{
	const char *listen[OPTIONS_LISTEN_MAX];
	struct south_opts opts = {
		.listen = listen,
		.n_listen = o->n_listen,
		.tls = { o->private_key, o->certificate, o->ca_cert },
		.grace = o->grace_seconds,
	};

	for (size_t i = 0; i < o->n_listen; i++)
		listen[i] = o->listen[i];
	return south_new(c->nb.loop, c->nb.world, &opts, e);
}

/* Builds up from intent to its users: the world is whole before anyone can ask for it. */
static int controller_init(struct controller *c, const struct options *o, struct err *e)
{
	struct nb *nb = &c->nb;

	nb->loop = ev_default_loop(0);
	if (!nb->loop)
		return err_set(e, -1, "the event loop does not start");
	nb->started = ev_now(nb->loop);
	if (dns_domain_set(o->dns_domain, e))
		return -1;
	nb->auth = nb_auth_new(nb->loop, o, e);
	if (!nb->auth)
		return -1;
	nb->world = world_new(loop_now, nb->loop);
	if (!nb->world)
		return err_set(e, -1, "out of memory");
	nb->store = store_open(nb->loop, o->store, e);
	if (!nb->store)
		return -1;
	nb->log = txn_log_new(nb->world, nb->store);
	if (txn_log_load(nb->log, e))
		return err_wrap(e, -1, "store %s", o->store);
	if (nova_new(nb->loop, nb->world, nb_auth_keystone(nb->auth), o, &nb->nova, e))
		return -1;
	c->south = south_start(c, o, e);
	if (!c->south)
		return -1;
	c->http = nb_http_new(nb, o->rest, e);
	if (!c->http)
		return -1;
	signals_watch(c);
	return 0;
}

/* The mirror of controller_init(); every part may be missing. */
static void controller_fini(struct controller *c)
{
	nb_http_stop(c->http);
	nova_free(c->nb.nova);
	nb_auth_stop(c->nb.auth); /* who waits for it is answered, and changes nothing any more */
	store_close(c->nb.store); /* answers what waits */
	nb_http_free(c->http);
	south_free(c->south);
	txn_log_free(c->nb.log);
	world_free(c->nb.world);
	nb_auth_free(c->nb.auth);
	if (c->nb.loop)
		ev_loop_destroy(c->nb.loop);
}

static int serve(const struct options *o)
{
	struct controller c = { 0 };
	struct err e = { "" };
	int rc;

	if (log_set_level(o->log)) {
		fprintf(stderr, "weft-controller: log '%s': should be error, warn, info or debug\n",
			o->log);
		return 2;
	}
	rc = controller_init(&c, o, &e);
	if (rc) {
		fprintf(stderr, "weft-controller: %s\n", e.text);
	} else {
		log_info(MOD, "ready: %zu networks, %zu ports from %s",
			 world_count(c.nb.world, WORLD_NET), world_count(c.nb.world, WORLD_PORT),
			 o->store);
		ev_run(c.nb.loop, 0);
	}
	controller_fini(&c);
	return rc ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct options o;
	struct err e = { "" };
	int rc = 0;

	mem_init();
	log_init("weft-controller");
	if (options_read(&o, argc, argv, &e)) {
		fprintf(stderr, "weft-controller: %s\n", e.text);
		rc = 2;
	} else if (o.help) {
		fputs(options_usage, stdout);
	} else if (o.version) {
		printf("weft-controller %s\n", weft_version);
	} else {
		rc = serve(&o);
	}
	options_fini(&o);
	return rc;
}
