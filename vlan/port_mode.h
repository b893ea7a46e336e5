/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VLAN port modes: which VLAN a frame is in when it comes in, how it looks when it goes out.
 *
 *	mode             in, untagged    in, tagged V        out, VLAN V
 *	access           tag             dropped             untagged; only V == tag
 *	trunk            VLAN 0          V if trunked        tagged (VLAN 0: untagged)
 *	native-tagged    tag             V if trunked        tagged
 *	native-untagged  tag             V if trunked        untagged if V == tag, else tagged
 *
 * An empty set of trunks means every VLAN; a native VLAN is always carried.  A priority tag (VID 0)
 * counts as untagged.  On the way out a frame whose form has no tag may keep a priority tag:
 * never (the default), if its PCP is not 0, or always.  These are the rules that OVS documents for
 * vlan_mode, trunks and other-config:priority-tags; dot1q-tunnel is refused by the parser.
 * They apply where a switch forwards by itself (NORMAL, FLOOD to a bridge's ports), not to what
 * flows say in so many words.
 *
 * Pure functions.  Parsing: control thread.  Verdicts: any thread, on a port that nobody writes.
 */
#ifndef WEFT_VLAN_PORT_MODE_H
#define WEFT_VLAN_PORT_MODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/* name, text */
#define VLAN_MODES(X)                     \
	X(TRUNK, "trunk")                 \
	X(ACCESS, "access")               \
	X(NATIVE_TAGGED, "native-tagged") \
	X(NATIVE_UNTAGGED, "native-untagged")

#define VLAN_PRIO_TAGS(X)        \
	X(NEVER, "never")        \
	X(NONZERO, "if-nonzero") \
	X(ALWAYS, "always")

enum vlan_mode {
#define X(name, text) VLAN_MODE_##name,
	VLAN_MODES(X)
#undef X
		VLAN_N_MODES
};

enum vlan_prio_tag {
#define X(name, text) VLAN_PRIO_TAG_##name,
	VLAN_PRIO_TAGS(X)
#undef X
		VLAN_N_PRIO_TAGS
};

/* Why a port does not take a frame. */
enum vlan_drop {
	VLAN_DROP_NONE, /* it takes it */
	VLAN_DROP_TAGGED_ON_ACCESS,
	VLAN_DROP_NOT_TRUNKED,
	VLAN_DROP_RESERVED_VID,
};

/* A set of VLAN ids. */
struct vlan_set {
	uint64_t word[64];
};

struct vlan_port {
	enum vlan_mode mode;
	enum vlan_prio_tag prio_tag;
	uint16_t tag; /* the access or native VLAN; 0 for a trunk */
	bool all;     /* carries every VLAN: no trunks were named */
	struct vlan_set trunks;
};

/* What to do to a frame on its way out. */
enum vlan_op {
	VLAN_OP_NOT_HERE, /* the port does not carry this VLAN */
	VLAN_OP_KEEP,	  /* as it is */
	VLAN_OP_PUSH,	  /* 'tci' in a new 0x8100 tag */
	VLAN_OP_SET,	  /* 'tci' into the outermost tag */
	VLAN_OP_POP,	  /* take the outermost tag off */
};

struct vlan_out {
	enum vlan_op op;
	uint16_t tci;
};

/* Control thread. */

/* A trunk that carries every VLAN: a port as it is without options. */
void vlan_port_init(struct vlan_port *p);

/* Whether the parts fit together: access and native modes need a tag of 1..4094, a trunk has none,
 * an access port has no trunks.  0 or -EINVAL with words. */
int vlan_port_check(const struct vlan_port *p, struct err *err);

/* "access", "trunk", "native-tagged", "native-untagged", "native" (= native-untagged). */
int vlan_mode_parse(const char *text, enum vlan_mode *mode, struct err *err);
int vlan_prio_tag_parse(const char *text, enum vlan_prio_tag *prio_tag, struct err *err);

/* "10", 1..4094. */
int vlan_tag_parse(const char *text, uint16_t *vid, struct err *err);

/* "1-10+20+4000-4094": ids 0..4094, ranges ascending.  0 or -EINVAL with words. */
int vlan_set_parse(const char *text, struct vlan_set *set, struct err *err);

/* The same, shortest form; as snprintf(). */
size_t vlan_set_format(const struct vlan_set *set, char *buf, size_t size);

/* Sets 'p' from option texts, any of which may be NULL (absent).  Without a mode, a tag makes an
 * access port and its absence a trunk.  Checked as vlan_port_check(). */
int vlan_port_parse(struct vlan_port *p, const char *mode, const char *tag, const char *trunks,
		    const char *prio_tag, struct err *err);

/* Any thread. */

const char *vlan_mode_text(enum vlan_mode mode);
const char *vlan_prio_tag_text(enum vlan_prio_tag prio_tag);

static inline bool vlan_set_has(const struct vlan_set *set, uint16_t vid)
{
	return set->word[vid >> 6 & 63] >> (vid & 63) & 1;
}

static inline void vlan_set_add(struct vlan_set *set, uint16_t vid)
{
	set->word[vid >> 6 & 63] |= UINT64_C(1) << (vid & 63);
}

/* Whether frames of VLAN 'vid' may leave by 'p'. */
static inline bool vlan_port_carries(const struct vlan_port *p, uint16_t vid)
{
	if (p->mode == VLAN_MODE_ACCESS)
		return vid == p->tag;
	return p->all || vlan_set_has(&p->trunks, vid) ||
	       (p->mode != VLAN_MODE_TRUNK && vid == p->tag);
}

/* The VLAN that a frame is in that came in by 'p'.  'tagged': it has an outermost tag, with 'tci'
 * (both host order).  '*vid' is set when VLAN_DROP_NONE is returned. */
enum vlan_drop vlan_port_ingress(const struct vlan_port *p, bool tagged, uint16_t tci,
				 uint16_t *vid);

/* How a frame of VLAN 'vid' leaves by 'p', given the form it has now: 'tagged' with 'tci', the
 * outermost tag as it came in.  PCP and DEI are kept where a tag stays; a tag that is put on a
 * priority-tagged frame keeps its priority too. */
struct vlan_out vlan_port_egress(const struct vlan_port *p, uint16_t vid, bool tagged,
				 uint16_t tci);

#endif
