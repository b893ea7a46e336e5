/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 6.3.4 Encryption: TLS with certificates on both sides */
/*
 * TLS, both sides showing certificates:
 *
 *     switch (active)  ---- ssl ----  listener, controller (passive)
 *
 * Two authorities are made for the test; each signs one certificate.  A peer of the other
 * authority, one without any certificate and one that speaks no TLS at all must not get in.
 */
#include "session_harness.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <time.h>

struct authority {
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;
	char ca[100], cert[100], priv[100]; /* PEM files */
};

static struct seen sw, ctl;
static struct of_listener *listener;
static char dir[64];
static struct authority good, other;

static void write_pem(const char *path, const gnutls_datum_t *d)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(d->data, 1, d->size, f), d->size);
	fclose(f);
}

static gnutls_x509_crt_t make_cert(gnutls_x509_privkey_t key, const char *name, bool ca,
				   const struct authority *by)
{
	gnutls_x509_crt_t c;
	time_t now = time(NULL);

	assert_int_equal(gnutls_x509_crt_init(&c), 0);
	gnutls_x509_crt_set_version(c, 3);
	gnutls_x509_crt_set_serial(c, "\x01\x02", 2);
	gnutls_x509_crt_set_activation_time(c, now - 3600);
	gnutls_x509_crt_set_expiration_time(c, now + 3600);
	gnutls_x509_crt_set_dn_by_oid(c, GNUTLS_OID_X520_COMMON_NAME, 0, name,
				      (unsigned int)strlen(name));
	gnutls_x509_crt_set_basic_constraints(c, ca, -1);
	gnutls_x509_crt_set_key_usage(c,
				      ca ? GNUTLS_KEY_KEY_CERT_SIGN : GNUTLS_KEY_DIGITAL_SIGNATURE);
	gnutls_x509_crt_set_key(c, key);
	assert_int_equal(gnutls_x509_crt_sign2(c, by ? by->crt : c, by ? by->key : key,
					       GNUTLS_DIG_SHA256, 0),
			 0);
	return c;
}

static void make_authority(struct authority *a, const char *name)
{
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;
	gnutls_datum_t d;

	snprintf(a->ca, sizeof(a->ca), "%s/%s-ca.pem", dir, name);
	snprintf(a->cert, sizeof(a->cert), "%s/%s-cert.pem", dir, name);
	snprintf(a->priv, sizeof(a->priv), "%s/%s-key.pem", dir, name);
	gnutls_x509_privkey_init(&a->key);
	assert_int_equal(
		gnutls_x509_privkey_generate(a->key, GNUTLS_PK_ECDSA,
					     GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
		0);
	a->crt = make_cert(a->key, name, true, NULL);
	gnutls_x509_crt_export2(a->crt, GNUTLS_X509_FMT_PEM, &d);
	write_pem(a->ca, &d);
	gnutls_free(d.data);

	gnutls_x509_privkey_init(&key);
	assert_int_equal(
		gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
					     GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
		0);
	crt = make_cert(key, "node", false, a);
	gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &d);
	write_pem(a->cert, &d);
	gnutls_free(d.data);
	gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &d);
	write_pem(a->priv, &d);
	gnutls_free(d.data);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
}

static void drop_authority(struct authority *a)
{
	unlink(a->ca);
	unlink(a->cert);
	unlink(a->priv);
	gnutls_x509_crt_deinit(a->crt);
	gnutls_x509_privkey_deinit(a->key);
}

static int begin_group(void **state)
{
	make_dir(dir, sizeof(dir), "tls");
	make_authority(&good, "good");
	make_authority(&other, "other");
	return 0;
}

static int end_group(void **state)
{
	drop_authority(&good);
	drop_authority(&other);
	return rmdir(dir);
}

static int begin(void **state)
{
	sw = (struct seen){ .answer_features = true };
	ctl = (struct seen){ 0 };
	return harness_setup(state);
}

