/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of application protocols share (ct_alg.h names them).  Packet threads. */
#ifndef WEFT_DATAPATH_CT_ALG_PRIV_H
#define WEFT_DATAPATH_CT_ALG_PRIV_H

#include "datapath/ct_alg.h"

/* ---- ct_ftp.c: pure ---- */

enum {
	FTP_TEXT_MAX = 64,  /* |2|, 39 digits and colons, |65535| */
	FTP_SPLIT_MAX = 80, /* what is no whole line and longer is something else */
};

enum ftp_kind { FTP_PORT, FTP_EPRT, FTP_227, FTP_229 };

/* An endpoint that a line announces, and where in the line it stands. */
struct ftp_line {
	enum ftp_kind kind;
	uint8_t l3;	  /* FTP_229: 0, it has no address */
	uint8_t delim;	  /* FTP_EPRT, FTP_229 */
	uint8_t addr[16]; /* as in struct ct_tuple */
	uint16_t port;
	uint32_t at, n;
};

/* Whether the 'n' bytes of a line (its end among them) are an announcement: of a client's ('dir' is
 * CT_ORIG), PORT or EPRT, of a server's, 227 or 229. */
bool ftp_read(const uint8_t *line, uint32_t n, enum ct_dir dir, struct ftp_line *out);
/* Whether 'n' bytes, which begin a line and do not end it, may become one: a part of its first
 * word, or that and more. */
bool ftp_may_become(const uint8_t *line, uint32_t n, enum ct_dir dir);
/* The same with another endpoint: FTP_TEXT_MAX bytes at most, how many. */
uint32_t ftp_write(const struct ftp_line *like, const uint8_t addr[16], uint16_t port, char *out);

/* ---- ct_tftp.c: pure ---- */

/* Whether the 'n' bytes of a datagram ask for a file or bring one. */
bool tftp_is_request(const uint8_t *data, uint32_t n);

/* ---- ct_expect.c ---- */

/* One that is announced: who may come (its port is open), to which address and port. */
struct ct_expect {
	struct ct_tuple key;   /* src_port: 0 */
	struct ct_tuple reply; /* dst_port: 0, the one that came's */
	uint32_t parent, parent_gen;
};

struct ct_expects;

struct ct_expects *ct_expects_new(uint32_t n);
void ct_expects_free(struct ct_expects *x);
/*
 * Expects 'e', again if it did already (of the same reply tuple). 0; -EADDRINUSE: something else is
 * expected there; -ENOSPC.  'slot' and 'use' name it.
 */
int ct_expect_add(struct ct *t, const struct ct_expect *e, uint32_t now, uint32_t *slot,
		  uint32_t *use) PMD;
void ct_expect_del(struct ct *t, uint32_t slot, uint32_t use) PMD;

/* ---- ct_splice.c ---- */

/*
 * Bytes 'at' to 'at' + 'was' of a TCP packet's frame become the 'n' at 'is': lengths and checksums
 * follow.  0; -EMSGSIZE: IP has no longer packets, nothing is done; -1: the packet was dropped.
 */
int ct_splice(struct pmd *w, struct burst *b, struct pkt *p, struct ct_pkt *cp, uint32_t at,
	      uint32_t was, const void *is, uint32_t n) PMD;

/* ---- */

struct ct_alg {
	struct ct_expects *expects;
	struct ct_alg_conn *conns;
	uint32_t n_conns;
	_Atomic uint32_t hand;
	_Atomic uint64_t expected, came, refused;
};

struct ct_alg *ct_alg_of(const struct ct *t);

#endif
