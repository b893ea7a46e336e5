/* SPDX-License-Identifier: Apache-2.0 */
/* Blanks what a reading of resource.def has no use for, when RESOURCE alone (or ELEMENT and it) is
 * defined. */
#ifndef ELEMENT
#define ELEMENT(...)
#endif
#define ID(...)
#define PARENT(...)
#define TEXT(...)
#define BOOL(...)
#define NUM(...)
#define ENUM(...)
#define MAC(...)
#define IP(...)
#define CIDR(...)
#define HOSTS(...)
#define TIME(...)
#define LIST(...)
#define ONE(...)
#define TEXTS(...)
#define IPS(...)
#define CIDRS(...)
#define DICT(...)
#define ALIAS(...)
#define CALC(...)
#define FIXED(...)
#define END(...)
