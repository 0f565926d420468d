/*
 * Why a call of our own brought no answer, in Go's words where it has some:
 * what client-go would have logged.  Pure.
 */
#ifndef PROXY_BACKEND_EXPLAIN_H
#define PROXY_BACKEND_EXPLAIN_H

#include <stddef.h>
#include <stdint.h>

struct conf_target;
struct report;

/*
 * Printable ASCII, at most `size`.  `target` is what was called, and its
 * body_size_limit one byte more than was allowed.  A report that ended by
 * ATTEMPT_TIMEOUT says in which step time ran out.
 */
void explain_failure(char *out, size_t size, const struct report *report,
    const struct conf_target *target, unsigned timeout_ms);

#endif
