/* One GET for a command: what serve would fetch from that URL. */
#ifndef PROXY_CLI_FETCH_URL_H
#define PROXY_CLI_FETCH_URL_H

#include <stdbool.h>
#include <stddef.h>

struct err;

struct fetched {
	char *body; /* malloc'd */
	size_t len;
	char *content_type; /* malloc'd; NULL if there was none */
};

/*
 * http, https or unix, as targets[].url.  Waits at most 30 s.  -1 with
 * the reason's id and words in `err`.
 */
int fetch_url(struct fetched *fetched, const char *url, struct err *err);
void fetched_fini(struct fetched *fetched);

#endif
