/*
 * One line of the journal: a JSON object whose last two members are the
 * journal's own.
 *
 *   {"v":1,"reason":"connect_refused","seq":17,"crc":"0f1e2d3c"}
 *
 * `seq` numbers lines; one that was written twice, because nobody could tell
 * whether the first copy is on the disk, keeps its number.  `crc` is the CRC-32
 * of all bytes before `,"crc"`, in 8 lower-case hexadecimal digits.  Pure.
 */
#ifndef PROXY_DIAGNOSIS_JOURNAL_LINE_H
#define PROXY_DIAGNOSIS_JOURNAL_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A whole line, its newline included. */
#define JOURNAL_LINE_MAX ((size_t)16384)

/* The most that sealing adds: `,"seq":20 digits,"crc":"8"}` and a newline. */
#define JOURNAL_SEAL_MAX ((size_t)64)

/* Is it an object on one line, not empty, that fits when it is sealed? */
bool journal_line_fits(const char *json, size_t len);

/*
 * Writes the line of an object that fits to `out`, which has room for
 * JOURNAL_SEAL_MAX bytes more than `len`.  Returns its length.
 */
size_t journal_line_seal(const char *json, size_t len, uint64_t seq, char *out);

/*
 * Is a line (without its newline) as it was written?  `seq` is 0 if it has
 * none.  Whether the rest is JSON nobody looks at here.
 */
bool journal_line_check(const char *line, size_t len, uint64_t *seq);

#endif
