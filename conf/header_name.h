/*
 * Which headers http_headers may set, and rewrites may read.
 */
#ifndef CONF_HEADER_NAME_H
#define CONF_HEADER_NAME_H

struct err;

/*
 * A token (RFC 9110 5.6.2) that is not the gate's own business: framing,
 * hop-by-hop, negotiation, credentials (they have keys of their own) and the
 * scrape's own headers.  Prometheus reserves the same kinds.
 */
int conf_header_name_check(const char *name, struct err *err);

/* A token that a scraper may send something in, other than credentials. */
int conf_header_name_check_readable(const char *name, struct err *err);

#endif
