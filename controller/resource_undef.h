/* SPDX-License-Identifier: Apache-2.0 */
/* Ends one reading of resource.def.  No include guard: it is read once for each reading. */
#undef RESOURCE
#undef ELEMENT
#undef ID
#undef PARENT
#undef TEXT
#undef BOOL
#undef NUM
#undef ENUM
#undef MAC
#undef IP
#undef CIDR
#undef HOSTS
#undef TIME
#undef LIST
#undef ONE
#undef TEXTS
#undef IPS
#undef CIDRS
#undef DICT
#undef ALIAS
#undef CALC
#undef FIXED
#undef END
