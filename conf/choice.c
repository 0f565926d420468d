#include "conf/choice.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "conf/keys.h"
#include "conf/suggest.h"
#include "conf/text.h"
#include "proxy/base/err.h"

/* More than the six longest lists need; a longer one is not listed. */
#define LIST_SIZE 160

static void
describe_choices(const char *const *choices, char out[LIST_SIZE])
{
	size_t len = 0, i;

	for (i = 0; choices[i] != NULL && len < LIST_SIZE; i++)
		len += (size_t)snprintf(out + len, LIST_SIZE - len, "%s%s",
		    i > 0 ? ", " : "", choices[i]);
	if (len >= LIST_SIZE)
		snprintf(out, LIST_SIZE,
		    "the names that `scrapegate help reference` lists");
}

static int
refuse(const struct conf_key *key, const char *text, const char *nearest,
    struct err *err)
{
	char list[LIST_SIZE], shown[CONF_QUOTED_SIZE];
	char hint[96] = "";

	describe_choices(key->choices, list);
	if (nearest != NULL)
		snprintf(hint, sizeof(hint), "; did you mean \"%s\"?", nearest);
	if (key->unknown != NULL)
		return err_set(err, ERR_INVALID, "%s: %s: write one of %s%s",
		    key->unknown, conf_word(text, shown), list, hint);
	return err_set(err, ERR_INVALID, "%s is not one of %s%s",
	    conf_quote(text, shown), list, hint);
}

int
conf_choice_find(const struct conf_key *key, const char *text, struct err *err)
{
	struct conf_suggestion suggestion = { .word = text };
	int i;

	for (i = 0; key->choices[i] != NULL; i++) {
		if (strcmp(key->choices[i], text) == 0)
			return i;
		conf_suggest_add(&suggestion, key->choices[i]);
	}
	return refuse(key, text, suggestion.nearest, err);
}
