/*
 * Lines that wait, oldest first, in bounded memory that is only touched as far
 * as it is needed.  Each line has a number, counted from 0 over the queue's
 * life, so that who remembers one finds it when others have left.
 */
#ifndef PROXY_DIAGNOSIS_JOURNAL_QUEUE_H
#define PROXY_DIAGNOSIS_JOURNAL_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct journal_queue;

/* What stands beside each line. */
struct journal_entry {
	uint64_t id;  /* the owner's */
	uint64_t seq; /* 0: not given yet */
	size_t len;
};

struct journal_queue *journal_queue_new(size_t lines_max, size_t bytes_max);
void journal_queue_free(struct journal_queue *queue);

bool journal_queue_has_room(const struct journal_queue *queue, size_t len);

/* There is room. */
void journal_queue_push(
    struct journal_queue *queue, const char *line, size_t len, uint64_t id);

/* The oldest leaves; there is one. */
void journal_queue_pop(struct journal_queue *queue);

/* Lines are there from number `first` on, up to and without `end`. */
uint64_t journal_queue_first(const struct journal_queue *queue);
uint64_t journal_queue_end(const struct journal_queue *queue);

/* One that is there.  Valid until it leaves. */
struct journal_entry *journal_queue_at(
    struct journal_queue *queue, uint64_t number);
void journal_queue_copy(
    const struct journal_queue *queue, uint64_t number, char *out);

#endif
