/*
 * The configuration's auth section made ready for use: the bearer tokens of
 * its file, the keys of jwks_file.  Judged when a configuration is loaded, so
 * that what is wrong refuses the reload and not the scrapers.
 *
 * Immutable and counted: any thread may keep one.
 */
#ifndef AUTH_POLICY_H
#define AUTH_POLICY_H

#include <stdbool.h>

#include "auth/digest.h"

struct auth_policy;
struct conf;
struct err;
struct material;

/*
 * For `conf`, of which a reference is kept, with the files in `material`.  NULL
 * with `err`: FILE:LINE and what is wrong there.
 */
struct auth_policy *auth_policy_new(
    struct conf *conf, const struct material *material, struct err *err);
struct auth_policy *auth_policy_ref(struct auth_policy *policy);
void auth_policy_unref(struct auth_policy *policy); /* NULL is fine */

/* Does it want credentials at all? */
bool auth_policy_is_required(const struct auth_policy *policy);

/* Has it a method that looks at bearer tokens? */
bool auth_policy_takes_bearer(const struct auth_policy *policy);

/* Do its rules look at the listener? */
bool auth_policy_wants_listener(const struct auth_policy *policy);

/* Is `path` (or its other name, NULL: none) one that asks for none? */
bool auth_policy_is_anonymous(
    const struct auth_policy *policy, const char *path, const char *other_path);

/* The value of WWW-Authenticate; NULL if no method has a challenge. */
const char *auth_policy_challenge(const struct auth_policy *policy);

const struct conf *auth_policy_conf(const struct auth_policy *policy);

/* Is it one by which a verdict of the other still holds? */
bool auth_policy_is_equal(
    const struct auth_policy *a, const struct auth_policy *b);

#endif
