/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thread roles, checked by clang's -Wthread-safety in `make lint`.
 *
 * CONTROL functions belong to the control thread (libev: OpenFlow agent, ports, tables), PMD
 * functions to the packet threads.  A function without a role may be called by both.  The roles are
 * capabilities that a thread's main function asserts once; nothing exists at run time.
 */
#ifndef WEFT_DATAPATH_ROLE_H
#define WEFT_DATAPATH_ROLE_H

#if defined(__clang__)
#define ROLE_CAPABILITY	 __attribute__((capability("role")))
#define ROLE_REQUIRES(x) __attribute__((requires_capability(x)))
#define ROLE_ASSERTS(x)	 __attribute__((assert_capability(x)))
#else
#define ROLE_CAPABILITY
#define ROLE_REQUIRES(x)
#define ROLE_ASSERTS(x)
#endif

struct ROLE_CAPABILITY role {
	char none;
};

extern struct role role_control, role_pmd;

#define CONTROL ROLE_REQUIRES(role_control)
#define PMD	ROLE_REQUIRES(role_pmd)

/* The first statement of a thread's main function, of a libev callback and of a test. */
static inline void role_assume_control(void) ROLE_ASSERTS(role_control)
{
}

static inline void role_assume_pmd(void) ROLE_ASSERTS(role_pmd)
{
}

#endif
