/*
 * Where a 3xx leads, and whether the configuration lets us go there.  Go's
 * rules: 301, 302, 303, 307 and 308 with a Location, at most ten.  Pure.
 */
#ifndef PROXY_FETCH_REDIRECT_H
#define PROXY_FETCH_REDIRECT_H

#include <stdbool.h>

#include "conf/conf.h"

struct http_url;

enum redirect {
	REDIRECT_NONE, /* the answer is the answer */
	REDIRECT_FOLLOW,
	REDIRECT_REFUSED, /* follow_redirects forbids it */
	REDIRECT_BAD,     /* unparsable, or a scheme nobody scrapes */
	REDIRECT_LOOP     /* the eleventh */
};

/*
 * `own` is the target's URL, `here` what answered, `location` NULL if there
 * was none.  `next` is filled in for REDIRECT_FOLLOW only.
 */
enum redirect redirect_judge(enum conf_redirects policy,
    const struct http_url *own, const struct http_url *here, int status,
    const char *location, int followed, struct http_url *next);

bool redirect_is_same_origin(
    const struct http_url *a, const struct http_url *b);

#endif
