/*
 * May this request read the admin listener?  The listener has no
 * authentication, so a page in somebody's browser must not reach it: neither
 * by a name of its own that resolves to us (DNS rebinding: the Host header
 * shows it) nor as a request across sites (Origin and Sec-Fetch-Site show
 * it).  Pure.
 */
#ifndef PROXY_ADMIN_ORIGIN_H
#define PROXY_ADMIN_ORIGIN_H

#include <stdbool.h>

struct conf_address;

/*
 * Does `host`, as in a Host header, name the listener?  So do localhost and
 * loopback literals with any port (port forwarding changes it), the
 * configured address, and, if that is all addresses, any IP literal with its
 * port: rebinding needs a name.  A unix socket is not reached by browsers:
 * anything goes, NULL too.
 */
bool origin_is_own_host(const char *host, const struct conf_address *listen);

/*
 * NULL, or the words of the 403.  Header values, NULL where absent:
 * Host, Origin, Sec-Fetch-Site.
 */
const char *origin_refusal(const char *host, const char *origin,
    const char *fetch_site, const struct conf_address *listen);

#endif
