/*
 * What proves us to the exporter: basic_auth, authorization and http_headers
 * as header lines, in Prometheus' words where a file cannot be read.
 *
 * Files are read when they are used and kept until they change, so a rotated
 * password needs no reload.  At most 64 KiB each; white space around the
 * content is dropped, as Prometheus does.  Fetch thread.
 */
#ifndef PROXY_FETCH_CREDENTIALS_H
#define PROXY_FETCH_CREDENTIALS_H

struct conf_strings;
struct conf_target;
struct credentials;
struct err;

struct credentials *credentials_new(void);
void credentials_free(struct credentials *credentials);

/*
 * Appends "Authorization: ..." and the configured headers to `lines`.  -1 with
 * `err`; what was appended stays.
 */
int credentials_append(struct credentials *credentials,
    const struct conf_target *target, struct conf_strings *lines,
    struct err *err);

/* Lines may hold secrets: these wipe them. */
void credentials_free_lines(struct conf_strings *lines);

#endif
