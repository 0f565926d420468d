/*
 * What is answered.
 */
#include "auth/reviews.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/identity.h"
#include "conf/conf.h"
#include "proxy/base/alloc.h"
#include "proxy/base/err.h"
#include "proxy/base/escape.h"
#include "proxy/base/json.h"

/* Foreign words, escaped, as part of ours. */
#define QUOTE_SIZE 128

struct reading {
	const struct conf_strings *audiences;
	struct backend_ask *ask;
};

static void __attribute__((format(printf, 3, 4))) say(struct backend_ask *ask,
    enum backend_outcome outcome, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(ask->words, sizeof(ask->words), format, args);
	va_end(args);
	ask->outcome = outcome;
}

static const char *
quote(char out[QUOTE_SIZE], const char *text)
{
	escape_words(out, QUOTE_SIZE, text, strlen(text));
	return out;
}

/*
 * A member that may be missing: true if it is, or is of its kind.
 */
static bool
may_be_string(const struct cJSON *parent, const char *name, const char **text)
{
	const struct cJSON *value = json_get(parent, name);

	*text = json_string(value);
	return value == NULL || json_is_null(value) || *text != NULL;
}

static bool
may_be_bool(const struct cJSON *parent, const char *name, bool *truth)
{
	const struct cJSON *value = json_get(parent, name);

	*truth = false;
	return value == NULL || json_is_null(value) || json_bool(value, truth);
}

/* Of strings; *array may be NULL or empty then. */
static bool
may_be_strings(
    const struct cJSON *parent, const char *name, const struct cJSON **array)
{
	size_t i;

	*array = json_get(parent, name);
	if (*array == NULL || json_is_null(*array)) {
		*array = NULL;
		return true;
	}
	if (!json_is_array(*array))
		return false;
	for (i = 0; i < json_count(*array); i++)
		if (json_string(json_at(*array, i)) == NULL)
			return false;
	return true;
}

static void
say_malformed(struct backend_ask *ask, const char *what)
{
	say(ask, BACKEND_UNAVAILABLE, "the API's answer is wrong: %s", what);
}

/* Who it is. */

static bool
is_plain(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == '\x7f')
			return false;
	return true;
}

/* What is wrong with a name or a group, or NULL; both end up in headers. */
static const char *
judge_group(const char *group, size_t *bytes)
{
	*bytes += strlen(group);
	if (*bytes > AUTH_GROUPS_BYTES_MAX)
		return "its groups are too long";
	return is_plain(group) ? NULL : "a group with a control byte";
}

static const char *
judge_groups(const struct cJSON *groups)
{
	const char *fault = NULL;
	size_t bytes = 0, i;

	if (json_count(groups) > AUTH_GROUPS_MAX)
		return "it is in too many groups";
	for (i = 0; i < json_count(groups) && fault == NULL; i++)
		fault = judge_group(json_string(json_at(groups, i)), &bytes);
	return fault;
}

static const char *
judge_user(const char *user)
{
	if (strlen(user) > AUTH_USER_MAX)
		return "its user name is too long";
	return is_plain(user) ? NULL : "a user name with a control byte";
}

static struct auth_identity *
make_identity(const char *user, const struct cJSON *groups)
{
	size_t count = json_count(groups), i;
	const char **names = xcalloc(count + 1, sizeof(*names));
	struct auth_identity *identity;

	for (i = 0; i < count; i++)
		names[i] = json_string(json_at(groups, i));
	identity =
	    auth_identity_new(AUTH_METHOD_TOKEN_REVIEW, user, names, count);
	free(names);
	return identity;
}

static void
read_user(struct reading *reading, const struct cJSON *status)
{
	const struct cJSON *user = json_get(status, "user"), *groups;
	const char *name = json_string(json_get(user, "username"));
	const char *fault;

	if (name == NULL || *name == '\0') {
		say_malformed(reading->ask, "authenticated, but no username");
		return;
	}
	if (!may_be_strings(user, "groups", &groups)) {
		say_malformed(reading->ask, "groups is no list of texts");
		return;
	}
	fault = judge_user(name);
	if (fault == NULL)
		fault = judge_groups(groups);
	if (fault != NULL) {
		say(reading->ask, BACKEND_NO, "a good token, but %s", fault);
		return;
	}
	reading->ask->identity = make_identity(name, groups);
	say(reading->ask, BACKEND_YES, "%s", "");
}

/* Audiences. */

static bool
is_wanted(const struct conf_strings *audiences, const char *audience)
{
	size_t i;

	for (i = 0; i < audiences->count; i++)
		if (strcmp(audiences->items[i], audience) == 0)
			return true;
	return false;
}

/*
 * An API server that knows nothing of audiences, or an authenticator that does
 * not, answers without any: then the token was not made for us, as far as
 * anybody has checked.
 */
static bool
has_audience(const struct reading *reading, const struct cJSON *got)
{
	size_t i;

	if (reading->audiences->count == 0)
		return true;
	for (i = 0; i < json_count(got); i++)
		if (is_wanted(reading->audiences, json_string(json_at(got, i))))
			return true;
	return false;
}

static void
say_audience(struct reading *reading, const struct cJSON *got)
{
	char first[QUOTE_SIZE], wanted[QUOTE_SIZE];
	const char *text = json_string(json_at(got, 0));

	quote(wanted, reading->audiences->items[0]);
	if (text == NULL)
		say(reading->ask, BACKEND_NO,
		    "the token names no audience, wanted %s%s", wanted,
		    reading->audiences->count > 1 ? " or another" : "");
	else
		say(reading->ask, BACKEND_NO, "audience is %s%s, wanted %s%s",
		    quote(first, text),
		    json_count(got) > 1 ? " and others" : "", wanted,
		    reading->audiences->count > 1 ? " or another" : "");
}