static int end(void **state)
{
	seen_free(&sw);
	seen_free(&ctl);
	of_listener_free(listener);
	listener = NULL;
	return harness_teardown(state);
}

static void pair_up(const struct of_tls *mine, const struct of_tls *theirs)
{
	struct of_session_opts o = seen_opts(OF_CONTROLLER, &ctl);
	char target[64];
	struct err e;

	o.echo_interval = 0.3;
	o.tls = theirs;
	listener = of_listener_new(loop, "pssl:0:127.0.0.1", &o, on_new, &ctl, &e);
	if (!listener)
		fail_msg("%s", e.text);
	snprintf(target, sizeof(target), "ssl:127.0.0.1:%u", of_listener_port(listener));
	o = seen_opts(OF_SWITCH, &sw);
	o.echo_interval = 0.3;
	o.tls = mine;
	o.once = true;
	sw.s = of_session_new(loop, target, &o, &e);
	if (!sw.s)
		fail_msg("%s", e.text);
}

static void over_tls(void **state)
{
	const struct of_tls tls = { good.priv, good.cert, good.ca };
	const struct of_barrier_request barrier = { .kind = OF_KIND_barrier_request };
	static uint8_t data[60000];
	struct of_packet_in pin = { .kind = OF_KIND_packet_in, .data = { sizeof(data), data } };

	pair_up(&tls, &tls);
	assert_true(RUN_UNTIL(sw.ups == 1 && ctl.ups == 1, 20));
	assert_int_equal(strncmp(of_session_name(ctl.s), "ssl:127.0.0.1:", 14), 0);
	/* Small ones, many to a record, and large ones, several records each; more than the
	 * socket takes at once, so that records are cut into. */
	for (uint32_t i = 1; i <= 20000; i++)
		assert_int_equal(of_session_send(ctl.s, i, (struct of_any *)&barrier), 0);
	for (uint32_t i = 1; i <= 300; i++)
		assert_int_equal(of_session_send(sw.s, i, (struct of_any *)&pin), 0);
	assert_true(of_session_backlog(sw.s) > 1000000);
	assert_true(RUN_UNTIL(sw.msgs == 20000 && ctl.msgs == 300, 20));
	assert_int_equal(sw.last_xid, 20000);
	assert_int_equal(ctl.last_xid, 300);
	assert_int_equal(sw.bads + ctl.bads + sw.downs + ctl.downs, 0);
	assert_int_equal(sw.drained, 1);
	RUN_FOR(1.2); /* idle: echo keeps it */
	assert_int_equal(sw.downs + ctl.downs, 0);
	/* A close on one side is an end on the other. */
	seen_free(&ctl);
	assert_true(RUN_UNTIL(sw.downs, 20));
	assert_string_equal(sw.why, "closed by the peer");
}

static void listener_refuses_another_authority(void **state)
{
	const struct of_tls theirs = { good.priv, good.cert, good.ca };
	const struct of_tls mine = { other.priv, other.cert, good.ca };

	pair_up(&mine, &theirs);
	assert_true(RUN_UNTIL(sw.downs && ctl.downs, 20));
	if (!strstr(ctl.why, "the peer's certificate: "))
		fail_msg("%s", ctl.why);
	assert_int_equal(sw.ups + ctl.ups, 0);
}

static void client_refuses_another_authority(void **state)
{
	const struct of_tls theirs = { other.priv, other.cert, good.ca };
	const struct of_tls mine = { good.priv, good.cert, good.ca };

	pair_up(&mine, &theirs);
	assert_true(RUN_UNTIL(sw.downs && ctl.downs, 20));
	assert_non_null(strstr(sw.why, "certificate"));
	assert_int_equal(sw.ups + ctl.ups, 0);
}

