/* SPDX-License-Identifier: Apache-2.0 */
#include "vlan/port_mode.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

enum { VID_MASK = 0x0fff, VID_LAST = 4094, VID_RESERVED = 4095, PCP_MASK = 0xe000 };

#define X(name, text) text,
static const char *const mode_texts[] = { VLAN_MODES(X) };
static const char *const prio_tag_texts[] = { VLAN_PRIO_TAGS(X) };
#undef X

const char *vlan_mode_text(enum vlan_mode mode)
{
	return mode < VLAN_N_MODES ? mode_texts[mode] : "unknown";
}

const char *vlan_prio_tag_text(enum vlan_prio_tag prio_tag)
{
	return prio_tag < VLAN_N_PRIO_TAGS ? prio_tag_texts[prio_tag] : "unknown";
}

/* ---- Configuration ---- */

void vlan_port_init(struct vlan_port *p)
{
	*p = (struct vlan_port){ .mode = VLAN_MODE_TRUNK, .all = true };
}

static bool set_is_empty(const struct vlan_set *set)
{
	uint64_t any = 0;

	for (unsigned int i = 0; i < 64; i++)
		any |= set->word[i];
	return !any;
}

int vlan_port_check(const struct vlan_port *p, struct err *err)
{
	const char *mode = vlan_mode_text(p->mode);

	if (p->mode >= VLAN_N_MODES || p->prio_tag >= VLAN_N_PRIO_TAGS)
		return err_set(err, -EINVAL, "VLAN mode or priority-tags out of range");
	if (p->mode == VLAN_MODE_TRUNK && p->tag)
		return err_set(err, -EINVAL,
			       "a trunk port has no tag; native-tagged and native-untagged have");
	if (p->mode != VLAN_MODE_TRUNK && (p->tag < 1 || p->tag > VID_LAST))
		return err_set(err, -EINVAL, "%s port: tag %u, must be 1..4094", mode, p->tag);
	if (p->mode == VLAN_MODE_ACCESS && !p->all)
		return err_set(err, -EINVAL, "an access port has no trunks");
	if (!p->all && set_is_empty(&p->trunks))
		return err_set(err, -EINVAL, "%s port: no VLAN in trunks", mode);
	if (!p->all && vlan_set_has(&p->trunks, VID_RESERVED))
		return err_set(err, -EINVAL, "%s port: trunks has 4095, which is reserved", mode);
	return 0;
}

int vlan_mode_parse(const char *text, enum vlan_mode *mode, struct err *err)
{
	for (int i = 0; i < VLAN_N_MODES; i++)
		if (!strcmp(text, mode_texts[i])) {
			*mode = (enum vlan_mode)i;
			return 0;
		}
	if (!strcmp(text, "native")) {
		*mode = VLAN_MODE_NATIVE_UNTAGGED;
		return 0;
	}
	return err_set(err, -EINVAL,
		       "VLAN mode '%.32s': must be access, trunk, native-tagged or native-untagged",
		       text);
}

int vlan_prio_tag_parse(const char *text, enum vlan_prio_tag *prio_tag, struct err *err)
{
	for (int i = 0; i < VLAN_N_PRIO_TAGS; i++)
		if (!strcmp(text, prio_tag_texts[i])) {
			*prio_tag = (enum vlan_prio_tag)i;
			return 0;
		}
	return err_set(err, -EINVAL, "priority-tags '%.32s': must be never, if-nonzero or always",
		       text);
}

/* Decimal digits at '*p', up to 4094; -1 if there are none or more. */
static int vid_read(const char **p)
{
	int vid = -1;

	for (; **p >= '0' && **p <= '9'; ++*p) {
		vid = (vid < 0 ? 0 : vid) * 10 + (**p - '0');
		if (vid > VID_LAST)
			return -1;
	}
	return vid;
}

int vlan_tag_parse(const char *text, uint16_t *vid, struct err *err)
{
	const char *p = text;
	int v = vid_read(&p);

	if (v < 1 || *p)
		return err_set(err, -EINVAL, "VLAN tag '%.32s': must be a number, 1..4094", text);
	*vid = (uint16_t)v;
	return 0;
}

