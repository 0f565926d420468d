/*
 * How full a listening socket's queue is, asked of the kernel by
 * NETLINK_SOCK_DIAG: /proc/net/tcp does not tell the length of the queue.
 *
 * The kernel answers before sendmsg(2) returns, so this waits for nothing, the
 * first time aside, when it may have to load a module: ask once where waiting
 * does no harm.
 */
#ifndef PROXY_KERNEL_SOCK_DIAG_H
#define PROXY_KERNEL_SOCK_DIAG_H

#include <stdbool.h>
#include <stddef.h>

#include "proxy/kernel/listeners.h"

struct listen_queue {
	bool is_known;
	enum listener_match match;
	unsigned waiting; /* connections not accepted yet: ss' Recv-Q */
	unsigned room;    /* the backlog: ss' Send-Q */
};

/* The kernel takes one more than the backlog; then it drops who comes. */
bool listen_queue_is_full(const struct listen_queue *queue);

/*
 * Of the listener that `address` reaches in the own network namespace; of
 * several that are bound alike the fullest.  Not known: nobody listens, or the
 * kernel will not say.
 */
void sock_diag_ask(
    const struct listener_address *address, struct listen_queue *queue);

/* Pure: what one datagram of the answer says; false behind the last. */
bool sock_diag_take(const void *bytes, size_t len,
    const struct listener_address *address, struct listen_queue *queue);

#endif
