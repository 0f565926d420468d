/*
 * What the API and the page say alike about a target and a finding.  Pure;
 * all strings returned are borrowed from the arguments or static.
 */
#ifndef PROXY_ADMIN_DESCRIBE_H
#define PROXY_ADMIN_DESCRIBE_H

#include <stddef.h>
#include <stdint.h>

#include "proxy/diagnosis/reasons.h"

struct board_target;
struct conf_url;

#define DESCRIBE_ADDRESS_SIZE 300
#define DESCRIBE_ERROR_SIZE 800

/* Prometheus' label `instance`: host:port, or the path of a socket or file. */
const char *describe_address(
    const struct conf_url *url, char text[DESCRIBE_ADDRESS_SIZE]);

const char *describe_scheme(const struct conf_url *url);

/* The timeout of the last scrape, else the configured one. */
int64_t describe_timeout_ms(const struct board_target *target);

/*
 * What Prometheus 3 prints, "" if it took the answer: for a direct scrape, or,
 * where only the gate can fail so, for one through the gate.
 */
const char *describe_last_error(
    const struct board_target *target, char text[DESCRIBE_ERROR_SIZE]);

#endif
