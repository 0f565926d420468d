/*
 * bearer_tokens_file: lines "NAME SHA256-HEX [GROUP,GROUP]".  The file holds
 * digests, so reading it gives nobody a token: sha256sum makes them.  Blank
 * lines and those that begin with '#' are skipped, a CR before the end of a
 * line too.  An empty file is one that lets nobody in.
 *
 * Pure; immutable once parsed.
 */
#ifndef AUTH_TOKENS_H
#define AUTH_TOKENS_H

#include <stddef.h>

struct auth_identity;
struct err;
struct tokens;

#define TOKENS_MAX 4096

/* NULL with `err`: "LINE: what is wrong", with no word of the line itself,
 * which may be a token in the wrong place.  A digest may stand there once; a
 * name on several lines is one user with several tokens (rotation). */
struct tokens *tokens_parse(const char *text, size_t len, struct err *err);
void tokens_free(struct tokens *tokens); /* NULL is fine */
size_t tokens_count(const struct tokens *tokens);

/*
 * Whose it is, borrowed, or NULL.  All digests are compared in constant time,
 * each time, so that nothing is told by how long it takes.
 */
struct auth_identity *tokens_find(
    const struct tokens *tokens, const char *token);

#endif
