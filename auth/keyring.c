/*
 * The keys of jwks_url, as one worker has them.  They come from the backend,
 * which fetches them for all workers and keeps them while the URL is down.
 */
#include <stdlib.h>
#include <string.h>

#include "auth/jwks.h"
#include "auth/method.h"
#include "auth/policy.h"
#include "conf/conf.h"
#include "proxy/base/clock.h"

void
keyring_fini(struct keyring *keyring)
{
	auth_policy_unref(keyring->policy);
	jwks_unref(keyring->keys);
	memset(keyring, 0, sizeof(*keyring));
}

/* Keys of another configuration verify nothing. */
static void
turn_to(struct keyring *keyring, const struct auth_policy *policy)
{
	if (keyring->policy != NULL &&
	    auth_policy_is_equal(keyring->policy, policy))
		return;
	keyring_fini(keyring);
	keyring->policy =
	    auth_policy_ref((struct auth_policy *)(uintptr_t)policy);
}

static void
keep(struct keyring *keyring, struct backend_ask *ask)
{
	jwks_unref(keyring->keys);
	keyring->keys = ask->keys;
	keyring->until_us = ask->keys_until_us;
	ask->keys = NULL;
}

static void
take_keys(struct message *message, void *owner)
{
	struct auth_errand *errand = (struct auth_errand *)message;
	struct backend_ask *ask = &errand->ask;
	struct keyring *keyring = &errand->pending.booth->keyring;
	bool is_good = ask->outcome == BACKEND_YES;

	(void)owner;
	if (keyring->policy != NULL &&
	    auth_policy_is_equal(keyring->policy, errand->pending.policy)) {
		keyring->is_asking = false;
		if (is_good)
			keep(keyring, ask);
	}
	if (is_good)
		auth_pending_again(&errand->pending);
	else
		auth_pending_deny(
		    &errand->pending, AUTH_UNAVAILABLE, false, ask->words);
	auth_errand_free(errand);
}

static void
ask_for_keys(struct auth_booth *booth, const struct auth_question *question)
{
	static const char *const fields[] = { "keys" };
	struct auth_errand *errand =
	    auth_errand_new(booth, question, AUTH_METHOD_JWT, BACKEND_KEYS);

	digester_make(booth->digester, fields, 1, errand->ask.digest);
	booth->keyring.is_asking = true;
	booth->keyring.asked_us = clock_now_us();
	auth_errand_send(errand, take_keys);
}

const struct jwks *
keyring_get(struct auth_booth *booth, const struct auth_question *question,
    bool wants_newer)
{
	struct keyring *keyring = &booth->keyring;
	uint64_t now_us = clock_now_us();
	struct auth_question nobody = *question;
	bool may_ask;

	turn_to(keyring, question->policy);
	may_ask = !keyring->is_asking &&
		  now_us - keyring->asked_us > KEYRING_ASK_MS * 1000;
	if (keyring->keys == NULL || (wants_newer && may_ask)) {
		ask_for_keys(booth, question);
		return NULL;
	}
	if (now_us >= keyring->until_us && may_ask) {
		/* Nobody has to wait: those at hand will do meanwhile. */
		nobody.settled = NULL;
		ask_for_keys(booth, &nobody);
	}
	return keyring->keys;
}
