/*
 * The parts of conf_check_auth(); nobody else's.
 */
#ifndef CONF_CHECK_AUTH_H
#define CONF_CHECK_AUTH_H

#include <stdbool.h>

struct conf_loading;
struct conf_strings;

/*
 * A list that may be left out, but not be empty or have an empty text in it;
 * `instead` says what to write then.
 */
void conf_check_items(struct conf_loading *loading,
    const struct conf_strings *list, const char *name, const char *instead);

/* Below: `had_errors` says that other keys may not be as they were meant. */

/* auth.rules and auth.anonymous_paths. */
void conf_check_rules(struct conf_loading *loading, bool had_errors);

/* auth.identity_headers. */
void conf_check_headers(struct conf_loading *loading, bool had_errors);

#endif
