#include "proxy/base/thread.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "proxy/base/alloc.h"
#include "proxy/base/err.h"
#include "proxy/base/mailbox.h"

/* OpenSSL's handshake with an RSA-4096 key is the deepest user. */
#define STACK_BYTES (512 * 1024)

/*
 * libevent's list of changes saves two epoll_ctl(2) per answer and forbids
 * dup()ed descriptors.  It tells epoll of a closed one only at the next turn
 * of the loop, when its number may be another thread's: the kernel has dropped
 * the closed one by itself and answers ENOENT, which libevent expects.  The
 * thread sanitizer cannot know that, so it is spared the list and then sees
 * every real race of descriptors.
 */
#if defined(WITH_THREAD_SANITIZER)
#define HAS_CHANGELIST 0
#else
#define HAS_CHANGELIST 1
#endif

struct thread {
	const char *name;
	struct event_base *base;
	struct mailbox *mailbox;
	pthread_t id;
	bool is_running;
};

struct stop {
	struct message message;
	struct event_base *base;
};

struct event_base *
thread_base_new(struct err *err)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config != NULL) {
		event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
		if (HAS_CHANGELIST)
			event_config_set_flag(
			    config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
		base = event_base_new_with_config(config);
		event_config_free(config);
	}
	if (base == NULL)
		err_set(err, ERR_SYSTEM, "cannot make an event loop");
	return base;
}

struct thread *
thread_new(const char *name, void *owner, struct err *err)
{
	struct thread *thread = xcalloc(1, sizeof(*thread));

	thread->name = name;
	thread->base = thread_base_new(err);
	if (thread->base == NULL)
		goto fail;
	thread->mailbox = mailbox_new(thread->base, owner, err);
	if (thread->mailbox == NULL)
		goto fail;
	return thread;

fail:
	thread_free(thread);
	return NULL;
}

struct event_base *
thread_base(struct thread *thread)
{
	return thread->base;
}

struct mailbox *
thread_mailbox(struct thread *thread)
{
	return thread->mailbox;
}

static void *
run(void *arg)
{
	struct thread *thread = arg;

	pthread_setname_np(pthread_self(), thread->name);
	mailbox_begin_loop(thread->base);
	event_base_loop(thread->base, EVLOOP_NO_EXIT_ON_EMPTY);
	mailbox_end_loop();
	return NULL;
}

int
thread_spawn(pthread_t *id, void *(*routine)(void *arg), void *arg)
{
	pthread_attr_t attr;
	sigset_t all, before;
	int error;

	/* Signals belong to the main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	error = pthread_create(id, &attr, routine, arg);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

int
thread_start(struct thread *thread, struct err *err)
{
	int error = thread_spawn(&thread->id, run, thread);

	if (error != 0)
		return err_set(err, ERR_SYSTEM, "thread %s: %s", thread->name,
		    strerror(error));
	thread->is_running = true;
	return 0;
}

static void
break_loop(struct message *message, void *owner)
{
	struct stop *stop = (struct stop *)message;

	(void)owner;
	event_base_loopbreak(stop->base);
	free(stop);
}

void
thread_stop(struct thread *thread)
{
	struct stop *stop;

	if (thread == NULL || !thread->is_running)
		return;
	stop = xcalloc(1, sizeof(*stop));
	stop->message.deliver = break_loop;
	stop->base = thread->base;
	mailbox_post(thread->mailbox, &stop->message);
	pthread_join(thread->id, NULL);
	thread->is_running = false;
}

void
thread_deliver(struct thread *thread)
{
	mailbox_deliver(thread->mailbox);
}

void
thread_free(struct thread *thread)
{
	if (thread == NULL)
		return;
	mailbox_free(thread->mailbox);
	if (thread->base != NULL)
		event_base_free(thread->base);
	free(thread);
}
