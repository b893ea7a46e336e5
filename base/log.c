/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const names[] = { "error", "warn", "info", "debug" };
static enum log_level threshold = LOG_INFO;
static const char *program = "weft";

void log_init(const char *name)
{
	program = name;
	setvbuf(stderr, NULL, _IOLBF, 0);
}

int log_set_level(const char *name)
{
	for (unsigned int i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(names[i], name)) {
			threshold = (enum log_level)i;
			return 0;
		}
	return -EINVAL;
}

enum log_level log_level(void)
{
	return threshold;
}

/* A bucket of LOG_BURST tokens that fills by one a second. */
static int site_admits(struct log_site *s)
{
	struct timespec now;
	uint64_t fresh;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!s->begun) {
		s->begun = 1;
		s->tokens = LOG_BURST;
		s->second = (uint64_t)now.tv_sec;
	}
	fresh = (uint64_t)now.tv_sec - s->second;
	if (fresh) {
		s->tokens = fresh > LOG_BURST ? LOG_BURST : s->tokens + (uint32_t)fresh;
		if (s->tokens > LOG_BURST)
			s->tokens = LOG_BURST;
		s->second = (uint64_t)now.tv_sec;
	}
	if (!s->tokens) {
		s->suppressed++;
		return 0;
	}
	s->tokens--;
	return 1;
}

void log_at(struct log_site *s, enum log_level level, const char *module, const char *fmt, ...)
{
	char when[32], text[1024];
	struct timespec now;
	struct tm tm;
	va_list ap;

	if (level > threshold || (level != LOG_DBG && !site_admits(s)))
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (s->suppressed)
		fprintf(stderr, "%s.%03ldZ %s %s/%s: %s (%u like it held back)\n", when,
			now.tv_nsec / 1000000, names[level], program, module, text, s->suppressed);
	else
		fprintf(stderr, "%s.%03ldZ %s %s/%s: %s\n", when, now.tv_nsec / 1000000,
			names[level], program, module, text);
	s->suppressed = 0;
}
