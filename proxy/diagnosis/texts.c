#include "proxy/diagnosis/texts.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

#include "proxy/base/alloc.h"
#include "proxy/base/hash.h"

#define SLOTS 128

/* Of malloc(3)'s own, for each piece. */
#define PIECE_BYTES 16

struct text {
	LIST_ENTRY(text) slot;
	unsigned refs;
	char bytes[];
};

LIST_HEAD(text_list, text);

struct texts {
	struct text_list slots[SLOTS];
	size_t bytes;
	uint64_t key[2];
};

struct texts *
texts_new(void)
{
	struct texts *texts = xcalloc(1, sizeof(*texts));

	texts->bytes = sizeof(*texts) + PIECE_BYTES;
	/* A weak key only makes it slow. */
	if (getrandom(texts->key, sizeof(texts->key), GRND_NONBLOCK) == -1)
		texts->key[0] = (uintptr_t)texts;
	return texts;
}

void
texts_free(struct texts *texts)
{
	size_t i;

	if (texts == NULL)
		return;
	for (i = 0; i < SLOTS; i++)
		assert(LIST_EMPTY(&texts->slots[i]));
	free(texts);
}

static size_t
size_of(size_t len)
{
	return sizeof(struct text) + len + 1;
}

const char *
texts_take(struct texts *texts, const char *bytes)
{
	size_t len = strlen(bytes);
	struct text_list *slot =
	    &texts->slots[hash_keyed(texts->key, bytes, len) % SLOTS];
	struct text *text;

	LIST_FOREACH (text, slot, slot)
		if (strcmp(text->bytes, bytes) == 0) {
			text->refs++;
			return text->bytes;
		}
	text = xmalloc(size_of(len));
	text->refs = 1;
	memcpy(text->bytes, bytes, len + 1);
	LIST_INSERT_HEAD(slot, text, slot);
	texts->bytes += size_of(len) + PIECE_BYTES;
	return text->bytes;
}

static struct text *
text_of(const char *bytes)
{
	return (struct text *)(uintptr_t)(bytes - offsetof(struct text, bytes));
}

const char *
texts_ref(const char *bytes)
{
	text_of(bytes)->refs++;
	return bytes;
}

void
texts_drop(struct texts *texts, const char *bytes)
{
	struct text *text = text_of(bytes);

	if (--text->refs > 0)
		return;
	texts->bytes -= size_of(strlen(bytes)) + PIECE_BYTES;
	LIST_REMOVE(text, slot);
	free(text);
}

size_t
texts_bytes(const struct texts *texts)
{
	return texts->bytes;
}
