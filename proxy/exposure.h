/*
 * Is there a way around the gate?  An exporter that is meant to be reached on
 * loopback only may listen on all addresses: its port is tried at the other
 * addresses of this host (or pod, or network namespace), one after the other,
 * and the connection closed at once.
 *
 * Main thread; never blocks.  Makes no connection but to own addresses.
 */
#ifndef PROXY_EXPOSURE_H
#define PROXY_EXPOSURE_H

#include <stddef.h>

struct conf;
struct event_base;
struct exposure;

struct exposure_options {
	struct event_base *base;
	/* `addresses` where it answers, or "" for none; not from within
	 * exposure_check(). */
	void (*judged)(void *arg, const char *target, const char *addresses);
	void *arg;
};

struct exposure *exposure_new(const struct exposure_options *options);
void exposure_free(struct exposure *exposure); /* NULL is fine */

/*
 * Goes by `conf` from now on and looks at all its targets; what is under way
 * is given up.  `conf` lives until the next call.
 */
void exposure_switch(struct exposure *exposure, const struct conf *conf);

/* Looks at one target again, as soon as what is under way is done. */
void exposure_check(struct exposure *exposure, size_t target);

#endif
