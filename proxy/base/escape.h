/*
 * Foreign bytes as printable ASCII, the way Go's %q writes them but without
 * the quotes, so that our words read like Prometheus' own and no byte of an
 * exporter reaches a terminal, a log or a header line as it is.
 */
#ifndef PROXY_BASE_ESCAPE_H
#define PROXY_BASE_ESCAPE_H

#include <stddef.h>

/*
 * Always terminates `out` (size at least 1), cuts between two escapes and
 * never inside one, and returns the length written.  Other than Go, bytes
 * that are not ASCII become \xNN even where they are valid UTF-8.
 */
size_t escape_quoted(char *out, size_t size, const char *bytes, size_t len);

/* The same for whole sentences, which stand in no quotes and so keep theirs. */
size_t escape_words(char *out, size_t size, const char *words, size_t len);

#endif
