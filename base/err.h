/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An error in words: what was wrong, where, and what would be right.
 *
 * Functions that can fail on user input take a 'struct err *' (NULL: words not wanted) and
 * return 0 or -errno.  The caller owns the struct; one thread at a time.
 */
#ifndef WEFT_BASE_ERR_H
#define WEFT_BASE_ERR_H

struct err {
	char text[512];
};

/* Sets the words and returns 'code', so that a caller can 'return err_set(e, -EINVAL, ...)'. */
__attribute__((format(printf, 3, 4))) int err_set(struct err *e, int code, const char *fmt, ...);

/* Puts "context: " before the words that are there; returns 'code'. */
__attribute__((format(printf, 3, 4))) int err_wrap(struct err *e, int code, const char *fmt, ...);

#endif
