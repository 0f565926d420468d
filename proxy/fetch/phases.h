/*
 * The phases of one upstream attempt, in the order they happen.  The five in
 * the middle are blackbox_exporter's (probe_http_duration_seconds), so
 * dashboards compare.
 */
#ifndef PROXY_FETCH_PHASES_H
#define PROXY_FETCH_PHASES_H

#include <stdint.h>

enum phase {
	PHASE_QUEUE,      /* request head complete -> attempt started */
	PHASE_RESOLVE,    /* the name */
	PHASE_CONNECT,    /* TCP or unix connect */
	PHASE_TLS,        /* handshake */
	PHASE_PROCESSING, /* request sent -> first byte of the answer */
	PHASE_TRANSFER,   /* first byte -> last */
	PHASE_PARSE,      /* judging and inflating here */
	PHASE_COUNT
};

/* Microseconds; 0 when skipped (a kept-alive connection has no connect). */
struct phases {
	uint64_t us[PHASE_COUNT];
};

const char *phase_name(enum phase phase); /* "queue", "resolve", ... */

#endif
