/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which masks share a tuple: the plan that the tuple template builds by.
 *
 * Pure functions on the caller's memory; control thread.
 */
#ifndef WEFT_DATAPATH_CLS_PLAN_H
#define WEFT_DATAPATH_CLS_PLAN_H

#include "datapath/cls.h"

/*
 * Writes up to 'max' masks to 'out', so that each rule of the shape has one within its own mask. As
 * long as there are no more than 'keep' different masks, each gets one of its own.  Returns how
 * many, or -ENOMEM.
 */
int cls_plan(const struct cls_shape *s, unsigned int keep, unsigned int max, struct cls_mask *out);

#endif
