#include "proxy/diagnosis/journal_queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/alloc.h"

struct slot {
	struct journal_entry entry;
	size_t start; /* in `bytes`; a line may go on at the beginning */
};

struct journal_queue {
	size_t lines_max;
	size_t bytes_max;
	uint64_t first;
	uint64_t end;
	size_t used; /* bytes */
	size_t next; /* where the next line starts */
	char *bytes;
	struct slot *slots; /* by number modulo lines_max */
};

struct journal_queue *
journal_queue_new(size_t lines_max, size_t bytes_max)
{
	struct journal_queue *queue = xcalloc(1, sizeof(*queue));

	queue->lines_max = lines_max;
	queue->bytes_max = bytes_max;
	queue->bytes = xmalloc(bytes_max);
	queue->slots = xmalloc(lines_max * sizeof(struct slot));
	return queue;
}

void
journal_queue_free(struct journal_queue *queue)
{
	if (queue == NULL)
		return;
	free(queue->bytes);
	free(queue->slots);
	free(queue);
}

static struct slot *
slot_of(const struct journal_queue *queue, uint64_t number)
{
	assert(number >= queue->first && number < queue->end);
	return &queue->slots[number % queue->lines_max];
}

bool
journal_queue_has_room(const struct journal_queue *queue, size_t len)
{
	return queue->end - queue->first < queue->lines_max &&
	       len <= queue->bytes_max - queue->used;
}

void
journal_queue_push(
    struct journal_queue *queue, const char *line, size_t len, uint64_t id)
{
	size_t part = queue->bytes_max - queue->next;
	struct slot *slot;

	assert(journal_queue_has_room(queue, len));
	queue->end++;
	slot = slot_of(queue, queue->end - 1);
	slot->entry = (struct journal_entry){ .id = id, .len = len };
	slot->start = queue->next;
	if (part > len)
		part = len;
	memcpy(queue->bytes + queue->next, line, part);
	memcpy(queue->bytes, line + part, len - part);
	queue->next = (queue->next + len) % queue->bytes_max;
	queue->used += len;
}

void
journal_queue_pop(struct journal_queue *queue)
{
	queue->used -= slot_of(queue, queue->first)->entry.len;
	queue->first++;
	/* Empty, it begins with memory that was in use before. */
	if (queue->first == queue->end)
		queue->next = 0;
}

uint64_t
journal_queue_first(const struct journal_queue *queue)
{
	return queue->first;
}

uint64_t
journal_queue_end(const struct journal_queue *queue)
{
	return queue->end;
}

struct journal_entry *
journal_queue_at(struct journal_queue *queue, uint64_t number)
{
	return &slot_of(queue, number)->entry;
}

void
journal_queue_copy(
    const struct journal_queue *queue, uint64_t number, char *out)
{
	const struct slot *slot = slot_of(queue, number);
	size_t len = slot->entry.len;
	size_t part = queue->bytes_max - slot->start;

	if (part > len)
		part = len;
	memcpy(out, queue->bytes + slot->start, part);
	memcpy(out + part, queue->bytes, len - part);
}
