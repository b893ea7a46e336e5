/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptor rows of the tenant resources, and what can be done with attributes by rows alone.
 *
 * resource.def, read a second time.  Who wants to handle "any resource" (the northbound engine, the
 * records) walks these rows; who knows which resource it has uses the structs of world.h.
 *
 * Constant data; any thread.
 */
#ifndef WEFT_CONTROLLER_RESOURCE_H
#define WEFT_CONTROLLER_RESOURCE_H

#include <jansson.h>

#include "controller/world.h"

enum attr_type {
	ATTR_ID,
	ATTR_TEXT,
	ATTR_BOOL,
	ATTR_NUM,
	ATTR_ENUM,
	ATTR_MAC,
	ATTR_IP,
	ATTR_CIDR,
	ATTR_TIME,
	ATTR_LIST,
	ATTR_TEXTS,
	ATTR_IPS,
	ATTR_CIDRS,
	ATTR_DICT,
	ATTR_CALC,
	ATTR_FIXED,
};

/* The letters of resource.def. */
enum attr_right {
	RIGHT_CREATE = 1 << 0,
	RIGHT_UPDATE = 1 << 1,
	RIGHT_REQUIRED = 1 << 2,
	RIGHT_NULL = 1 << 3,
	RIGHT_HIDDEN = 1 << 6,
	RIGHT_SORT = 1 << 7,
	RIGHT_ALIAS = 1 << 8,	    /* the member is another row's */
	RIGHT_PARENT = 1 << 9,	    /* ID: the object's path is below that one's */
	RIGHT_WRITE_ONLY = 1 << 10, /* may be given, is not shown */
	RIGHT_INTEGER = 1 << 11,    /* TEXT: an integer is taken as its digits */
	RIGHT_PREFIX = 1 << 12,	    /* CIDR: with its length, and no bits beyond that */
};

/* What a number of an enum is stored in is compiler's choice; all of ours are this wide. */
_Static_assert(sizeof(enum net_type) == 4 && sizeof(enum ipv6_mode) == 4 &&
		       sizeof(enum vnic_type) == 4 && sizeof(enum sg_direction) == 4 &&
		       sizeof(enum sg_ethertype) == 4,
	       "enum members are read as uint32_t");

struct shape;

struct attr {
	enum attr_type type;
	uint32_t rights;
	const char *member; /* also the name of the record's field; NULL: no member */
	const char *name;
	size_t offset;		     /* of the member */
	size_t n_offset;	     /* of n_member: lists */
	uint32_t min, max;	     /* NUM: value; TEXT, TEXTS: max characters; DICT: max bytes */
	uint32_t max_n;		     /* lists */
	uint32_t preset;	     /* NUM, ENUM, BOOL: default; CIDR: 1 when it is HOSTS */
	const char *text;	     /* TEXT: default; FIXED: its value as JSON */
	const char *const *words;    /* ENUM */
	const struct shape *element; /* LIST */
	bool one;		     /* LIST: an object or null, as ONE declares it */
	int of;			     /* ID: enum world_kind that it must name; -1: none */
	enum attr_type calc_type;    /* CALC: as what it is filtered and sorted */
	json_t *(*calc)(const struct world_obj *o);
};

/* A struct of attributes. */
struct shape {
	const char *noun;
	size_t size;
	const struct attr *attrs;
	size_t n;
};

struct resource {
	enum world_kind kind;
	uint32_t kept;		       /* its number in the store */
	const char *name, *collection; /* in bodies and paths */
	const struct attr *tenant;     /* the row of its project */
	const struct attr *parent;     /* its row; NULL: the path begins with the collection */
	const char *type;	       /* "Network": in the names of errors */
	char plural[32];	       /* the collection in bodies: "security_groups" */
	struct shape shape;
};

/* By world_kind. */
extern struct resource resources[N_RESOURCES];

const struct attr *attr_find(const struct shape *s, const char *name);

/* Sets every member to its default.  'p' is raw memory of s->size bytes. */
void attrs_init(const struct shape *s, void *p);
/* Frees what the members own and zeroes them. */
void attrs_fini(const struct shape *s, void *p);
/* Frees one member's value and zeroes it. */
void attr_clear(const struct attr *a, void *p);
/* A deep copy into raw memory. */
void attrs_copy(const struct shape *s, void *dst, const void *src);

/* Many of something: a pointer to them and how many. */
static inline bool attr_is_list(const struct attr *a)
{
	return a->type == ATTR_LIST || a->type == ATTR_TEXTS || a->type == ATTR_IPS ||
	       a->type == ATTR_CIDRS;
}

/* The size of one of them. */
size_t attr_item_size(const struct attr *a);

static inline void *attr_at(const struct attr *a, const void *p)
{
	return (char *)(uintptr_t)p + a->offset;
}

static inline size_t *attr_n(const struct attr *a, const void *p)
{
	return (size_t *)(void *)((char *)(uintptr_t)p + a->n_offset);
}

/* The functions that say the values of CALC rows. */
#define RESOURCE(...)
#include "controller/resource_blank.h"
#undef CALC
#define CALC(name, type, fn, rights) json_t *fn(const struct world_obj *o);
#include "controller/resource.def"
#include "controller/resource_undef.h"

#endif
