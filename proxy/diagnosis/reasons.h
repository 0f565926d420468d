/*
 * Every way an exchange can end: THE table (reasons.def), read for the enum,
 * the status line, header, body, log, metrics, API and manual.
 *
 * Ids are stable: they are labels, anchors and what people grep for.
 */
#ifndef PROXY_DIAGNOSIS_REASONS_H
#define PROXY_DIAGNOSIS_REASONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum layer {
	LAYER_NONE, /* ok */
	LAYER_DNS,
	LAYER_TCP,
	LAYER_TLS,
	LAYER_AUTH,
	LAYER_HTTP,
	LAYER_TIMEOUT,
	LAYER_BODY,
	LAYER_LIMIT,
	LAYER_EXPOSITION,
	LAYER_GATE, /* the gate's own refusals */
	LAYER_COUNT
};

/*
 * REASON(NAME, id, layer, status, words, lasterror, cause, fix)
 *   words      after "ID: " in the status line; {fields} of struct facts
 *   lasterror  what Prometheus 3 prints for a direct scrape; "" for the gate's
 *              own ids, which no direct scrape can meet
 *   cause, fix body text; {fields} too
 */
enum reason {
#define REASON(name, id, layer, status, words, lasterror, cause, fix)          \
	REASON_##name,
#include "proxy/diagnosis/reasons.def"
#undef REASON
	REASON_COUNT
};

struct reason_row {
	const char *id;
	enum layer layer;
	int status;
	const char *words;
	const char *lasterror;
	const char *cause;
	const char *fix;
};

/* REASON_OK is row 0: id "ok", status 200. */
const struct reason_row *reason_row(enum reason reason);
/* By its id; false if no row has it. */
bool reason_find(const char *id, enum reason *reason);
const char *layer_name(enum layer layer); /* "dns", "tcp", ... */

/*
 * What the templates may name.  Borrowed strings, valid during the call; NULL
 * where unknown, which prints as "unknown".  All are printable ASCII already
 * (see facts_escape()).
 */
struct facts {
	const char *target;   /* {target} name in the configuration */
	const char *url;      /* {url} upstream URL, user info masked */
	const char *host;     /* {host} */
	const char *port;     /* {port} */
	const char *address;  /* {address} ip:port dialled, or unix path */
	const char *network;  /* {network} "tcp" or "unix" */
	const char *server;   /* {server} name server asked */
	const char *place;    /* {place} " (scrapegate.yml:14)" or "" */
	const char *detail;   /* {detail} what was measured, per id */
	const char *status;   /* {status} "503 Service Unavailable" */
	const char *elapsed;  /* {elapsed} "9.5s" */
	const char *timeout;  /* {timeout} "10s", the scraper's own */
	const char *bytes;    /* {bytes} body bytes received */
	const char *method;   /* {method} of the scraper's request */
	const char *path;     /* {path} of the scraper's request, escaped */
	const char *listener; /* {listener} command: who listens there? */
	const char *normal;   /* {normal} ", normally 0.31s", or "" */
	const char *enough;   /* {enough} "14s", a timeout for this one */
	const char *said;     /* {said} Prometheus 3 of this body; any bytes */
};

/*
 * Expands `template` into `out` (always terminated), cutting at `size` with a
 * "..." at the end.  The result holds printable ASCII only; with
 * `keep_newlines` line feeds stay.  Pure.
 */
size_t facts_expand(char *out, size_t size, const char *template,
    const struct facts *facts, bool keep_newlines);

/*
 * Writes the manual of all reasons (proxy/diagnosis/README.md): one heading,
 * hence one stable anchor, per id.
 */
void reasons_manual(FILE *out);

/* Escapes foreign bytes to printable ASCII as Go's %q does, without quotes. */
size_t facts_escape(char *out, size_t size, const char *bytes, size_t len);

#endif
