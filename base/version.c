/* SPDX-License-Identifier: Apache-2.0 */
#include "base/version.h"

/* The Makefile compiles this file again whenever the version is another. */
const char weft_version[] = WEFT_VERSION;
