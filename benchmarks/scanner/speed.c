/*
 * How fast the scanner reads: a file, in pieces of 16 KiB as a connection
 * brings them, again and again for some seconds, on one thread; and how much
 * memory it keeps for it.  Time is the thread's own, so that others on the
 * machine count less.
 *
 *   scanner_speed FILE [text|openmetrics|protobuf] [SECONDS]
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <malloc.h>

#include "proxy/base/alloc.h"
#include "proxy/exposition/scanner.h"

#define PIECE ((size_t)16384)

static double
now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static unsigned char *
read_file(const char *path, size_t *len)
{
	FILE *file = fopen(path, "rb");
	unsigned char *bytes;

	if (file == NULL) {
		perror(path);
		exit(1);
	}
	fseek(file, 0, SEEK_END);
	*len = (size_t)ftell(file);
	rewind(file);
	bytes = xmalloc(*len + 1);
	if (fread(bytes, 1, *len, file) != *len)
		exit(1);
	fclose(file);
	return bytes;
}

static size_t
allocated(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static enum exposition_format
format_of(const char *name)
{
	return strcmp(name, "openmetrics") == 0 ? FORMAT_OPENMETRICS
	       : strcmp(name, "protobuf") == 0  ? FORMAT_PROTOBUF
						: FORMAT_TEXT;
}

static const struct scanner_result *
scan(struct scanner *scanner, const struct scanner_options *options,
    const unsigned char *bytes, size_t len)
{
	size_t at, step;

	scanner_begin(scanner, options);
	for (at = 0; at < len; at += step) {
		step = len - at < PIECE ? len - at : PIECE;
		scanner_feed(scanner, bytes + at, step);
	}
	return scanner_finish(scanner);
}

int
main(int argc, char **argv)
{
	double seconds = argc > 3 ? atof(argv[3]) : 3, start, took, best = 0;
	struct scanner_options options = { .keeps_series = true };
	const struct scanner_result *result;
	struct scanner *scanner;
	enum exposition_format format;
	unsigned char *bytes;
	double before;
	size_t len, without;

	if (argc < 2)
		return 2;
	bytes = read_file(argv[1], &len);
	format = format_of(argc > 2 ? argv[2] : "text");
	options.content.formats[0] = options.content.formats[1] = format;
	without = allocated();
	scanner = scanner_new(0);
	start = now(CLOCK_MONOTONIC);
	do {
		before = now(CLOCK_THREAD_CPUTIME_ID);
		result = scan(scanner, &options, bytes, len);
		took = now(CLOCK_THREAD_CPUTIME_ID) - before;
		if ((double)len / took > best)
			best = (double)len / took;
	} while (now(CLOCK_MONOTONIC) - start < seconds);
	printf("scanner %s: %.0f MB/s; %zu bytes, %llu samples, %s; "
	       "%zu bytes kept, %s series tracked\n",
	    argv[1], best / 1e6, len, (unsigned long long)result->facts.samples,
	    result->verdicts[0].judgement == SCANNER_ACCEPTED ? "accepted"
							      : "refused",
	    allocated() - without,
	    result->facts.has_series ? "all" : "not all");
	scanner_free(scanner);
	free(bytes);
	return 0;
}
