/*
 * What Prometheus checks once a series is parsed, in its order: the name is
 * there, names are valid, limits are kept, no label comes twice.
 */
#ifndef PROXY_EXPOSITION_LABELSET_H
#define PROXY_EXPOSITION_LABELSET_H

#include <stdbool.h>
#include <stdint.h>

struct parse;

/* As in Prometheus' configuration; 0 is no limit. */
struct exposition_limits {
	uint64_t body_size; /* bytes; reached is too much already */
	uint64_t samples;
	uint64_t labels; /* of one series, its name counted */
	uint64_t label_name_length;
	uint64_t label_value_length;
};

/*
 * Judges the series in `parse`, which has to be of kind PARSE_SERIES; on false
 * parse->reason, offending and said are set.  Labels are sorted by name and
 * those without a value dropped, as Prometheus does.
 *
 * Labels that Prometheus adds to the target are not known here: they count
 * for its label_limit, not for ours, and repairs of job and instance, which it
 * renames, are left to it.  Prometheus minds labels that come twice
 * only where it stores the sample: not where that is_dropped before.
 */
bool labelset_check(struct parse *parse, const struct exposition_limits *limits,
    bool is_dropped);

/* Of the labels that labelset_check() left. */
uint64_t labelset_fingerprint(const struct parse *parse, uint64_t seed);

#endif