static void
read_token(struct reading *reading, const struct cJSON *status)
{
	char words[QUOTE_SIZE];
	const struct cJSON *audiences;
	const char *error;
	bool is_good;

	if (!may_be_bool(status, "authenticated", &is_good) ||
	    !may_be_string(status, "error", &error) ||
	    !may_be_strings(status, "audiences", &audiences)) {
		say_malformed(reading->ask, "a status of the wrong kind");
		return;
	}
	if (!is_good)
		say(reading->ask, BACKEND_NO, "%s",
		    error != NULL && *error != '\0' ? quote(words, error)
						    : "token not accepted");
	else if (!has_audience(reading, audiences))
		say_audience(reading, audiences);
	else
		read_user(reading, status);
}

/* Kubernetes: denied may not be true if allowed is; and an error in the
 * evaluation leaves a yes as good as any, for bindings only ever add. */
static void
read_access(struct reading *reading, const struct cJSON *status)
{
	char words[QUOTE_SIZE];
	const char *reason, *error;
	bool is_allowed, is_denied;

	if (!json_bool(json_get(status, "allowed"), &is_allowed) ||
	    !may_be_bool(status, "denied", &is_denied) ||
	    !may_be_string(status, "reason", &reason) ||
	    !may_be_string(status, "evaluationError", &error))
		say_malformed(reading->ask, "a status of the wrong kind");
	else if (is_allowed && is_denied)
		say_malformed(reading->ask, "both allowed and denied");
	else if (is_allowed)
		say(reading->ask, BACKEND_YES, "%s", "");
	else if (!is_denied && error != NULL && *error != '\0')
		say(reading->ask, BACKEND_UNAVAILABLE,
		    "the API could not decide: %s", quote(words, error));
	else
		say(reading->ask, BACKEND_NO, "%s",
		    reason != NULL && *reason != '\0' ? quote(words, reason)
						      : "no role allows it");
}

static const struct {
	const char *version;
	const char *kind;
	const char *plural;
	void (*read)(struct reading *reading, const struct cJSON *status);
} reviews[] = {
	[BACKEND_TOKEN] = { "authentication.k8s.io/v1", "TokenReview",
	    "tokenreviews", read_token },
	[BACKEND_ACCESS] = { "authorization.k8s.io/v1", "SubjectAccessReview",
	    "subjectaccessreviews", read_access },
};

static bool
is_text(const struct cJSON *root, const char *name, const char *wanted)
{
	const char *text = json_string(json_get(root, name));

	return text != NULL && strcmp(text, wanted) == 0;
}

static void
read_review(struct reading *reading, const struct cJSON *root)
{
	enum backend_kind kind = reading->ask->kind;
	const struct cJSON *status = json_get(root, "status");

	if (!is_text(root, "apiVersion", reviews[kind].version) ||
	    !is_text(root, "kind", reviews[kind].kind))
		say(reading->ask, BACKEND_UNAVAILABLE,
		    "the API's answer is no %s of %s", reviews[kind].kind,
		    reviews[kind].version);
	else if (!json_is_object(status))
		say_malformed(reading->ask, "no status");
	else
		reviews[kind].read(reading, status);
}

/* The API repeats what it was asked, the token too. */
static void
wipe_token(const struct cJSON *root)
{
	const char *token =
	    json_string(json_get(json_get(root, "spec"), "token"));

	if (token != NULL)
		explicit_bzero((void *)(uintptr_t)token, strlen(token));
}

static void
read_body(struct reading *reading, const char *body, size_t len)
{
	struct err err;
	struct cJSON *root = json_parse(body, len, &err);
	char words[QUOTE_SIZE];

	if (root == NULL) {
		say(reading->ask, BACKEND_UNAVAILABLE,
		    "the API's answer is no JSON: %s", quote(words, err.text));
		return;
	}
	read_review(reading, root);
	wipe_token(root);
	json_free(root);
}

/* Other statuses: what each means for the gate's operator. */

static const struct {
	int status;
	const char *before; /* the resource's name */
	const char *after;
} statuses[] = {
	{ 401,
	    "the API does not accept the token of the gate's own "
	    "ServiceAccount for ",
	    " (401): is token_file this cluster's?" },
	{ 403, "the gate's ServiceAccount may not create ",
	    " (403): bind the ClusterRole system:auth-delegator to it" },
	{ 404, "the API has no ", " (404): is api_server a Kubernetes API?" },
};

/* A Status object's words, if it is one. */
static void
say_status(struct backend_ask *ask, int status, const char *body, size_t len)
{
	struct err err;
	struct cJSON *root = json_parse(body, len, &err);
	const char *message = json_string(json_get(root, "message"));
	char words[QUOTE_SIZE];

	if (message != NULL && is_text(root, "kind", "Status"))
		say(ask, BACKEND_UNAVAILABLE, "the API answered %d: %s", status,
		    quote(words, message));
	else
		say(ask, BACKEND_UNAVAILABLE, "the API answered %d", status);
	json_free(root);
}

static void
read_refusal(struct backend_ask *ask, int status, const char *body, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (statuses[i].status == status) {
			say(ask, BACKEND_UNAVAILABLE, "%s%s%s",
			    statuses[i].before, reviews[ask->kind].plural,
			    statuses[i].after);
			return;
		}
	say_status(ask, status, body, len);
}

void
review_read(enum backend_kind kind, int status, const char *body, size_t len,
    const struct conf_strings *audiences, struct backend_ask *ask)
{
	struct reading reading = { .audiences = audiences, .ask = ask };

	ask->kind = kind;
	ask->identity = NULL;
	if (status == 200 || status == 201)
		read_body(&reading, body, len);
	else
		read_refusal(ask, status, body, len);
}
