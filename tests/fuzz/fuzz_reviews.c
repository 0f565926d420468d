/*
 * Answers to reviews from whoever pretends to be the API.  The first byte says
 * what was asked and what the status is, the rest is the body.  A yes to a
 * token has to come with a name, and words have to be fit for a log.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth/identity.h"
#include "auth/reviews.h"
#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct backend_ask *ask, int status)
{
	bool is_yes = ask->outcome == BACKEND_YES;
	const char *word;

	if (is_yes && status != 200 && status != 201)
		abort();
	if ((ask->identity != NULL) != (is_yes && ask->kind == BACKEND_TOKEN))
		abort();
	if (ask->identity != NULL &&
	    auth_identity_user(ask->identity)[0] == '\0')
		abort();
	if (ask->outcome == BACKEND_LIMITED)
		abort();
	if ((ask->words[0] == '\0') != is_yes)
		abort();
	for (word = ask->words; *word != '\0'; word++)
		if (*word < ' ' || *word > '~')
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int statuses[] = { 201, 200, 401, 503 };
	static char *names[] = { "scrapegate" };
	struct conf_strings audiences = { names, 1 };
	struct backend_ask ask = { .kind = BACKEND_TOKEN };
	int status;

	if (size == 0)
		return 0;
	/* Letters, so that a corpus can be written by hand. */
	status = statuses[(data[0] >> 1) & 3];
	if ((data[0] & 8) != 0)
		audiences.count = 0;
	review_read((data[0] & 1) != 0 ? BACKEND_ACCESS : BACKEND_TOKEN, status,
	    (const char *)data + 1, size - 1, &audiences, &ask);
	check(&ask, status);
	auth_identity_unref(ask.identity);
	return 0;
}
