#include "proxy/scrape.h"

#include <stdlib.h>

#include "proxy/base/alloc.h"
#include "proxy/cache/answer.h"

struct scrape *
scrape_new(const struct key *key)
{
	struct scrape *scrape = xcalloc(1, sizeof(*scrape));

	atomic_init(&scrape->refs, 1);
	scrape->key = *key;
	return scrape;
}

struct scrape *
scrape_ref(struct scrape *scrape)
{
	atomic_fetch_add_explicit(&scrape->refs, 1, memory_order_relaxed);
	return scrape;
}

void
scrape_unref(struct scrape *scrape)
{
	if (atomic_fetch_sub(&scrape->refs, 1) > 1)
		return;
	answer_unref(scrape->answer);
	key_fini(&scrape->key);
	free(scrape);
}

void
scrape_send_back(struct scrape *scrape)
{
	scrape->message.deliver = scrape->back;
	mailbox_post(scrape->reply_to, &scrape->message);
}
