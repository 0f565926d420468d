/*
 * The running program: opens the listeners, starts the threads, and ends them
 * in order.  The caller's thread becomes the main thread: signals, records,
 * admin and health listeners.
 *
 * Shared between threads, and nothing else: immutable counted answers, the
 * workers' counters (relaxed atomics, one writer each), standard error (one
 * write a line), configurations (counted, never changed), and mailboxes.
 */
#ifndef PROXY_SERVER_H
#define PROXY_SERVER_H

struct conf;
struct conf_source;
struct err;

/*
 * Serves until SIGTERM or SIGINT: then the doors close, running scrapes
 * finish, for at most 10 s; a second signal ends it at once.  SIGHUP loads
 * the configuration again from `source`; see reload.h.  `conf`, which came
 * from there, is served first.  Returns 0 after a clean end, -1 with `err` if
 * it could not start.
 */
int server_run(
    const struct conf_source *source, struct conf *conf, struct err *err);

#endif
