#include "auth/endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "auth/jwks.h"
#include "auth/reviews.h"
#include "conf/conf.h"
#include "proxy/base/alloc.h"
#include "proxy/base/log.h"

#define LINE_EVERY_US 10000000

/* What "; retrying in 60s" leaves of the words. */
#define WORDS_BEFORE_RETRY 165

static const struct {
	const char *path;
	const char *down;
	const char *up;
} kinds[BACKEND_KIND_COUNT] = {
	[BACKEND_TOKEN] = { REVIEW_TOKEN_PATH,
	    "Kubernetes cannot be asked for token reviews",
	    "Kubernetes answers token reviews again" },
	[BACKEND_ACCESS] = { REVIEW_ACCESS_PATH,
	    "Kubernetes cannot be asked for access reviews",
	    "Kubernetes answers access reviews again" },
	[BACKEND_KEYS] = { NULL, "the key set cannot be fetched",
	    "the key set can be fetched again" },
};

char *
endpoint_in_cluster(void)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");
	bool is_ipv6;

	if (host == NULL || *host == '\0')
		return NULL;
	is_ipv6 = strchr(host, ':') != NULL;
	return xasprintf("https://%s%s%s:%s", is_ipv6 ? "[" : "", host,
	    is_ipv6 ? "]" : "", port != NULL && *port != '\0' ? port : "443");
}

/* Without what would become a second slash. */
static char *
join_url(const char *base, const char *path)
{
	size_t len = strlen(base);

	while (len > 0 && base[len - 1] == '/')
		len--;
	return xasprintf("%.*s%s", (int)len, base, path);
}

static char *
copy(const char *text)
{
	return text == NULL ? NULL : xstrdup(text);
}

static struct endpoint *
new_for_keys(const struct conf_jwt *conf)
{
	struct endpoint *endpoint = xcalloc(1, sizeof(*endpoint));

	endpoint->url = xstrdup(conf->jwks_url);
	endpoint->ca_file = copy(conf->jwks_ca_file);
	endpoint->token_file = copy(conf->jwks_token_file);
	return endpoint;
}

static struct endpoint *
new_for_reviews(enum backend_kind kind, const struct conf_kubernetes *conf,
    const char *in_cluster)
{
	const char *base =
	    conf->api_server != NULL ? conf->api_server : in_cluster;
	struct endpoint *endpoint = xcalloc(1, sizeof(*endpoint));

	endpoint->url = join_url(base, kinds[kind].path);
	endpoint->ca_file =
	    xstrdup(conf->ca_file != NULL ? conf->ca_file
					  : ENDPOINT_POD_FOLDER "ca.crt");
	endpoint->token_file =
	    xstrdup(conf->token_file != NULL ? conf->token_file
					     : ENDPOINT_POD_FOLDER "token");
	return endpoint;
}

static struct endpoint *
new_endpoint(enum backend_kind kind, const struct conf_auth *conf,
    const char *in_cluster, char *words)
{
	struct endpoint *endpoint;

	if (kind == BACKEND_KEYS)
		endpoint = new_for_keys(&conf->jwt);
	else if (conf->kubernetes.api_server != NULL || in_cluster != NULL)
		endpoint = new_for_reviews(kind, &conf->kubernetes, in_cluster);
	else {
		snprintf(words, BACKEND_WORDS_SIZE,
		    "not in a pod (KUBERNETES_SERVICE_HOST is not set): set "
		    "auth.kubernetes.api_server, ca_file and token_file");
		return NULL;
	}
	endpoint->kind = kind;
	return endpoint;
}

static void
free_endpoint(struct endpoint *endpoint)
{
	jwks_unref(endpoint->keys);
	free(endpoint->token_file);
	free(endpoint->ca_file);
	free(endpoint->url);
	free(endpoint);
}

static bool
is_equal(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
is_same(const struct endpoint *a, const struct endpoint *b)
{
	return a->kind == b->kind && is_equal(a->url, b->url) &&
	       is_equal(a->ca_file, b->ca_file) &&
	       is_equal(a->token_file, b->token_file);
}

static void
drop_unwanted(struct endpoint_list *list, enum backend_kind kind)
{
	struct endpoint *endpoint, *next;

	for (endpoint = TAILQ_FIRST(list); endpoint != NULL; endpoint = next) {
		next = TAILQ_NEXT(endpoint, link);
		if (endpoint->kind != kind || endpoint->jobs > 0)
			continue;
		TAILQ_REMOVE(list, endpoint, link);
		free_endpoint(endpoint);
	}
}

struct endpoint *
endpoint_get(struct endpoint_list *list, enum backend_kind kind,
    const struct conf_auth *conf, const char *in_cluster, char *words)
{
	struct endpoint *wanted = new_endpoint(kind, conf, in_cluster, words);
	struct endpoint *endpoint;

	if (wanted == NULL)
		return NULL;
	TAILQ_FOREACH (endpoint, list, link)
		if (is_same(endpoint, wanted)) {
			free_endpoint(wanted);
			return endpoint;
		}
	drop_unwanted(list, kind);
	TAILQ_INSERT_TAIL(list, wanted, link);
	return wanted;
}

void
endpoint_free_all(struct endpoint_list *list)
{
	struct endpoint *endpoint;

	while ((endpoint = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, endpoint, link);
		free_endpoint(endpoint);
	}
}

bool
endpoint_is_resting(
    const struct endpoint *endpoint, uint64_t now_us, char *words)
{
	const struct backoff *backoff = &endpoint->backoff;

	if (backoff->failures == 0)
		return false;
	if (backoff_is_over(backoff, now_us)) {
		if (endpoint->calls == 0)
			return false;
		snprintf(words, BACKEND_WORDS_SIZE, "%.*s; retrying now",
		    WORDS_BEFORE_RETRY, endpoint->words);
		return true;
	}
	snprintf(words, BACKEND_WORDS_SIZE, "%.*s; retrying in %us",
	    WORDS_BEFORE_RETRY, endpoint->words,
	    (unsigned)((backoff->until_us - now_us + 999999) / 1000000));
	return true;
}

void
endpoint_failed(struct endpoint *endpoint, const char *words, uint64_t now_us)
{
	snprintf(endpoint->words, sizeof(endpoint->words), "%s", words);
	if (endpoint->is_told_down || now_us < endpoint->next_line_us)
		return;
	endpoint->is_told_down = true;
	endpoint->next_line_us = now_us + LINE_EVERY_US;
	log_warn(kinds[endpoint->kind].down, "url", endpoint->url, "error",
	    words, NULL);
}

void
endpoint_rest(struct endpoint *endpoint, uint64_t began_us, uint64_t now_us,
    unsigned retry_after_s)
{
	uint32_t random = 0;

	/* Without randomness it is still a back-off. */
	if (RAND_bytes((unsigned char *)&random, sizeof(random)) != 1)
		random = UINT32_MAX / 2;
	backoff_failed(
	    &endpoint->backoff, began_us, now_us, retry_after_s, random);
}

void
endpoint_succeeded(struct endpoint *endpoint)
{
	backoff_succeeded(&endpoint->backoff);
	if (!endpoint->is_told_down)
		return;
	endpoint->is_told_down = false;
	log_info(kinds[endpoint->kind].up, "url", endpoint->url, NULL);
}
