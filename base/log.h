/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logging to standard error, one line an event: "time level module: text".
 *
 * Each call site is limited to LOG_BURST lines and then one a second; what was held back is
 * counted and said with the next line.  Control threads only: PMD threads count, never log.
 */
#ifndef WEFT_BASE_LOG_H
#define WEFT_BASE_LOG_H

#include <stdint.h>

enum log_level { LOG_ERR, LOG_WARN, LOG_INFO, LOG_DBG };

enum { LOG_BURST = 20 };

/* Per call site. */
struct log_site {
	uint64_t second;     /* monotonic second of the last token */
	uint32_t tokens;     /* lines that may still go out; 0 in a fresh site means LOG_BURST */
	uint32_t suppressed; /* lines held back since the last one that went out */
	uint8_t begun;
};

/* "error", "warn", "info" or "debug"; 0 or -EINVAL. */
int log_set_level(const char *name);
enum log_level log_level(void);

/* Called once by main(); 'program' stands before each module. */
void log_init(const char *program);

__attribute__((format(printf, 4, 5))) void log_at(struct log_site *site, enum log_level level,
						  const char *module, const char *fmt, ...);

#define LOG_AT(level, module, ...)                                      \
	do {                                                            \
		static struct log_site log_site_;                       \
		if ((level) <= log_level())                             \
			log_at(&log_site_, level, module, __VA_ARGS__); \
	} while (0)

#define log_err(module, ...)  LOG_AT(LOG_ERR, module, __VA_ARGS__)
#define log_warn(module, ...) LOG_AT(LOG_WARN, module, __VA_ARGS__)
#define log_info(module, ...) LOG_AT(LOG_INFO, module, __VA_ARGS__)
#define log_dbg(module, ...)  LOG_AT(LOG_DBG, module, __VA_ARGS__)

#endif
