/*
 * The admin listener's pages: API, own metrics, health, the targets page; and
 * the two health paths for kubelet.  Main thread.
 *
 * The listener has no authentication, so it answers only to a Host and an
 * Origin that name the listener itself (loopback names and literals, or the
 * configured address): a web page in somebody's browser must not read it.
 */
#ifndef PROXY_ADMIN_ADMIN_H
#define PROXY_ADMIN_ADMIN_H

struct admin_view;
struct evhttp;
struct evhttp_request;

/* Answers one request to the admin listener.  `view` is read, not kept. */
void admin_handle(struct evhttp_request *req, const struct admin_view *view);

/* Answers one request to the health listener: two paths, no Host check. */
void admin_handle_health(
    struct evhttp_request *req, const struct admin_view *view);

#endif
