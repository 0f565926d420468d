#include "proxy/diagnosis/journal_scan.h"

#include <string.h>

void
journal_scan_init(struct journal_scan *scan, journal_take_fn *take, void *arg)
{
	scan->take = take;
	scan->arg = arg;
	scan->dropped = 0;
	journal_scan_begin(scan);
}

void
journal_scan_begin(struct journal_scan *scan)
{
	scan->len = 0;
	scan->is_too_long = false;
	scan->is_whole = true;
}

static void
judge(struct journal_scan *scan, const char *line, size_t len)
{
	uint64_t seq;

	scan->is_whole =
	    !scan->is_too_long && journal_line_check(line, len, &seq);
	if (scan->is_whole)
		scan->take(line, len, seq, scan->arg);
	else
		scan->dropped++;
	scan->len = 0;
	scan->is_too_long = false;
}

/* A part of a line whose end is still to come. */
static void
keep(struct journal_scan *scan, const char *bytes, size_t len)
{
	if (scan->is_too_long || len >= JOURNAL_LINE_MAX - scan->len) {
		scan->is_too_long = true;
		return;
	}
	memcpy(scan->begun + scan->len, bytes, len);
	scan->len += len;
}

void
journal_scan_feed(struct journal_scan *scan, const char *bytes, size_t len)
{
	const char *end;
	size_t part;

	while ((end = memchr(bytes, '\n', len)) != NULL) {
		part = (size_t)(end - bytes);
		if (scan->len == 0) {
			judge(scan, bytes, part);
		} else {
			keep(scan, bytes, part);
			judge(scan, scan->begun, scan->len);
		}
		bytes += part + 1;
		len -= part + 1;
	}
	if (len > 0)
		keep(scan, bytes, len);
}

bool
journal_scan_end(struct journal_scan *scan)
{
	if (scan->len == 0 && !scan->is_too_long)
		return scan->is_whole;
	/* All but the newline may have reached the disk. */
	judge(scan, scan->begun, scan->len);
	scan->is_whole = false;
	return false;
}
