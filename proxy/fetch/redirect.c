#include "proxy/fetch/redirect.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/base/alloc.h"
#include "proxy/base/http_client.h"

#define FOLLOWED_MAX 10

bool
redirect_is_same_origin(const struct http_url *a, const struct http_url *b)
{
	return strcmp(a->scheme, b->scheme) == 0 &&
	       strcmp(a->host, b->host) == 0 && a->port == b->port;
}

static bool
is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 ||
	       status == 307 || status == 308;
}

static int
resolve(
    const struct http_url *here, const char *location, struct http_url *next)
{
	bool is_v6 = strchr(here->host, ':') != NULL;
	char *base =
	    xasprintf("%s://%s%s%s:%u%s", here->scheme, is_v6 ? "[" : "",
		here->host, is_v6 ? "]" : "", here->port, here->target);
	int result = http_url_parse(next, base, location);

	free(base);
	if (result == 0 && strcmp(next->scheme, "http") != 0 &&
	    strcmp(next->scheme, "https") != 0) {
		http_url_fini(next);
		return -1;
	}
	return result;
}

enum redirect
redirect_judge(enum conf_redirects policy, const struct http_url *own,
    const struct http_url *here, int status, const char *location, int followed,
    struct http_url *next)
{
	if (!is_redirect(status) || location == NULL)
		return REDIRECT_NONE;
	if (policy == CONF_REDIRECTS_NONE)
		return REDIRECT_REFUSED;
	if (resolve(here, location, next) == -1)
		return REDIRECT_BAD;
	if (policy != CONF_REDIRECTS_ANY &&
	    !redirect_is_same_origin(own, next)) {
		http_url_fini(next);
		return REDIRECT_REFUSED;
	}
	if (followed >= FOLLOWED_MAX) {
		http_url_fini(next);
		return REDIRECT_LOOP;
	}
	return REDIRECT_FOLLOW;
}