/* A client of TLS without a certificate of its own. */
static void a_certificate_is_required(void **state)
{
	const struct of_tls theirs = { good.priv, good.cert, good.ca };
	struct of_session_opts o = seen_opts(OF_CONTROLLER, &ctl);
	gnutls_certificate_credentials_t none;
	gnutls_session_t tls;
	int fd;

	o.tls = &theirs;
	listener = of_listener_new(loop, "pssl:0:127.0.0.1", &o, on_new, &ctl, NULL);
	fd = raw_connect(of_listener_port(listener));
	gnutls_certificate_allocate_credentials(&none);
	gnutls_init(&tls, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
	gnutls_set_default_priority(tls);
	gnutls_credentials_set(tls, GNUTLS_CRD_CERTIFICATE, none);
	gnutls_transport_set_int(tls, fd);
	assert_true(RUN_UNTIL(({
				      gnutls_handshake(tls);
				      ctl.downs;
			      }),
			      20));
	assert_int_equal(ctl.ups, 0);
	assert_non_null(strstr(ctl.why, "ertificate"));
	gnutls_deinit(tls);
	gnutls_certificate_free_credentials(none);
	close(fd);
}

static void plain_openflow_is_no_tls(void **state)
{
	const struct of_tls theirs = { good.priv, good.cert, good.ca };
	struct of_session_opts o = seen_opts(OF_CONTROLLER, &ctl);
	uint8_t p[64];
	int fd;

	o.tls = &theirs;
	listener = of_listener_new(loop, "pssl:0:127.0.0.1", &o, on_new, &ctl, NULL);
	fd = raw_connect(of_listener_port(listener));
	raw_send(fd, "\x04\x00\x00\x08\x00\x00\x00\x01", 8);
	assert_true(RUN_UNTIL(ctl.downs, 20));
	assert_int_equal(ctl.ups, 0);
	assert_non_null(strstr(ctl.why, "TLS"));
	assert_true(recv(fd, p, sizeof(p), 0) <= 0 || p[0] == 21); /* an alert at most */
	close(fd);
}

/* Connected, and then nothing: the handshake has its time limit too. */
static void handshake_times_out(void **state)
{
	const struct of_tls theirs = { good.priv, good.cert, good.ca };
	struct of_session_opts o = seen_opts(OF_CONTROLLER, &ctl);
	int fd;

	o.tls = &theirs;
	o.echo_interval = 0.1;
	listener = of_listener_new(loop, "pssl:0:127.0.0.1", &o, on_new, &ctl, NULL);
	fd = raw_connect(of_listener_port(listener));
	assert_true(RUN_UNTIL(ctl.downs, 20));
	assert_string_equal(ctl.why, "no connection within 0.3 s");
	close(fd);
}

static void missing_and_broken_files(void **state)
{
	const struct {
		struct of_tls tls;
		const char *word;
	} cases[] = {
		{ { NULL, good.cert, good.ca }, "missing is the private key" },
		{ { good.priv, NULL, good.ca }, "missing is the certificate" },
		{ { good.priv, good.cert, NULL }, "missing is the CA certificate" },
		{ { "/nonexistent", good.cert, good.ca }, "/nonexistent" },
		{ { good.priv, good.cert, "/nonexistent" }, "/nonexistent" },
		{ { other.priv, good.cert, good.ca }, "private key" },
		{ { good.priv, good.cert, good.priv }, "CA certificate" },
	};
	struct err e;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct of_session_opts o = seen_opts(OF_SWITCH, &sw);

		o.tls = &cases[i].tls;
		assert_null(of_session_new(loop, "ssl:127.0.0.1", &o, &e));
		if (!strstr(e.text, cases[i].word))
			fail_msg("%zu: %s", i, e.text);
		assert_null(of_listener_new(loop, "pssl:0:127.0.0.1", &o, on_new, &sw, &e));
		assert_non_null(strstr(e.text, cases[i].word));
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(over_tls),
		T(listener_refuses_another_authority),
		T(client_refuses_another_authority),
		T(a_certificate_is_required),
		T(plain_openflow_is_no_tls),
		T(handshake_times_out),
		T(missing_and_broken_files),
	};

	return cmocka_run_group_tests(tests, begin_group, end_group);
}
