/*
 * A thread that runs an event loop, with a mailbox as its only door.
 *
 * The base is made without libevent's locks: nothing of it may be touched
 * from another thread, except by posting to the mailbox.
 */
#ifndef PROXY_BASE_THREAD_H
#define PROXY_BASE_THREAD_H

#include <pthread.h>

struct err;
struct event_base;
struct mailbox;
struct thread;

/* An event_base as every thread here uses it, main included. */
struct event_base *thread_base_new(struct err *err);

/*
 * Base and mailbox exist on return, the thread does not run yet, so `owner`
 * can be built on them first.  `name` is static, at most 15 bytes.
 */
struct thread *thread_new(const char *name, void *owner, struct err *err);
struct event_base *thread_base(struct thread *thread);
struct mailbox *thread_mailbox(struct thread *thread);

/*
 * A thread without a loop, as every thread here is made: no signals, a small
 * stack.  Returns 0 or an errno.
 */
int thread_spawn(pthread_t *id, void *(*routine)(void *arg), void *arg);

int thread_start(struct thread *thread, struct err *err);

/* Ends the loop and waits for it; fine for one that never started. */
void thread_stop(struct thread *thread);

/* What was posted and not delivered before the stop; on the caller's thread. */
void thread_deliver(struct thread *thread);

/* After thread_stop(), when nothing of the base is left. */
void thread_free(struct thread *thread);

#endif
