#include "proxy/base/mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "proxy/base/alloc.h"
#include "proxy/base/err.h"

struct mailbox {
	void *owner;
	struct event_base *base;
	struct event *wake;
	int fd;
	pthread_mutex_t lock;
	bool is_woken; /* and has not looked since */
	struct message *first;
	struct message **last;
};

/* Late messages that may wait together. */
#define LATE_MAX 64

/* The calling thread's: its loop, and whom it is to wake for late messages. */
static _Thread_local struct event_base *own_base;
static _Thread_local struct event *late_timer;
static _Thread_local struct mailbox *late;
static _Thread_local unsigned late_count;

static struct message *
take_all(struct mailbox *mailbox)
{
	struct message *first;

	pthread_mutex_lock(&mailbox->lock);
	first = mailbox->first;
	mailbox->first = NULL;
	mailbox->last = &mailbox->first;
	mailbox->is_woken = false;
	pthread_mutex_unlock(&mailbox->lock);
	return first;
}

void
mailbox_deliver(struct mailbox *mailbox)
{
	struct message *message, *next;

	for (message = take_all(mailbox); message != NULL; message = next) {
		next = message->next;
		message->deliver(message, mailbox->owner);
	}
}

static void
on_wake(evutil_socket_t fd, short events, void *arg)
{
	uint64_t count;

	/* Reset before the queue is taken, or a post could be slept over. */
	if ((events & EV_READ) && read(fd, &count, sizeof(count)) < 0 &&
	    errno != EAGAIN)
		return;
	mailbox_deliver(arg);
}

struct mailbox *
mailbox_new(struct event_base *base, void *owner, struct err *err)
{
	struct mailbox *mailbox = xcalloc(1, sizeof(*mailbox));

	mailbox->owner = owner;
	mailbox->base = base;
	mailbox->last = &mailbox->first;
	mailbox->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (mailbox->fd == -1) {
		err_set(err, ERR_SYSTEM, "eventfd: %s", strerror(errno));
		free(mailbox);
		return NULL;
	}
	pthread_mutex_init(&mailbox->lock, NULL);
	mailbox->wake = event_new(
	    base, mailbox->fd, EV_READ | EV_PERSIST, on_wake, mailbox);
	event_add(mailbox->wake, NULL);
	return mailbox;
}

void
mailbox_free(struct mailbox *mailbox)
{
	if (mailbox == NULL)
		return;
	mailbox_deliver(mailbox);
	event_free(mailbox->wake);
	close(mailbox->fd);
	pthread_mutex_destroy(&mailbox->lock);
	free(mailbox);
}

/* True if nobody has woken the other side yet. */
static bool
put(struct mailbox *mailbox, struct message *message, bool is_late)
{
	bool is_first;

	message->next = NULL;
	pthread_mutex_lock(&mailbox->lock);
	*mailbox->last = message;
	mailbox->last = &message->next;
	is_first = !mailbox->is_woken;
	mailbox->is_woken = mailbox->is_woken || !is_late;
	pthread_mutex_unlock(&mailbox->lock);
	return is_first;
}

static void
wake(struct mailbox *mailbox)
{
	static const uint64_t one = 1;

	/* As if by a timeout: there is nothing to read. */
	if (mailbox->base == own_base)
		event_active(mailbox->wake, EV_TIMEOUT, 1);
	else if (write(mailbox->fd, &one, sizeof(one)) < 0)
		return; /* full: it has been woken often enough */
}

void
mailbox_post(struct mailbox *mailbox, struct message *message)
{
	if (put(mailbox, message, false))
		wake(mailbox);
}

/* Only if there is something that nobody has been woken for. */
static void
wake_for_rest(struct mailbox *mailbox)
{
	bool is_first;

	pthread_mutex_lock(&mailbox->lock);
	is_first = mailbox->first != NULL && !mailbox->is_woken;
	if (is_first)
		mailbox->is_woken = true;
	pthread_mutex_unlock(&mailbox->lock);
	if (is_first)
		wake(mailbox);
}

static void
wake_late(void)
{
	struct mailbox *mailbox = late;

	late = NULL;
	late_count = 0;
	if (mailbox != NULL)
		wake_for_rest(mailbox);
}

static void
on_late(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	(void)arg;
	wake_late();
}

void
mailbox_post_late(struct mailbox *mailbox, struct message *message)
{
	static const struct timeval wait = { .tv_usec =
						 MAILBOX_LATE_MS * 1000 };

	if (late_timer == NULL) {
		mailbox_post(mailbox, message);
		return;
	}
	if (late != mailbox || late_count >= LATE_MAX)
		wake_late();
	if (!put(mailbox, message, true))
		return;
	if (late == NULL && !event_pending(late_timer, EV_TIMEOUT, NULL))
		event_add(late_timer, &wait);
	late = mailbox;
	late_count++;
}

void
mailbox_begin_loop(struct event_base *base)
{
	own_base = base;
	late_timer = evtimer_new(base, on_late, NULL);
}

void
mailbox_end_loop(void)
{
	wake_late();
	event_free(late_timer);
	late_timer = NULL;
	own_base = NULL;
}
