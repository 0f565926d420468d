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
	struct event *wake;
	int fd;
	pthread_mutex_t lock;
	struct message *first;
	struct message **last;
};

static struct message *
take_all(struct mailbox *mailbox)
{
	struct message *first;

	pthread_mutex_lock(&mailbox->lock);
	first = mailbox->first;
	mailbox->first = NULL;
	mailbox->last = &mailbox->first;
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
wake(evutil_socket_t fd, short events, void *arg)
{
	uint64_t count;

	(void)events;
	/* Reset before the queue is taken, or a post could be slept over. */
	if (read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return;
	mailbox_deliver(arg);
}

struct mailbox *
mailbox_new(struct event_base *base, void *owner, struct err *err)
{
	struct mailbox *mailbox = xcalloc(1, sizeof(*mailbox));

	mailbox->owner = owner;
	mailbox->last = &mailbox->first;
	mailbox->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (mailbox->fd == -1) {
		err_set(err, ERR_SYSTEM, "eventfd: %s", strerror(errno));
		free(mailbox);
		return NULL;
	}
	pthread_mutex_init(&mailbox->lock, NULL);
	mailbox->wake =
	    event_new(base, mailbox->fd, EV_READ | EV_PERSIST, wake, mailbox);
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

void
mailbox_post(struct mailbox *mailbox, struct message *message)
{
	static const uint64_t one = 1;
	bool was_empty;

	message->next = NULL;
	pthread_mutex_lock(&mailbox->lock);
	was_empty = mailbox->first == NULL;
	*mailbox->last = message;
	mailbox->last = &message->next;
	pthread_mutex_unlock(&mailbox->lock);
	/* A queue that was not empty has its wake-up on the way already. */
	if (was_empty && write(mailbox->fd, &one, sizeof(one)) < 0)
		return;
}
