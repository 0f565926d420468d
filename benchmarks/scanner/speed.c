/*
 * How fast the scanner reads: a file, in pieces of 16 KiB as a connection
 * brings them, again and again for some seconds, on one thread.
 *
 *   scanner_speed FILE [text|openmetrics|protobuf] [SECONDS]
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proxy/base/alloc.h"
#include "proxy/exposition/scanner.h"

#define PIECE ((size_t)16384)

static double
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
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
	struct scanner *scanner = scanner_new(0);
	const struct scanner_result *result;
	enum exposition_format format;
	unsigned char *bytes;
	double before;
	size_t len;

	if (argc < 2)
		return 2;
	bytes = read_file(argv[1], &len);
	format = format_of(argc > 2 ? argv[2] : "text");
	options.content.formats[0] = options.content.formats[1] = format;
	start = now();
	do {
		before = now();
		result = scan(scanner, &options, bytes, len);
		took = now() - before;
		if ((double)len / took > best)
			best = (double)len / took;
	} while (now() - start < seconds);
	printf("%s: %zu bytes, %llu samples, %s, best %.0f MB/s\n", argv[1],
	    len, (unsigned long long)result->facts.samples,
	    result->verdicts[0].judgement == SCANNER_ACCEPTED ? "accepted"
							      : "refused",
	    best / 1e6);
	scanner_free(scanner);
	free(bytes);
	return 0;
}
