#include "conf/check.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "conf/check_auth.h"
#include "conf/conf.h"
#include "conf/header_name.h"
#include "conf/kubernetes_name.h"
#include "conf/loading.h"
#include "conf/login.h"
#include "conf/text.h"
#include "conf/url.h"
#include "proxy/base/err.h"

#define VALUE "{{ .Value }}"

void
conf_check_items(struct conf_loading *loading, const struct conf_strings *list,
    const char *name, const char *instead)
{
	size_t i;

	if (list->count == 0 && conf_loading_find(loading, list) != NULL &&
	    loading->errors.errors.count == 0)
		conf_loading_complain(
		    loading, list, "%s: lists nothing: %s", name, instead);
	for (i = 0; i < list->count; i++)
		if (list->items[i][0] == '\0')
			conf_loading_complain(loading, list,
			    "%s: has an empty text: remove it", name);
}

/*
 * A URL to ask: https, because credentials and what is believed cross it; http
 * only where nobody else can listen.
 */
static void
check_url(struct conf_loading *loading, char *const *field, const char *name)
{
	struct conf_url url;
	const char *host;
	struct err err;

	if (*field == NULL)
		return;
	host = strstr(*field, "://");
	if (host == NULL || strncasecmp(*field, "http", 4) != 0) {
		conf_loading_complain(loading, field,
		    "%s: is no URL to ask: write https://HOST:PORT...", name);
		return;
	}
	host += 3;
	if (memchr(host, '@', strcspn(host, "/?#")) != NULL) {
		conf_loading_complain(loading, field,
		    "%s: has user info, which would show in logs: leave it out",
		    name);
		return;
	}
	if (conf_url_parse(*field, &url, &err) == -1) {
		conf_loading_complain(loading, field, "%s: %s", name, err.text);
		return;
	}
	if (url.scheme != CONF_HTTPS && !url.is_loopback)
		conf_loading_complain(loading, field,
		    "%s: whoever sits in between could answer instead: write "
		    "https://... (http only to a loopback address)",
		    name);
	conf_url_fini(&url);
}

static void
check_jwt_keys(struct conf_loading *loading)
{
	const struct conf_jwt *jwt = &loading->conf->auth.jwt;

	if (jwt->jwks_file != NULL && jwt->jwks_url != NULL)
		conf_loading_complain(loading, &jwt->jwks_url,
		    "auth.jwt: jwks_file and jwks_url are both set: keep one "
		    "of them");
	else if (jwt->jwks_file == NULL && jwt->jwks_url == NULL &&
		 conf_loading_is_missing(loading, &jwt->jwks_file) &&
		 conf_loading_is_missing(loading, &jwt->jwks_url))
		conf_loading_complain(loading, &jwt->place,
		    "auth.jwt: the issuer's keys are missing: write jwks_file: "
		    "FILE or jwks_url: https://...");
	if (jwt->jwks_url == NULL &&
	    (jwt->jwks_ca_file != NULL || jwt->jwks_token_file != NULL))
		conf_errors_warn(&loading->errors,
		    "auth.jwt: jwks_ca_file and jwks_token_file have no effect "
		    "without jwks_url");
	check_url(loading, &jwt->jwks_url, "auth.jwt.jwks_url");
}

static void
check_jwt(struct conf_loading *loading)
{
	const struct conf_jwt *jwt = &loading->conf->auth.jwt;

	if (!jwt->is_set)
		return;
	if (jwt->issuer == NULL &&
	    conf_loading_is_missing(loading, &jwt->issuer))
		conf_loading_complain(loading, &jwt->place,
		    "auth.jwt: issuer is missing: write the `iss` of its "
		    "tokens");
	/* RFC 8725 3.9. */
	if (jwt->audiences.count == 0 &&
	    conf_loading_is_missing(loading, &jwt->audiences))
		conf_loading_complain(loading, &jwt->place,
		    "auth.jwt: audiences is missing: without one a token that "
		    "was made for another service would let its owner in; "
		    "write audiences: [NAME]");
	else if (jwt->audiences.count > 0)
		conf_check_items(
		    loading, &jwt->audiences, "auth.jwt.audiences", "");
	if (jwt->user_claim == NULL)
		conf_loading_complain(loading, &jwt->user_claim,
		    "auth.jwt.user_claim: is empty: leave it out for sub");
	check_jwt_keys(loading);
}

