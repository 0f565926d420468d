/*
 * What a scraper asks for, taken from the parts of a request: pure functions
 * over strings that the guard has let through.
 */
#ifndef PROXY_GATE_REQUEST_H
#define PROXY_GATE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf_query_rule;
struct conf_target;

/* Splits "/path?query" in place-free manner; *query is NULL if there is none.
 */
void request_split(const char *uri, size_t *path_len, const char **query);

/*
 * The canonical query to send to the exporter: the target's URL query and
 * params (config order kept as Prometheus would send them: sorted by name),
 * plus what the scraper added and query rules allow; decoded, sorted by name
 * (values of one name keep their order), form-encoded again as Go does.  A
 * name `skip` (exporter_exporter's "module") is left out once; NULL for none.
 * Returns malloc'd text, "" if empty; NULL if not allowed, with `refused` set
 * to the escaped "name" or "name=value" that was not.  Bad percent escapes,
 * %00 and ';' are never allowed (Go would drop such a parameter, others would
 * split it), nor are more than 64 parameters; a `target` that is inside (below)
 * only if it is one of the values that the configuration lists.
 * *is_extended says that the scraper added anything.
 */
char *request_query(const struct conf_target *target, const char *query,
    const char *skip, bool *is_extended, char *refused, size_t refused_size);

/*
 * Does a value of the parameter `target` (a URL, HOST:PORT or HOST) name what
 * only the exporter's own pod or host should reach: a loopback, link-local or
 * unspecified address in any spelling, such a name, or the Kubernetes API?
 * Where a target is so, one that is to be scraped has to be written out in the
 * configuration.  Names are not resolved.  `api_host` may be NULL.
 */
bool request_target_is_inside(const char *value, const char *api_host);

/*
 * First value of `name` in a raw query, decoded, malloc'd; NULL if there is
 * none or it cannot be decoded.
 */
char *request_query_value(const char *query, const char *name);

/*
 * The same, but NULL if `name` is there more than once: for what is decided by
 * the value, while the exporter gets them all.
 */
char *request_query_only_value(const char *query, const char *name);

/*
 * Does Accept-Encoding take gzip (q > 0)?  NULL, nonsense or more than 1 KiB:
 * no.  RFC 9110 12.5.3.
 */
bool request_accepts_gzip(const char *accept_encoding);

/*
 * The Accept to send on: verbatim if 1 to 1024 printable ASCII bytes, else the
 * text format's.  Never NULL; borrowed from the argument or static.
 */
const char *request_accept(const char *accept);

/*
 * X-Prometheus-Scrape-Timeout-Seconds in milliseconds: at least 100, at most
 * `max_ms`; `default_ms` if the header is missing or no positive number.
 */
int64_t request_timeout_ms(
    const char *header, int64_t default_ms, int64_t max_ms);

/* The time left for the answer: T - min(offset, T/10), at least 50 ms off. */
int64_t request_answer_ms(int64_t timeout_ms, int64_t offset_ms);

#endif
