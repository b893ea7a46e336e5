/* SPDX-License-Identifier: Apache-2.0 */
/* Which Weft this is.  Constant; any thread. */
#ifndef WEFT_BASE_VERSION_H
#define WEFT_BASE_VERSION_H

/* `git describe` of the tree it was built from, "unknown" outside of one. */
extern const char weft_version[];

#endif