int vlan_set_parse(const char *text, struct vlan_set *set, struct err *err)
{
	struct vlan_set s = { { 0 } };
	const char *p = text;
	int from, to;

	for (;;) {
		const char *item = p;

		from = to = vid_read(&p);
		if (from >= 0 && *p == '-') {
			p++;
			to = vid_read(&p);
		}
		if (from < 0 || to < from || (*p && *p != '+'))
			return err_set(err, -EINVAL,
				       "trunks '%.64s': at '%.16s', must be A or A-B with "
				       "0 <= A <= B <= 4094, joined by '+'",
				       text, item);
		for (int vid = from; vid <= to; vid++)
			vlan_set_add(&s, (uint16_t)vid);
		if (!*p)
			break;
		p++;
	}
	*set = s;
	return 0;
}

size_t vlan_set_format(const struct vlan_set *set, char *buf, size_t size)
{
	size_t n = 0;
	unsigned int end;

	if (size)
		buf[0] = '\0';
	for (unsigned int vid = 0; vid < 4096; vid = end + 1) {
		char *at = n < size ? buf + n : NULL;
		size_t left = n < size ? size - n : 0;

		end = vid;
		if (!vlan_set_has(set, (uint16_t)vid))
			continue;
		while (end < 4095 && vlan_set_has(set, (uint16_t)(end + 1)))
			end++;
		if (end == vid)
			n += (size_t)snprintf(at, left, "%s%u", n ? "+" : "", vid);
		else
			n += (size_t)snprintf(at, left, "%s%u-%u", n ? "+" : "", vid, end);
	}
	return n;
}

int vlan_port_parse(struct vlan_port *p, const char *mode, const char *tag, const char *trunks,
		    const char *prio_tag, struct err *err)
{
	struct vlan_port new;
	int e = 0;

	vlan_port_init(&new);
	if (tag)
		e = vlan_tag_parse(tag, &new.tag, err);
	new.mode = tag ? VLAN_MODE_ACCESS : VLAN_MODE_TRUNK;
	if (!e && mode)
		e = vlan_mode_parse(mode, &new.mode, err);
	if (!e && trunks) {
		e = vlan_set_parse(trunks, &new.trunks, err);
		new.all = false;
	}
	if (!e && prio_tag)
		e = vlan_prio_tag_parse(prio_tag, &new.prio_tag, err);
	if (!e)
		e = vlan_port_check(&new, err);
	if (!e)
		*p = new;
	return e;
}

/* ---- Verdicts ---- */

enum vlan_drop vlan_port_ingress(const struct vlan_port *p, bool tagged, uint16_t tci,
				 uint16_t *vid)
{
	uint16_t in = tagged ? tci & VID_MASK : 0;

	if (in == VID_RESERVED)
		return VLAN_DROP_RESERVED_VID; /* 802.1Q, table 9-2 */
	if (in && p->mode == VLAN_MODE_ACCESS)
		return VLAN_DROP_TAGGED_ON_ACCESS;
	if (!in)
		in = p->tag; /* 0 on a trunk */
	if (!vlan_port_carries(p, in))
		return VLAN_DROP_NOT_TRUNKED;
	*vid = in;
	return VLAN_DROP_NONE;
}

/* Whether a frame that leaves in VLAN 0 or untagged keeps a tag for its priority. */
static bool keeps_prio_tag(const struct vlan_port *p, uint16_t pcp)
{
	return p->prio_tag == VLAN_PRIO_TAG_ALWAYS || (p->prio_tag == VLAN_PRIO_TAG_NONZERO && pcp);
}

struct vlan_out vlan_port_egress(const struct vlan_port *p, uint16_t vid, bool tagged, uint16_t tci)
{
	uint16_t want = vid; /* VID in the tag; 0: none, or a priority tag */
	uint16_t now = tagged ? tci : 0;
	uint16_t then;

	if (!vlan_port_carries(p, vid))
		return (struct vlan_out){ VLAN_OP_NOT_HERE, 0 };
	if (p->mode == VLAN_MODE_ACCESS || (p->mode == VLAN_MODE_NATIVE_UNTAGGED && vid == p->tag))
		want = 0;
	if (!want && !keeps_prio_tag(p, now & PCP_MASK))
		return (struct vlan_out){ tagged ? VLAN_OP_POP : VLAN_OP_KEEP, 0 };

	then = (uint16_t)((now & ~VID_MASK) | want);
	if (!tagged)
		return (struct vlan_out){ VLAN_OP_PUSH, then };
	return (struct vlan_out){ then == now ? VLAN_OP_KEEP : VLAN_OP_SET, then };
}
