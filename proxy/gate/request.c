#include "proxy/gate/request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* RFC 9110 sets no bound to either; a peer gets no more of our time. */
#define ACCEPT_MAX 1024

void
request_split(const char *uri, size_t *path_len, const char **query)
{
	*path_len = strcspn(uri, "?");
	*query = uri[*path_len] == '?' ? uri + *path_len + 1 : NULL;
}

static const char *
skip_blanks(const char *p)
{
	return p + strspn(p, " \t");
}

enum weight { WEIGHT_BAD, WEIGHT_ZERO, WEIGHT_POSITIVE };

/* "0" or "1" and up to three decimals (RFC 9110 12.4.2); moves `at` on. */
static enum weight
read_qvalue(const char **at)
{
	const char *p = *at;
	size_t len = strspn(p, ".0123456789");
	bool is_whole = len < 3 || strspn(p + 2, "0") == len - 2;

	*at += len;
	if (len == 0 || len > 5 || (len > 1 && p[1] != '.') ||
	    (len > 2 && memchr(p + 2, '.', len - 2) != NULL))
		return WEIGHT_BAD;
	if (p[0] == '0')
		return is_whole ? WEIGHT_ZERO : WEIGHT_POSITIVE;
	return p[0] == '1' && is_whole ? WEIGHT_POSITIVE : WEIGHT_BAD;
}

/* Reads one element of Accept-Encoding, up to its comma or the end. */
static enum weight
read_coding(const char **at, const char **name, size_t *name_len)
{
	enum weight weight = WEIGHT_POSITIVE;
	const char *p = skip_blanks(*at);

	*name = p;
	*name_len = strcspn(p, " \t;,");
	p = skip_blanks(p + *name_len);
	if (*p == ';') {
		p = skip_blanks(p + 1);
		if (strncasecmp(p, "q=", 2) != 0) {
			weight = WEIGHT_BAD;
		} else {
			p += 2;
			weight = read_qvalue(&p);
			p = skip_blanks(p);
		}
	}
	if (*p != ',' && *p != '\0')
		weight = WEIGHT_BAD;
	*at = p + strcspn(p, ",");
	return weight;
}

static bool
is_name(const char *name, size_t len, const char *expected)
{
	return strlen(expected) == len && strncasecmp(name, expected, len) == 0;
}

bool
request_accepts_gzip(const char *accept_encoding)
{
	enum weight gzip = WEIGHT_BAD, any = WEIGHT_BAD, weight;
	const char *p = accept_encoding, *name;
	size_t name_len;

	if (p == NULL || strnlen(p, ACCEPT_MAX + 1) > ACCEPT_MAX)
		return false;
	for (;; p++) {
		weight = read_coding(&p, &name, &name_len);
		if (gzip == WEIGHT_BAD &&
		    (is_name(name, name_len, "gzip") ||
			is_name(name, name_len, "x-gzip")))
			gzip = weight;
		if (any == WEIGHT_BAD && is_name(name, name_len, "*"))
			any = weight;
		if (*p == '\0')
			break;
	}
	return (gzip != WEIGHT_BAD ? gzip : any) == WEIGHT_POSITIVE;
}

const char *
request_accept(const char *accept)
{
	static const char text_format[] = "text/plain;version=0.0.4";
	size_t len;

	if (accept == NULL)
		return text_format;
	for (len = 0; accept[len] != '\0'; len++)
		if (len == ACCEPT_MAX || accept[len] < ' ' || accept[len] > '~')
			return text_format;
	return len > 0 ? accept : text_format;
}

int64_t
request_timeout_ms(const char *header, int64_t default_ms, int64_t max_ms)
{
	char *end;
	double seconds;

	/* strtod() also takes signs, white space, inf, nan and 0x10. */
	if (header == NULL || strspn(header, "0123456789.") == 0 ||
	    header[strspn(header, "0123456789.eE+-")] != '\0')
		return default_ms;
	seconds = strtod(header, &end);
	if (end == header || *end != '\0' || seconds <= 0)
		return default_ms;
	if (seconds * 1000 >= (double)max_ms)
		return max_ms;
	return seconds < 0.1 ? 100 : (int64_t)(seconds * 1000 + 0.5);
}

int64_t
request_answer_ms(int64_t timeout_ms, int64_t offset_ms)
{
	int64_t off = timeout_ms / 10;

	if (offset_ms < off)
		off = offset_ms;
	if (off < 50)
		off = 50;
	return timeout_ms > off ? timeout_ms - off : 1;
}
