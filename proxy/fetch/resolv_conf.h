/*
 * resolv.conf as plain data, and which names to ask for.  Pure.
 */
#ifndef PROXY_FETCH_RESOLV_CONF_H
#define PROXY_FETCH_RESOLV_CONF_H

#include <stddef.h>
#include <sys/socket.h>

#define RESOLV_SERVERS_MAX 3
#define RESOLV_SEARCH_MAX 32
#define RESOLV_NAME_MAX 254

struct resolv_server {
	struct sockaddr_storage address;
	socklen_t len;
	char text[64]; /* "10.0.0.2:53" */
};

struct resolv_conf {
	struct resolv_server servers[RESOLV_SERVERS_MAX];
	unsigned server_count; /* at least 1: 127.0.0.1 */
	char search[RESOLV_SEARCH_MAX][RESOLV_NAME_MAX];
	unsigned search_count;
	unsigned ndots;
	unsigned timeout_s;
	unsigned attempts;
};

/*
 * Unknown lines and options are ignored, as everybody does.  `host` is the
 * machine's own name: its domain is searched if the file names none.  A server
 * may have a port ("127.0.0.1:5353").
 */
void resolv_conf_parse(
    struct resolv_conf *conf, const char *text, const char *host);

/*
 * The nth name to ask for, in lower case and without final dot; -1 if there is
 * none.  A name with fewer dots than ndots is searched first, others last; one
 * with a final dot never.
 */
int resolv_conf_candidate(const struct resolv_conf *conf, const char *name,
    unsigned nth, char out[RESOLV_NAME_MAX]);

#endif
