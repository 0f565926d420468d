/*
 * One value as print-config shows it: YAML on one line, secrets hidden.
 */
#ifndef CONF_PRINT_VALUE_H
#define CONF_PRINT_VALUE_H

#include <stdio.h>

struct conf_key;

/* `at`: the field of `key`, which is no group and has no keys of its own. */
void conf_print_value(FILE *out, const struct conf_key *key, const void *at);

#endif
