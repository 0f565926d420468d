/*
 * The only way from one thread to another: a queue into an event loop.
 *
 * Ownership moves with the message.  deliver() runs on the thread that owns
 * the mailbox's event_base and owns the message from then on, never before
 * the post returns; messages from one sender arrive in the order they were
 * posted.  Who sits on the loop of the mailbox itself posts without a system
 * call.
 */
#ifndef PROXY_BASE_MAILBOX_H
#define PROXY_BASE_MAILBOX_H

struct err;
struct event_base;
struct mailbox;

/* Embedded as the first member of what is sent. */
struct message {
	struct message *next;
	void (*deliver)(struct message *message, void *owner);
};

/* `owner` is what deliver() gets; it outlives the mailbox. */
struct mailbox *mailbox_new(
    struct event_base *base, void *owner, struct err *err);

/* What is queued, now; on the owner's thread or after it has ended. */
void mailbox_deliver(struct mailbox *mailbox);

/* Delivers what is still queued, then frees; likewise. */
void mailbox_free(struct mailbox *mailbox);

/* From any thread. */
void mailbox_post(struct mailbox *mailbox, struct message *message);

/*
 * Likewise, but for news that nobody waits for: the other thread is woken
 * within MAILBOX_LATE_MS, for all that has come until then, and does not take
 * the processor from those who wait.  mailbox_deliver() finds it at once.
 */
#define MAILBOX_LATE_MS 20
void mailbox_post_late(struct mailbox *mailbox, struct message *message);

/* For thread.c: the calling thread runs this loop from now on, no more. */
void mailbox_begin_loop(struct event_base *base);
void mailbox_end_loop(void);

#endif
