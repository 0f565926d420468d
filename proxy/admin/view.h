/*
 * What the admin side may look at.  Everything is borrowed from the server
 * and read on the main thread.
 */
#ifndef PROXY_ADMIN_VIEW_H
#define PROXY_ADMIN_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct auth_backend;
struct board;
struct conf;
struct handshakes;
struct journal;
struct notices;
struct pod_status;
struct refusals;
struct stats;
struct tls_certificate;

struct admin_view {
	const struct conf *conf;
	const struct board *board;
	const struct notices *notices; /* one per target; NULL: none yet */
	struct stats *const *stats;    /* one per worker */
	size_t stats_count;
	uint64_t start_wall_us;
	/* What ends some day, the server's leaf first; none without TLS. */
	const struct tls_certificate *certificates;
	size_t certificate_count;
	const struct handshakes *handshakes; /* those that failed */
	struct refusals *refusals;           /* who was not let in */
	const struct auth_backend *backend;  /* NULL: nobody is asked */
	struct journal *journal;             /* NULL: there is none */
	const struct pod_status *pod;        /* NULL: not known */
	bool is_ready;    /* configuration and certificates loaded */
	bool is_draining; /* SIGTERM was received */
	const char *not_ready_reason; /* e.g. "certificate_missing", or NULL */
	bool admin_listen_failed;     /* the admin port was taken */
	uint64_t config_loaded_wall_us;
	bool last_reload_ok;
	const char *last_reload_error; /* lines; NULL: none */
	/* Before a request is answered: takes in what has been posted. */
	void (*catch_up)(void *arg);
	void *catch_up_arg;
	/* POST /-/reload: NULL, or what is wrong. */
	const char *(*reload)(void *arg);
	void *reload_arg;
};

#endif
