#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <event2/event.h>

#include "proxy/base/err.h"
#include "proxy/base/mailbox.h"
#include "proxy/base/thread.h"

#define SENDERS 4
#define EACH 5000

struct numbered {
	struct message message;
	unsigned sender;
	unsigned number;
};

struct receiver {
	struct event_base *base;
	struct mailbox *mailbox;
	unsigned next[SENDERS];
	unsigned total;
};

struct sender {
	struct thread *thread;
	struct mailbox *to;
	unsigned index;
};

static void
receive(struct message *message, void *owner)
{
	struct numbered *numbered = (struct numbered *)message;
	struct receiver *receiver = owner;

	assert_int_equal(numbered->number, receiver->next[numbered->sender]++);
	if (++receiver->total == SENDERS * EACH)
		event_base_loopbreak(receiver->base);
	free(numbered);
}

static void
send_all(struct message *message, void *owner)
{
	struct sender *sender = owner;
	unsigned i;

	free(message);
	for (i = 0; i < EACH; i++) {
		struct numbered *numbered = calloc(1, sizeof(*numbered));

		numbered->message.deliver = receive;
		numbered->sender = sender->index;
		numbered->number = i;
		mailbox_post(sender->to, &numbered->message);
	}
}

static void
test_in_order_and_complete(void **state)
{
	struct receiver receiver = { .total = 0 };
	struct sender senders[SENDERS];
	struct err err;
	unsigned i;

	(void)state;
	receiver.base = thread_base_new(&err);
	receiver.mailbox = mailbox_new(receiver.base, &receiver, &err);
	for (i = 0; i < SENDERS; i++) {
		struct message *go = calloc(1, sizeof(*go));

		senders[i].index = i;
		senders[i].to = receiver.mailbox;
		senders[i].thread = thread_new("sender", &senders[i], &err);
		assert_int_equal(thread_start(senders[i].thread, &err), 0);
		go->deliver = send_all;
		mailbox_post(thread_mailbox(senders[i].thread), go);
	}
	event_base_dispatch(receiver.base);
	assert_int_equal(receiver.total, SENDERS * EACH);
	for (i = 0; i < SENDERS; i++) {
		thread_stop(senders[i].thread);
		thread_free(senders[i].thread);
	}
	mailbox_free(receiver.mailbox);
	event_base_free(receiver.base);
}

/* What was posted to a thread that never ran is not lost. */
static void
test_delivers_on_free(void **state)
{
	struct receiver receiver = { .total = 0 };
	struct numbered *numbered = calloc(1, sizeof(*numbered));
	struct err err;

	(void)state;
	receiver.base = thread_base_new(&err);
	receiver.mailbox = mailbox_new(receiver.base, &receiver, &err);
	numbered->message.deliver = receive;
	mailbox_post(receiver.mailbox, &numbered->message);
	mailbox_free(receiver.mailbox);
	assert_int_equal(receiver.total, 1);
	event_base_free(receiver.base);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order_and_complete),
		cmocka_unit_test(test_delivers_on_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
