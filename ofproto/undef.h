/* SPDX-License-Identifier: Apache-2.0 */
/* Ends one reading of of13.def.  No include guard: it is read once for each reading. */
#undef STRUCT
#undef U8
#undef U16
#undef U32
#undef U64
#undef BYTES
#undef U32S
#undef PAD
#undef SIZE
#undef LEN
#undef MATCH
#undef OXM
#undef OXM_MASKED
#undef OXM_ID
#undef OXM_ID_SHORT
#undef OFS_NBITS
#undef OXM_ID_OF
#undef SUB
#undef LIST
#undef ARRAY
#undef BODY
#undef MSG
#undef WORDS
#undef IDS
#undef REST
#undef END
