/*
 * The main thread's own listeners: admin and health.
 */
#ifndef PROXY_DESK_H
#define PROXY_DESK_H

struct admin_view;
struct desk;
struct err;
struct event_base;

/*
 * Opens what view->conf names.  `view` outlives them; its
 * admin_listen_failed is set if only the admin listener could not be opened,
 * which is no failure: scrapes matter more than their explanation.
 */
struct desk *desk_open(
    struct event_base *base, struct admin_view *view, struct err *err);
void desk_close(struct desk *desk);

#endif
