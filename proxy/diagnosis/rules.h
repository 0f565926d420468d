/*
 * Private to classify(): what its rules share.  A rule is a pure function from
 * a report to a reason, or UNDECIDED where the report is not its business.
 */
#ifndef PROXY_DIAGNOSIS_RULES_H
#define PROXY_DIAGNOSIS_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "proxy/diagnosis/reasons.h"

struct report;

#define UNDECIDED REASON_COUNT

struct rules_code {
	long code;
	enum reason reason;
};

enum reason rules_look_up(
    const struct rules_code *table, size_t count, long code);

#define LOOK_UP(table, code)                                                   \
	rules_look_up(table, sizeof(table) / sizeof((table)[0]), code)

/* The peer ended the connection with RST. */
bool rules_is_reset(const struct report *report);

/* The two rules about TLS, see rules_tls.c. */
enum reason rules_alert(const struct report *report);
enum reason rules_tls(const struct report *report);

#endif
