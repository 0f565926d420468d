/*
 * Who gets through TLS, and how: what a connection was let in by.  A new
 * certificate of the gate's own is none of it.
 *
 * A tightened policy has to reach connections that are open already, because
 * scrapers keep theirs for ever; a renewed certificate must not, or each
 * rotation would cost scrapes.  The digest tells the two apart.
 */
#ifndef PROXY_POLICY_H
#define PROXY_POLICY_H

#include <stdbool.h>

struct conf;
struct material;

struct policy {
	unsigned char digest[32];
};

/*
 * Of `conf` and the contents of the client authorities and the revocation
 * list that it names.  Pure.
 */
void policy_init(struct policy *policy, const struct conf *conf,
    const struct material *material);

bool policy_is_equal(const struct policy *a, const struct policy *b);

#endif
