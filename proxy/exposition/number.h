/*
 * Numbers as Prometheus reads them: Go's strconv, less what was new in Go
 * 1.13.  Pure, allocates nothing.
 */
#ifndef PROXY_EXPOSITION_NUMBER_H
#define PROXY_EXPOSITION_NUMBER_H

#include <stddef.h>
#include <stdint.h>

enum number_end {
	NUMBER_FINE,
	NUMBER_SYNTAX,
	NUMBER_RANGE,    /* more than a float64 or an int64 holds */
	NUMBER_BAD_CHAR, /* p, P or _: hexadecimal floats, 1_000 */
};

/*
 * Go's ParseFloat: NaN without a sign, Inf and Infinity with or without one,
 * in any case; decimal digits with at most one point and an exponent.
 */
enum number_end number_parse_float(
    const unsigned char *bytes, size_t len, double *value);

/* Decimal digits only, one at least. */
enum number_end number_parse_digits(
    const unsigned char *bytes, size_t len, int64_t *value);

/* Go's int64(seconds * 1000); what does not fit is INT64_MIN, as on amd64. */
int64_t number_to_milliseconds(double seconds);

#endif
