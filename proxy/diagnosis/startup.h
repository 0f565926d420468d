/*
 * The words of a failure within startup_grace: an exporter that has not
 * answered yet may only be starting.  Its id stays what it is; the status is
 * 503 with Retry-After, which says "not yet" where 502 says "broken".  Pure.
 */
#ifndef PROXY_DIAGNOSIS_STARTUP_H
#define PROXY_DIAGNOSIS_STARTUP_H

#include <stdint.h>

struct finding;

/* `age_us` since the gate began to serve the target. */
void finding_starting_up(
    struct finding *finding, uint64_t age_us, int64_t grace_ms);

#endif
