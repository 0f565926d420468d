/*
 * auth.rules: the first that matches decides; none at all: everybody who is
 * known may; some and no match: nobody.  Pure.
 */
#ifndef AUTH_RULES_H
#define AUTH_RULES_H

#include <stdbool.h>
#include <stddef.h>

struct auth_identity;
struct conf_auth;

struct auth_rules_question {
	const char *path;
	const char *other_path; /* NULL: none; a rule for either means both */
	const struct auth_identity *identity; /* NULL: nobody had to say */
	const char *peer;
	const char *listener; /* NULL: unknown */
};

/*
 * False: refused, with words for an operator in `detail`, escaped: "no rule for
 * path /metrics/mysql, user \"eve\", address 10.0.0.7", or "denied by the rule
 * in scrapegate.yml:31".
 */
bool auth_rules_allow(const struct conf_auth *auth,
    const struct auth_rules_question *question, char *detail, size_t size);

#endif
