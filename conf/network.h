/*
 * Networks in CIDR notation: "10.0.0.0/8", "2001:db8::/32", or one address.
 * Pure.
 */
#ifndef CONF_NETWORK_H
#define CONF_NETWORK_H

#include <stdbool.h>

struct conf_network;
struct err;

/*
 * -1 with `err` and words that say what is wrong: no address, too many bits,
 * bits set behind the prefix (as Go's netip and Prometheus' users would be
 * told), a zone.  Leading zeros in IPv4 are refused.
 */
int conf_network_parse(
    struct conf_network *network, const char *text, struct err *err);

/*
 * Is `address` ("10.0.0.7", "fe80::1", "::ffff:10.0.0.7") within it?  False for
 * what is no address, such as a unix socket's peer.
 */
bool conf_network_has(const struct conf_network *network, const char *address);

#endif
