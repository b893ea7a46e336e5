/* SPDX-License-Identifier: Apache-2.0 */
/* A queue as --port and weftctl say it: "ID:min=RATE:max=RATE:len=N". */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/queue.h"
#include "ofproto/wire.h"

/* A number without sign or blanks, at most 'max'; '*end' is what follows. */
static int number(const char *text, uint64_t max, uint64_t *out, char **end)
{
	errno = 0;
	*out = strtoull(text, end, 10);
	return *text < '0' || *text > '9' || errno || *out > max ? -EINVAL : 0;
}

int queue_rate_parse(const char *text, uint64_t *bps, struct err *e)
{
	static const char units[] = "kMGT";
	uint64_t unit = 1;
	char *end;
	int rc = number(text, QUEUE_RATE_MAX, bps, &end);

	if (!rc && *end) {
		const char *u = strchr(units, *end);

		for (const char *s = units; u && s <= u; s++)
			unit *= 1000;
		if (!u || end[1])
			rc = -EINVAL;
	}
	if (rc || *bps > QUEUE_RATE_MAX / unit || *bps * unit < QUEUE_RATE_MIN)
		return err_set(e, -EINVAL,
			       "'%s' is no rate: bit/s from 1k to 1T, as in 500k, 20M or 10G",
			       text);
	*bps *= unit;
	return 0;
}

static int word(struct queue_cfg *c, const char *text, struct err *e)
{
	uint64_t len;
	char *end;

	if (!strncmp(text, "min=", 4))
		return queue_rate_parse(text + 4, &c->min, e);
	if (!strncmp(text, "max=", 4))
		return queue_rate_parse(text + 4, &c->max, e);
	if (strncmp(text, "len=", 4))
		return err_set(e, -EINVAL, "'%s': min=RATE, max=RATE or len=N may follow the id",
			       text);
	if (number(text + 4, QUEUE_LEN_MAX, &len, &end) || *end || !len)
		return err_set(e, -EINVAL, "%s: 1 to %d frames are right", text, QUEUE_LEN_MAX);
	c->len = (uint32_t)len;
	return 0;
}

int queue_cfg_parse(const char *text, struct queue_cfg *out, struct err *e)
{
	char copy[128], *save = NULL, *end;
	uint64_t id;
	int rc = 0;

	*out = (struct queue_cfg){ .len = QUEUE_LEN };
	if (strlen(text) >= sizeof(copy))
		return err_set(e, -EINVAL, "queue: %zu characters are too many", strlen(text));
	strcpy(copy, text);
	/* OFPQ_ALL is no queue's id. */
	if (number(copy, OFPQ_ALL - 1, &id, &end) || (*end && *end != ':'))
		return err_set(e, -EINVAL,
			       "queue '%s': a number, as in 1 or 1:min=10M:max=50M, is right",
			       text);
	out->id = (uint32_t)id;
	for (char *t = strtok_r(end, ":", &save); t && !rc; t = strtok_r(NULL, ":", &save))
		rc = word(out, t, e);
	if (!rc && out->max && out->min > out->max)
		rc = err_set(e, -EINVAL, "its minimum is more than its maximum");
	return rc ? err_wrap(e, rc, "queue %u", out->id) : 0;
}
