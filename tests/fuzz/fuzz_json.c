/*
 * JSON from anybody.  What our check takes cJSON must read to the same end, and
 * what is read must survive being printed and read again.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/err.h"
#include "proxy/base/json.h"
#include "proxy/base/json_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_again(const struct cJSON *root)
{
	char *text = json_print(root), *again;
	struct cJSON *copy;
	struct err err;

	copy = json_parse(text, strlen(text), &err);
	if (copy == NULL)
		abort();
	again = json_print(copy);
	if (strcmp(text, again) != 0)
		abort();
	json_free(copy);
	free(text);
	free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *fault;
	struct cJSON *root;
	struct err err;
	size_t at;

	fault = json_check(text, size, JSON_DEPTH_MAX, &at);
	if (at > size)
		abort();
	root = json_parse(text, size, &err);
	if (fault != NULL && root != NULL)
		abort();
	/* Where the two do not agree. */
	if (root == NULL && strcmp(err.text, "cannot be read") == 0)
		abort();
	if (root != NULL)
		check_again(root);
	json_free(root);
	return 0;
}
