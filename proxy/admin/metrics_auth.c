#include "proxy/admin/metrics_parts.h"

#include <stddef.h>

#include "auth/auth.h"
#include "auth/backend.h"
#include "conf/conf.h"
#include "proxy/admin/view.h"
#include "proxy/gate/stats.h"

/* From the start where credentials are wanted, so that rate() sees the first
 * failure. */
static bool
is_told_from_start(
    const struct conf *conf, enum auth_method method, enum auth_result result)
{
	const struct conf_auth *auth = &conf->auth;
	const bool is_on[AUTH_METHOD_COUNT] = {
		[AUTH_METHOD_BASIC] = conf->basic_auth_user_count > 0,
		[AUTH_METHOD_BEARER] = auth->bearer_tokens_file != NULL,
		[AUTH_METHOD_JWT] = auth->jwt.is_set,
		[AUTH_METHOD_TOKEN_REVIEW] =
		    auth->kubernetes.token_review.is_set,
		[AUTH_METHOD_CERTIFICATE] = auth->client_certificate.is_set,
	};

	return is_on[method] &&
	       (result == AUTH_ALLOWED || result == AUTH_DENIED);
}

static void
put_auth(struct metrics_output *out)
{
	size_t method, result;

	for (method = 0; method < AUTH_METHOD_COUNT; method++) {
		for (result = 0; result < AUTH_RESULT_COUNT; result++) {
			uint64_t sum = metrics_sum(
			    out, offsetof(struct stats, auth) +
				     (method * AUTH_RESULT_COUNT + result) *
					 sizeof(stats_counter));

			if (sum > 0 || is_told_from_start(out->view->conf,
					   (enum auth_method)method,
					   (enum auth_result)result))
				metrics_put(out, (double)sum, "method",
				    auth_method_name((enum auth_method)method),
				    "result",
				    auth_result_name((enum auth_result)result),
				    NULL);
		}
	}
}

static void
put_calls(struct metrics_output *out, enum backend_kind kind,
    enum backend_outcome outcome)
{
	metrics_put(out,
	    (double)auth_backend_count(out->view->backend, kind, outcome),
	    "service", backend_kind_name(kind), "result",
	    backend_outcome_name(outcome), NULL);
}

/* Only what is configured; a key set has no way to deny. */
static void
put_backend(struct metrics_output *out)
{
	const struct conf_auth *auth = &out->view->conf->auth;
	const bool is_on[BACKEND_KIND_COUNT] = {
		[BACKEND_TOKEN] = auth->kubernetes.token_review.is_set,
		[BACKEND_ACCESS] = auth->kubernetes.access_review,
		[BACKEND_KEYS] = auth->jwt.jwks_url != NULL,
	};
	size_t kind, outcome;

	if (out->view->backend == NULL)
		return;
	for (kind = 0; kind < BACKEND_KIND_COUNT; kind++) {
		bool may_deny = kind != BACKEND_KEYS;

		for (outcome = 0; outcome < BACKEND_OUTCOME_COUNT; outcome++)
			if (is_on[kind] && (may_deny || outcome != BACKEND_NO))
				put_calls(out, (enum backend_kind)kind,
				    (enum backend_outcome)outcome);
	}
}

static const struct metric metrics[] = {
	{ "scrapegate_auth_total", "counter",
	    "Requests by what became of their credentials.", put_auth, NULL },
	{ "scrapegate_auth_backend_calls_total", "counter",
	    "Calls to Kubernetes and to the URL of a key set, by how they "
	    "ended; limited: not made, too much was asked.",
	    put_backend, NULL },
};

const struct metrics_room metrics_auth = METRICS_ROOM(metrics);
