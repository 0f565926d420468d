#include "proxy/diagnosis/journal_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proxy/base/crc32.h"

#define CRC_NAME ",\"crc\":\""
#define CRC_NAME_LEN (sizeof(CRC_NAME) - 1)
#define CRC_DIGITS ((size_t)8)
#define CRC_END "\"}"
#define CRC_END_LEN (sizeof(CRC_END) - 1)
#define TAIL_LEN (CRC_NAME_LEN + CRC_DIGITS + CRC_END_LEN)

#define SEQ_NAME ",\"seq\":"
#define SEQ_NAME_LEN (sizeof(SEQ_NAME) - 1)
#define SEQ_DIGITS_MAX ((size_t)19) /* fits in 64 bits */

bool
journal_line_fits(const char *json, size_t len)
{
	return len > 2 && len <= JOURNAL_LINE_MAX - JOURNAL_SEAL_MAX &&
	       json[0] == '{' && json[len - 1] == '}' &&
	       memchr(json, '\n', len) == NULL;
}

size_t
journal_line_seal(const char *json, size_t len, uint64_t seq, char *out)
{
	size_t at = len - 1;

	memcpy(out, json, at);
	at += (size_t)snprintf(
	    out + at, JOURNAL_SEAL_MAX, SEQ_NAME "%" PRIu64, seq);
	at += (size_t)snprintf(out + at, TAIL_LEN + 2,
	    CRC_NAME "%08" PRIx32 CRC_END "\n", crc32_of(out, at));
	return at;
}

/* -1 if these are not 8 lower-case digits. */
static int
read_crc(const char *digits, uint32_t *crc)
{
	size_t i;

	*crc = 0;
	for (i = 0; i < CRC_DIGITS; i++) {
		char c = digits[i];

		if (c >= '0' && c <= '9')
			*crc = *crc << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			*crc = *crc << 4 | (uint32_t)(c - 'a' + 10);
		else
			return -1;
	}
	return 0;
}

/* The number that the text ends in; 0 if it does not end in a `seq`. */
static uint64_t
read_seq(const char *text, size_t len)
{
	size_t digits = 0, i;
	uint64_t seq = 0;

	while (digits < len && digits < SEQ_DIGITS_MAX &&
	       text[len - digits - 1] >= '0' && text[len - digits - 1] <= '9')
		digits++;
	if (digits == 0 || len < digits + SEQ_NAME_LEN ||
	    memcmp(text + len - digits - SEQ_NAME_LEN, SEQ_NAME,
		SEQ_NAME_LEN) != 0)
		return 0;
	for (i = len - digits; i < len; i++)
		seq = seq * 10 + (uint64_t)(text[i] - '0');
	return seq;
}

bool
journal_line_check(const char *line, size_t len, uint64_t *seq)
{
	const char *tail;
	uint32_t crc;

	if (len < TAIL_LEN + 1 || len >= JOURNAL_LINE_MAX || line[0] != '{')
		return false;
	len -= TAIL_LEN;
	tail = line + len;
	if (memcmp(tail, CRC_NAME, CRC_NAME_LEN) != 0 ||
	    memcmp(tail + CRC_NAME_LEN + CRC_DIGITS, CRC_END, CRC_END_LEN) !=
		0 ||
	    read_crc(tail + CRC_NAME_LEN, &crc) == -1 ||
	    crc32_of(line, len) != crc)
		return false;
	*seq = read_seq(line, len);
	return true;
}
