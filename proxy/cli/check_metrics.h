/* scrapegate check-metrics: would Prometheus take this? */
#ifndef PROXY_CLI_CHECK_METRICS_H
#define PROXY_CLI_CHECK_METRICS_H

struct err;

/*
 * The arguments behind the subcommand.  0: Prometheus takes it; 1: it does
 * not, or it cannot be read; -1: wrong usage, with `err`.
 */
int cli_check_metrics(int argc, char *const *argv, struct err *err);

#endif
