/* SPDX-License-Identifier: Apache-2.0 */
/* TLS under a stream, by GnuTLS: version 1.2 or later, certificates on both sides. */
#include "ofproto/stream.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ofproto/session.h"

struct stream_creds {
	unsigned int refs;
	gnutls_certificate_credentials_t cert;
};

static const char priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

struct stream_creds *stream_creds_new(const struct of_tls *tls, struct err *e)
{
	struct stream_creds *c;
	int r;

	if (!tls || !tls->private_key || !tls->certificate || !tls->ca_cert) {
		err_set(e, -EINVAL,
			"TLS needs a private key, a certificate and a CA certificate; the first "
			"missing is the %s",
			!tls || !tls->private_key ? "private key"
			: !tls->certificate	  ? "certificate"
						  : "CA certificate");
		return NULL;
	}
	c = calloc(1, sizeof(*c));
	if (!c || gnutls_certificate_allocate_credentials(&c->cert)) {
		err_set(e, -ENOMEM, "TLS: out of memory");
		free(c);
		return NULL;
	}
	c->refs = 1;
	r = gnutls_certificate_set_x509_trust_file(c->cert, tls->ca_cert, GNUTLS_X509_FMT_PEM);
	if (r <= 0) {
		err_set(e, -EINVAL, "CA certificate %s: %s", tls->ca_cert,
			r ? gnutls_strerror(r) : "holds no certificate");
		goto bad;
	}
	r = gnutls_certificate_set_x509_key_file(c->cert, tls->certificate, tls->private_key,
						 GNUTLS_X509_FMT_PEM);
	if (r < 0) {
		err_set(e, -EINVAL, "certificate %s with private key %s: %s", tls->certificate,
			tls->private_key, gnutls_strerror(r));
		goto bad;
	}
	return c;
bad:
	stream_creds_unref(c);
	return NULL;
}

struct stream_creds *stream_creds_ref(struct stream_creds *c)
{
	if (c)
		c->refs++;
	return c;
}

void stream_creds_unref(struct stream_creds *c)
{
	if (!c || --c->refs)
		return;
	gnutls_certificate_free_credentials(c->cert);
	free(c);
}

int stream_tls_begin(struct stream *st, bool server, struct stream_creds *c, struct err *e)
{
	unsigned int flags = GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL;
	int r;

	/* Ours is shown even where the server's hint names another authority: then the server can
	 * say what is wrong, not only that none came.  Tickets would be written after the handshake
	 * to a client that never resumes. */
	flags |= server ? GNUTLS_SERVER | GNUTLS_NO_TICKETS
			: GNUTLS_CLIENT | GNUTLS_FORCE_CLIENT_CERT;
	r = gnutls_init(&st->tls, flags);
	if (r)
		return err_set(e, -ENOMEM, "TLS: %s", gnutls_strerror(r));
	r = gnutls_priority_set_direct(st->tls, priorities, NULL);
	if (!r)
		r = gnutls_credentials_set(st->tls, GNUTLS_CRD_CERTIFICATE, c->cert);
	if (r)
		return err_set(e, -EINVAL, "TLS: %s", gnutls_strerror(r));
	if (server)
		gnutls_certificate_server_set_request(st->tls, GNUTLS_CERT_REQUIRE);
	/* NULL: the chain must end at the CA, whatever name it carries. */
	gnutls_session_set_verify_cert(st->tls, NULL, 0);
	gnutls_handshake_set_timeout(st->tls, 0); /* the session has its own */
	gnutls_transport_set_int(st->tls, st->fd);
	return 0;
}

static int handshake_error(struct stream *st, int r, struct err *e)
{
	gnutls_datum_t why = { 0 };

	if (r == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR) {
		unsigned int status = gnutls_session_get_verify_cert_status(st->tls);

		gnutls_certificate_verification_status_print(
			status, gnutls_certificate_type_get(st->tls), &why, 0);
		err_set(e, -EACCES, "TLS: the peer's certificate: %s",
			why.data ? (char *)why.data : gnutls_strerror(r));
		gnutls_free(why.data);
		gnutls_alert_send_appropriate(st->tls, r);
		return -EACCES;
	}
	if (r == GNUTLS_E_FATAL_ALERT_RECEIVED)
		return err_set(e, -EPROTO, "TLS: the peer says: %s",
			       gnutls_alert_get_name(gnutls_alert_get(st->tls)));
	gnutls_alert_send_appropriate(st->tls, r);
	return err_set(e, -EPROTO, "TLS handshake: %s", gnutls_strerror(r));
}

int stream_tls_handshake(struct stream *st, struct err *e)
{
	int r;

	do
		r = gnutls_handshake(st->tls);
	while (r == GNUTLS_E_INTERRUPTED || r == GNUTLS_E_WARNING_ALERT_RECEIVED);
	if (r == GNUTLS_E_AGAIN)
		return -EAGAIN;
	return r ? handshake_error(st, r, e) : 0;
}

short stream_tls_wants(const struct stream *st)
{
	return gnutls_record_get_direction(st->tls) ? POLLOUT : POLLIN;
}

static int io_error(struct stream *st, const char *what, ssize_t r, struct err *e)
{
	if (r == GNUTLS_E_FATAL_ALERT_RECEIVED)
		return err_set(e, -EPROTO, "TLS %s: the peer says: %s", what,
			       gnutls_alert_get_name(gnutls_alert_get(st->tls)));
	return err_set(e, -EPROTO, "TLS %s: %s", what, gnutls_strerror((int)r));
}

ssize_t stream_tls_read(struct stream *st, void *p, size_t n, struct err *e)
{
	ssize_t r;

	do
		r = gnutls_record_recv(st->tls, p, n);
	while (r == GNUTLS_E_INTERRUPTED || r == GNUTLS_E_WARNING_ALERT_RECEIVED);
	if (r >= 0)
		return r;
	/* A renegotiation (TLS 1.2) is not taken up: nothing here needs one. */
	return r == GNUTLS_E_AGAIN ? -EAGAIN : io_error(st, "read", r, e);
}

ssize_t stream_tls_write(struct stream *st, const struct iovec *iov, int n_iov, struct err *e)
{
	ssize_t r;

	(void)n_iov; /* a record holds 16 KiB at most: the first part is enough */
	do {
		/* After EAGAIN GnuTLS holds the record itself and wants to be told to go on. */
		r = st->resend ? gnutls_record_send(st->tls, NULL, 0)
			       : gnutls_record_send(st->tls, iov->iov_base, iov->iov_len);
		st->resend = r == GNUTLS_E_INTERRUPTED || r == GNUTLS_E_AGAIN;
	} while (r == GNUTLS_E_INTERRUPTED);
	if (r >= 0)
		return r;
	return r == GNUTLS_E_AGAIN ? -EAGAIN : io_error(st, "write", r, e);
}

bool stream_tls_pending(const struct stream *st)
{
	return gnutls_record_check_pending(st->tls) > 0;
}

void stream_tls_shutdown(struct stream *st)
{
	gnutls_bye(st->tls, GNUTLS_SHUT_WR);
}

void stream_tls_end(struct stream *st)
{
	gnutls_deinit(st->tls);
	st->tls = NULL;
}
