/*
 * The baselines of all targets, and of the BASELINES_QUERIES queries of
 * multi-target exporters that were asked last: of those a target has many,
 * each with a life of its own.  Goes by the targets' names, so a baseline
 * outlives a reload.
 *
 * Lives on the fetch thread.  Bounded: 0.5 KB for a target, 0.3 KB for a query.
 */
#ifndef PROXY_DIAGNOSIS_BASELINES_H
#define PROXY_DIAGNOSIS_BASELINES_H

#include <stddef.h>
#include <stdint.h>

#define BASELINES_QUERIES 1000

struct baseline;
struct baselines;
struct conf;

struct baselines *baselines_new(void);
void baselines_free(struct baselines *baselines); /* NULL is fine */

/* Forgets the targets that `conf` does not name. */
void baselines_switch(struct baselines *baselines, const struct conf *conf);

/*
 * That of a target, or of one query of it if `query` is not NULL; of a query
 * also makes it the most recent one.  Begun if there is none; valid until the
 * next call.
 */
struct baseline *baselines_of(
    struct baselines *baselines, const char *target, const char *query);

size_t baselines_queries(const struct baselines *baselines);

#endif
