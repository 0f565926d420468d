/*
 * A file of bearer tokens from anybody.  Either it is refused, with words that
 * name a line and hold none of its bytes but printable ones, or it is used;
 * then a token that is added to it is found, and nothing else becomes one.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/identity.h"
#include "auth/tokens.h"
#include "proxy/base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* printf %s beta | sha256sum */
static const char added[] =
    "\nadded "
    "f44e64e75f3948e9f73f8dfa94721c4ce8cbb4f265c4790c702b2d41cfbf2753 a,b\n";

static void
check_error(const struct err *err, const uint8_t *data, size_t size)
{
	unsigned long line = strtoul(err->text, NULL, 10), lines = 1;
	size_t i;

	for (i = 0; i < size; i++)
		lines += data[i] == '\n';
	if (line < 1 || line > lines)
		abort();
	for (i = 0; err->text[i] != '\0'; i++)
		if (err->text[i] < ' ' || err->text[i] > '~')
			abort();
}

static void
check_added(const uint8_t *data, size_t size, size_t count)
{
	char *text = malloc(size + sizeof(added));
	struct err err = { 0 };
	struct tokens *tokens;

	if (size > 0)
		memcpy(text, data, size);
	memcpy(text + size, added, sizeof(added));
	tokens = tokens_parse(text, size + sizeof(added) - 1, &err);
	if (tokens == NULL) {
		if (strstr(err.text, "the same digest") == NULL &&
		    count < TOKENS_MAX)
			abort();
	} else {
		struct auth_identity *found = tokens_find(tokens, "beta");

		if (tokens_count(tokens) != count + 1 || found == NULL ||
		    strcmp(auth_identity_user(found), "added") != 0 ||
		    auth_identity_group_count(found) != 2)
			abort();
	}
	tokens_free(tokens);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = { 0 };
	struct tokens *tokens = tokens_parse((const char *)data, size, &err);

	if (tokens == NULL) {
		check_error(&err, data, size);
		return 0;
	}
	if (tokens_find(tokens, "") != NULL)
		abort();
	check_added(data, size, tokens_count(tokens));
	tokens_free(tokens);
	return 0;
}