/* Whose `name` it is: other keys say what it is asked. */
static void
check_api_server(struct conf_loading *loading, char *const *field,
    const char *name, const char *sent)
{
	const char *text = *field;

	check_url(loading, field, name);
	if (text == NULL)
		return;
	if (text[strlen(text) - 1] == '/' || strpbrk(text, "?#") != NULL)
		conf_loading_complain(loading, field,
		    "%s: the path of the request is put behind it: write "
		    "https://HOST:PORT, without a slash or query at the end",
		    name);
	if (strncasecmp(text, "http:", 5) == 0)
		conf_errors_warn(&loading->errors,
		    "%s over plain HTTP: %s sent in clear text", name, sent);
}

/*
 * Go's templates know more, which nobody needs here; what would not be filled
 * in has to be an error, or it would be asked for literally.  Counts the
 * values; -1 if there is something else.
 */
static int
count_values(const char *text)
{
	int count = 0;

	while ((text = strstr(text, "{{")) != NULL) {
		text += 2;
		text += strspn(text, " ");
		if (strncmp(text, ".Value", 6) != 0)
			return -1;
		text += 6;
		text += strspn(text, " ");
		if (strncmp(text, "}}", 2) != 0)
			return -1;
		text += 2;
		count++;
	}
	return count;
}

/* How many values all attributes want together. */
static int
check_templates(struct conf_loading *loading)
{
	const struct conf_attributes *attributes =
	    &loading->conf->auth.kubernetes.attributes;
	const struct {
		const char *name;
		char *const *text;
	} texts[] = {
		{ "namespace", &attributes->namespace },
		{ "apiGroup", &attributes->api_group },
		{ "apiVersion", &attributes->api_version },
		{ "resource", &attributes->resource },
		{ "subresource", &attributes->subresource },
		{ "name", &attributes->name },
	};
	int count, all = 0;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		count =
		    *texts[i].text == NULL ? 0 : count_values(*texts[i].text);
		if (count == -1)
			conf_loading_complain(loading, texts[i].text,
			    "auth.kubernetes.resourceAttributes.%s: of Go's "
			    "templates only \"" VALUE "\" is known",
			    texts[i].name);
		else
			all += count;
	}
	return all;
}

/* A parameter that no scraper may send can not say what is asked for. */
static void
warn_of_query(struct conf_loading *loading)
{
	const struct conf *conf = loading->conf;
	const char *name = conf->auth.kubernetes.by_query_parameter;
	const struct conf_strings *allow;
	char quoted[CONF_QUOTED_SIZE], target[CONF_QUOTED_SIZE];
	size_t i, j;

	for (i = 0; i < conf->target_count; i++) {
		allow = &conf->targets[i].query_allow;
		for (j = 0; j < allow->count; j++)
			if (strcmp(allow->items[j], name) == 0)
				break;
		if (j == allow->count && conf->targets[i].name != NULL)
			conf_errors_warn(&loading->errors,
			    "target %s refuses every scrape: rewrites needs "
			    "the parameter %s, which its query.allow does not "
			    "have",
			    conf_quote(conf->targets[i].name, target),
			    conf_quote(name, quoted));
	}
}

static void
check_rewrites(struct conf_loading *loading, int values)
{
	const struct conf_kubernetes *kubernetes =
	    &loading->conf->auth.kubernetes;
	bool has_query = kubernetes->by_query_parameter != NULL;
	bool has_header = kubernetes->by_http_header != NULL;
	const void *at = has_query ? &kubernetes->by_query_parameter
				   : &kubernetes->by_http_header;
	struct err err;

	if (has_query && has_header)
		conf_loading_complain(loading, &kubernetes->by_http_header,
		    "auth.kubernetes.rewrites: byQueryParameter and "
		    "byHttpHeader are both set: keep one of them, each scrape "
		    "asks once");
	if ((has_query || has_header) && !kubernetes->attributes.is_set)
		conf_loading_complain(loading, at,
		    "auth.kubernetes.rewrites: fills in resourceAttributes, "
		    "which is not set: write it with \"" VALUE "\" in it");
	else if ((has_query || has_header) && values == 0)
		conf_errors_warn(&loading->errors,
		    "auth.kubernetes.rewrites only refuses scrapes without it: "
		    "resourceAttributes has no \"" VALUE "\"");
	if (!has_query && !has_header && values > 0)
		conf_loading_complain(loading, &kubernetes->attributes.place,
		    "auth.kubernetes.resourceAttributes: \"" VALUE "\" comes "
		    "from nowhere: write rewrites: {byQueryParameter: {name: "
		    "...}} or {byHttpHeader: {name: ...}}");
	if (has_header && conf_header_name_check_readable(
			      kubernetes->by_http_header, &err) == -1)
		conf_loading_complain(loading, &kubernetes->by_http_header,
		    "auth.kubernetes.rewrites.byHttpHeader.name: %s", err.text);
	if (has_query && values > 0)
		warn_of_query(loading);
}

