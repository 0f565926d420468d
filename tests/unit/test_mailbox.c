#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
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

/* What one thread does, told by messages. */
struct actor {
	struct mailbox *guest; /* a second one on its own loop */
	struct mailbox *far;   /* on the test's loop */
	struct event_base *far_base;
	sem_t posted;
	bool is_posting;
	unsigned near_count;
	unsigned far_count;
	unsigned far_wanted;
};

static void
take_near(struct message *message, void *owner)
{
	struct actor *actor = owner;

	assert_false(actor->is_posting);
	assert_int_equal(
	    ((struct numbered *)message)->number, actor->near_count++);
	free(message);
	if (actor->near_count == EACH)
		sem_post(&actor->posted);
}

static void
take_far(struct message *message, void *owner)
{
	struct actor *actor = owner;

	assert_int_equal(
	    ((struct numbered *)message)->number, actor->far_count++);
	free(message);
	if (actor->far_count == actor->far_wanted)
		event_base_loopbreak(actor->far_base);
}

static struct message *
new_numbered(
    unsigned number, void (*deliver)(struct message *message, void *owner))
{
	struct numbered *numbered = calloc(1, sizeof(*numbered));

	numbered->number = number;
	numbered->message.deliver = deliver;
	return &numbered->message;
}

static void
post_near(struct message *message, void *owner)
{
	struct actor *actor = owner;
	unsigned i;

	free(message);
	actor->is_posting = true;
	for (i = 0; i < EACH; i++)
		mailbox_post(actor->guest, new_numbered(i, take_near));
	actor->is_posting = false;
}

static void
post_late(struct message *message, void *owner)
{
	struct actor *actor = owner;
	unsigned i, first = ((struct numbered *)message)->number;

	free(message);
	for (i = 0; i < 3; i++)
		mailbox_post_late(
		    actor->far, new_numbered(first + i, take_far));
	sem_post(&actor->posted);
}

/* Many late ones, and one that is not, which brings them all. */
static void
post_mixed(struct message *message, void *owner)
{
	struct actor *actor = owner;
	unsigned i;

	free(message);
	for (i = 0; i < EACH; i++)
		mailbox_post_late(actor->far, new_numbered(i, take_far));
	mailbox_post(actor->far, new_numbered(EACH, take_far));
}

static struct thread *
start_actor(struct actor *actor)
{
	struct err err;
	struct thread *thread = thread_new("actor", actor, &err);

	actor->far_base = thread_base_new(&err);
	actor->far = mailbox_new(actor->far_base, actor, &err);
	actor->guest = mailbox_new(thread_base(thread), actor, &err);
	assert_int_equal(sem_init(&actor->posted, 0, 0), 0);
	assert_int_equal(thread_start(thread, &err), 0);
	return thread;
}

static void
stop_actor(struct actor *actor, struct thread *thread)
{
	thread_stop(thread);
	mailbox_free(actor->guest);
	thread_free(thread);
	mailbox_free(actor->far);
	event_base_free(actor->far_base);
	sem_destroy(&actor->posted);
}

/* From a loop to a mailbox on the same: later, in order, all of them. */
static void
test_own_loop(void **state)
{
	struct actor actor = { .near_count = 0 };
	struct thread *thread = start_actor(&actor);

	(void)state;
	mailbox_post(thread_mailbox(thread), new_numbered(0, post_near));
	sem_wait(&actor.posted);
	stop_actor(&actor, thread);
	assert_int_equal(actor.near_count, EACH);
}

/* Found by who looks, without being woken. */
static void
test_late_is_there_at_once(void **state)
{
	struct actor actor = { .far_wanted = 6 };
	struct thread *thread = start_actor(&actor);

	(void)state;
	mailbox_post(thread_mailbox(thread), new_numbered(0, post_late));
	sem_wait(&actor.posted);
	mailbox_deliver(actor.far);
	assert_int_equal(actor.far_count, 3);
	/* And who sleeps is woken in the end, that look notwithstanding. */
	mailbox_post(thread_mailbox(thread), new_numbered(3, post_late));
	event_base_dispatch(actor.far_base);
	assert_int_equal(actor.far_count, 6);
	stop_actor(&actor, thread);
}

static void
test_late_keeps_the_order(void **state)
{
	struct actor actor = { .far_wanted = EACH + 1 };
	struct thread *thread = start_actor(&actor);

	(void)state;
	mailbox_post(thread_mailbox(thread), new_numbered(0, post_mixed));
	event_base_dispatch(actor.far_base);
	assert_int_equal(actor.far_count, EACH + 1);
	stop_actor(&actor, thread);
}

/* The thread ends before the time has come. */
static void
test_late_survives_the_end(void **state)
{
	struct actor actor = { .far_wanted = 3 };
	struct thread *thread = start_actor(&actor);

	(void)state;
	mailbox_post(thread_mailbox(thread), new_numbered(0, post_late));
	sem_wait(&actor.posted);
	thread_stop(thread);
	event_base_dispatch(actor.far_base);
	assert_int_equal(actor.far_count, 3);
	stop_actor(&actor, thread);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order_and_complete),
		cmocka_unit_test(test_delivers_on_free),
		cmocka_unit_test(test_own_loop),
		cmocka_unit_test(test_late_is_there_at_once),
		cmocka_unit_test(test_late_keeps_the_order),
		cmocka_unit_test(test_late_survives_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
