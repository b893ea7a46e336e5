/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser on any frame: no byte behind its end is read, and every field it finds is what the
 * reference interpreter, which looks at each header anew, finds too.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include "datapath/parse.h"
#include "datapath/ref_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void differ(const struct of_field *f)
{
	fprintf(stderr, "%s differs from the reference\n", f->name);
	abort();
}

static void compare(const struct pkt *p, const struct ref_frame *r)
{
	FIELD_EACH (f) {
		struct ref_bits want, have;
		uint8_t v[16];

		if (of_field_pre_met(f, &p->key) != ref_meets(r, f))
			differ(f);
		/* Members are shared: a field is there when its prerequisites are. */
		if (f->is_alias || !ref_meets(r, f))
			continue;
		of_field_get(f, &p->key, v);
		have = ref_bytes(v, f->bytes, f->bits);
		want = ref_get(r, f);
		if (memcmp(have.bit, want.bit, f->bits) != 0)
			differ(f);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ref_frame r;
	struct rte_mbuf m = { .nb_segs = 1 };
	struct pkt p = { .m = &m };
	uint8_t *exact;

	if (size > REF_FRAME_MAX / 2)
		return 0;
	/* In memory of its own size, for AddressSanitizer. */
	exact = malloc(size ? size : 1);
	if (!exact)
		return 0;
	memcpy(exact, data, size);
	m.buf_addr = exact;
	m.buf_len = m.data_len = (uint16_t)size;
	m.pkt_len = (uint32_t)size;
	if (pkt_parse(&p)) {
		memcpy(r.b, data, size);
		r.n = (uint32_t)size;
		compare(&p, &r);
	}
	free(exact);
	return 0;
}