static void
check_attributes(struct conf_loading *loading)
{
	const struct conf_kubernetes *kubernetes =
	    &loading->conf->auth.kubernetes;
	const struct conf_attributes *attributes = &kubernetes->attributes;

	if (!attributes->is_set)
		return;
	if (!kubernetes->access_review &&
	    conf_loading_is_missing(loading, &kubernetes->access_review))
		conf_loading_complain(loading, &attributes->place,
		    "auth.kubernetes.resourceAttributes: is not asked for: "
		    "write access_review: true");
	if (attributes->resource == NULL &&
	    conf_loading_is_missing(loading, &attributes->resource))
		conf_loading_complain(loading, &attributes->place,
		    "auth.kubernetes.resourceAttributes: resource is missing");
}

static void
check_kubernetes(struct conf_loading *loading, bool had_errors)
{
	const struct conf *conf = loading->conf;
	const struct conf_kubernetes *kubernetes = &conf->auth.kubernetes;
	const struct conf_strings *audiences =
	    &kubernetes->token_review.audiences;

	if (!kubernetes->is_set)
		return;
	if (!kubernetes->token_review.is_set && !kubernetes->access_review &&
	    !had_errors)
		conf_loading_complain(loading, &kubernetes->place,
		    "auth.kubernetes: asks nothing: write token_review: "
		    "{audiences: [NAME]}, access_review: true or both");
	else if (kubernetes->access_review && !conf_has_login(conf) &&
		 !had_errors)
		conf_loading_complain(loading, &kubernetes->access_review,
		    "auth.kubernetes.access_review: nobody says who asks: "
		    "write token_review: {audiences: [NAME]}, or another "
		    "login");
	conf_check_items(loading, audiences,
	    "auth.kubernetes.token_review.audiences",
	    "leave it out for the API server's own");
	check_api_server(loading, &loading->conf->auth.kubernetes.api_server,
	    "auth.kubernetes.api_server",
	    "the gate's token and the scrapers' are");
	check_attributes(loading);
	check_rewrites(loading, check_templates(loading));
}

static void
check_pod(struct conf_loading *loading)
{
	const struct conf_pod *pod = &loading->conf->pod;
	char quoted[CONF_QUOTED_SIZE];

	check_api_server(loading, &loading->conf->pod.api_server,
	    "pod.api_server", "the gate's token is");
	if (pod->namespace != NULL && !kubernetes_is_label(pod->namespace))
		conf_loading_complain(loading, &pod->namespace,
		    "pod.namespace: %s names no namespace: up to 63 "
		    "lower-case letters, digits and \"-\", a letter or digit "
		    "first and last",
		    conf_quote(pod->namespace, quoted));
	if (pod->name != NULL && !kubernetes_is_name(pod->name))
		conf_loading_complain(loading, &pod->name,
		    "pod.name: %s names no pod: up to 253 lower-case "
		    "letters, digits, \"-\" and \".\", a letter or digit first "
		    "and last, and on both sides of a \".\"",
		    conf_quote(pod->name, quoted));
}

void
conf_check_auth(struct conf_loading *loading)
{
	bool had_errors = loading->errors.errors.count > 0;

	check_pod(loading);
	if (!loading->conf->auth.is_set)
		return;
	check_jwt(loading);
	check_kubernetes(loading, had_errors);
	conf_check_rules(loading, had_errors);
	conf_check_headers(loading, had_errors);
}
