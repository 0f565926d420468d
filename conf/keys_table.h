/*
 * The parts of the table of keys, each a file of its own.  Only conf/keys*.c
 * include this; all others walk with conf_key_next().
 */
#ifndef CONF_KEYS_TABLE_H
#define CONF_KEYS_TABLE_H

#include "conf/keys.h"

#define CONF_DAY_MS (INT64_C(24) * 3600 * 1000)

/* Where a row's value goes.  A field may be a member of a member. */
/* NOLINTBEGIN(bugprone-macro-parentheses) */
#define CONF_FIELD(scope_, type_, field_)                                      \
	.scope = (scope_), .offset = offsetof(type_, field_)
/* A group whose presence matters to the code. */
#define CONF_BLOCK(scope_, type_, field_)                                      \
	CONF_FIELD(scope_, type_, field_.place),                               \
	    .is_set_offset = offsetof(type_, field_.is_set)
/* NOLINTEND(bugprone-macro-parentheses) */

/* Each ends in a row without a name, which says where to go on. */
extern const struct conf_key conf_keys_gate[];
extern const struct conf_key conf_keys_target[];
extern const struct conf_key conf_keys_auth[];

extern const char *const conf_tls_versions[];

#endif
