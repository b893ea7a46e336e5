/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom the controller is to Keystone: the credentials with which it gets a token of its own.
 *
 * Read once at start, from a file that nobody else can read or from the environment, by the names
 * that OpenStack's clients use (OS_USERNAME ...).  Kept as the body of the request that they are
 * for, which is wiped at the end.
 *
 * Any thread.
 */
#ifndef WEFT_CONTROLLER_KEYSTONE_LOGIN_H
#define WEFT_CONTROLLER_KEYSTONE_LOGIN_H

#include "base/err.h"

/* The body of POST /v3/auth/tokens; NULL with words.  'path' NULL: from the environment. */
char *keystone_login_read(const char *path, struct err *e);
/* Overwrites and frees.  NULL is fine. */
void keystone_wipe(char *secret);

#endif
