#include "auth/jwt_claims.h"

#include <stdio.h>
#include <string.h>

#include "auth/identity.h"
#include "auth/jwt_verdict.h"
#include "conf/conf.h"
#include "conf/duration.h"
#include "proxy/base/json.h"
#include "proxy/base/utf8.h"

#define AUDIENCES_MAX 64

/* Above, a double skips seconds: nobody means such a time. */
#define TIME_MAX 9007199254740992.0

/* A token is too short for more bytes of groups than an identity may have. */
_Static_assert(
    JWT_BYTES_MAX / 4 * 3 + 2 * AUTH_USER_MAX <= AUTH_GROUPS_BYTES_MAX,
    "groups of a token have to fit an identity");

#define NAMESPACE_GROUP_SIZE (AUTH_USER_MAX + 32)

struct groups {
	const char *items[AUTH_GROUPS_MAX];
	size_t count;
	char of_namespace[NAMESPACE_GROUP_SIZE];
};

struct claims {
	const struct cJSON *payload;
	const struct conf_jwt *conf;
	int64_t now_s;
	const char *user;
	struct groups groups;
	struct jwt_verdict *verdict;
};

static bool
fail_kind(struct claims *claims, const char *name, const char *wanted)
{
	char shown[JWT_SHOWN];

	return jwt_fail(claims->verdict, JWT_BAD_CLAIM, "claim %s is not %s",
	    jwt_show(shown, name), wanted);
}

static bool
judge_issuer(struct claims *claims)
{
	const struct cJSON *value = json_get(claims->payload, "iss");
	const char *issuer = json_string(value);
	char shown[JWT_SHOWN], wanted[JWT_SHOWN];

	if (value != NULL && issuer == NULL)
		return fail_kind(claims, "iss", "a string");
	/* Byte for byte (RFC 8725 3.8): a slash more is another issuer. */
	if (issuer != NULL && strcmp(issuer, claims->conf->issuer) == 0)
		return true;
	return jwt_fail(claims->verdict, JWT_WRONG_ISSUER,
	    "the issuer is %s, wanted %s",
	    issuer != NULL ? jwt_show(shown, issuer) : "not given",
	    jwt_show(wanted, claims->conf->issuer));
}

static bool
is_wanted(const struct conf_strings *wanted, const char *audience)
{
	size_t i;

	for (i = 0; i < wanted->count; i++)
		if (strcmp(wanted->items[i], audience) == 0)
			return true;
	return false;
}

/* `first` and how many more there are; returns `out`. */
static const char *
show_many(char *out, size_t size, const char *first, size_t count)
{
	char shown[JWT_SHOWN];

	if (count == 0)
		snprintf(out, size, "none");
	else if (count == 1)
		snprintf(out, size, "%s", jwt_show(shown, first));
	else
		snprintf(out, size, "%s and %zu more", jwt_show(shown, first),
		    count - 1);
	return out;
}

static bool
fail_audience(struct claims *claims, const char *first, size_t count)
{
	const struct conf_strings *wanted = &claims->conf->audiences;
	char have[JWT_SHOWN + 32], want[JWT_SHOWN + 32];

	return jwt_fail(claims->verdict, JWT_WRONG_AUDIENCE,
	    "the audience is %s, wanted %s",
	    show_many(have, sizeof(have), first, count),
	    show_many(want, sizeof(want),
		wanted->count > 0 ? wanted->items[0] : NULL, wanted->count));
}

/* All of them are looked at, so that a list is good or bad by what it is, not
 * by where the one that fits stands. */
static bool
judge_audiences(struct claims *claims, const struct cJSON *list)
{
	const struct cJSON *each;
	bool has_wanted = false;

	if (json_count(list) == 0 || json_count(list) > AUDIENCES_MAX)
		return fail_kind(claims, "aud", "a string or 1 to 64 strings");
	for (each = json_first(list); each != NULL; each = json_next(each)) {
		const char *audience = json_string(each);

		if (audience == NULL)
			return fail_kind(
			    claims, "aud", "a string or 1 to 64 strings");
		has_wanted |= is_wanted(&claims->conf->audiences, audience);
	}
	return has_wanted ||
	       fail_audience(
		   claims, json_string(json_first(list)), json_count(list));
}

static bool
judge_audience(struct claims *claims)
{
	const struct cJSON *value = json_get(claims->payload, "aud");
	const char *audience = json_string(value);

	if (value == NULL)
		return fail_audience(claims, NULL, 0);
	if (audience == NULL)
		return judge_audiences(claims, value);
	return is_wanted(&claims->conf->audiences, audience) ||
	       fail_audience(claims, audience, 1);
}

static bool
get_time(const struct cJSON *value, double *seconds)
{
	return json_number(value, seconds) && *seconds >= 0 &&
	       *seconds <= TIME_MAX;
}

/* RFC 7519 4.1.4: now has to be before it. */
static bool
is_over(double expiry, int64_t now_s, int64_t leeway_ms)
{
	return (double)now_s >= expiry + (double)leeway_ms / 1000;
}

static bool
judge_expiry(struct claims *claims)
{
	const struct cJSON *value = json_get(claims->payload, "exp");
	char age[CONF_DURATION_SIZE];
	double expiry;

	if (value == NULL)
		return jwt_fail(claims->verdict, JWT_NO_EXPIRY,
		    "the token has no \"exp\": it would be good for ever");
	if (!get_time(value, &expiry))
		return fail_kind(claims, "exp", "a time");
	claims->verdict->expires_s = (int64_t)expiry;
	if (!is_over(expiry, claims->now_s, claims->conf->leeway))
		return true;
	return jwt_fail(claims->verdict, JWT_EXPIRED, "expired %s ago",
	    conf_duration_text(
		(claims->now_s - claims->verdict->expires_s) * 1000, age));
}

/* `name` is a time that must not be in the future. */
static bool
judge_past(struct claims *claims, const char *name)
{
	const struct cJSON *value = json_get(claims->payload, name);
	char wait[CONF_DURATION_SIZE];
	double seconds;

	if (value == NULL)
		return true;
	if (!get_time(value, &seconds))
		return fail_kind(claims, name, "a time");
	if ((double)claims->now_s >=
	    seconds - (double)claims->conf->leeway / 1000)
		return true;
	return jwt_fail(claims->verdict, JWT_NOT_YET,
	    "\"%s\" is in %s: is a clock wrong?", name,
	    conf_duration_text(
		((int64_t)seconds - claims->now_s) * 1000, wait));
}

static bool
judge_not_before(struct claims *claims)
{
	return judge_past(claims, "nbf");
}

static bool
judge_issued_at(struct claims *claims)
{
	return judge_past(claims, "iat");
}

static bool
is_name(const char *text)
{
	size_t len = text != NULL ? strlen(text) : 0;

	return len > 0 && utf8_is_printable(text, len);
}

static bool
judge_user(struct claims *claims)
{
	const char *name = claims->conf->user_claim;
	char shown[JWT_SHOWN];

	claims->user = json_string(json_get(claims->payload, name));
	if (is_name(claims->user) && strlen(claims->user) <= AUTH_USER_MAX)
		return true;
	return jwt_fail(claims->verdict, JWT_NO_USER,
	    "claim %s is not a name of 1 to %d printable bytes",
	    jwt_show(shown, name), AUTH_USER_MAX);
}

static bool
add_group(struct claims *claims, const char *group)
{
	struct groups *groups = &claims->groups;

	if (!is_name(group))
		return fail_kind(claims, claims->conf->groups_claim,
		    "a name or a list of names");
	if (groups->count == AUTH_GROUPS_MAX)
		return jwt_fail(claims->verdict, JWT_BAD_CLAIM,
		    "more than %d groups", AUTH_GROUPS_MAX);
	groups->items[groups->count++] = group;
	return true;
}

static bool
judge_groups(struct claims *claims)
{
	const struct cJSON *value =
	    json_get(claims->payload, claims->conf->groups_claim);
	const struct cJSON *each;

	if (value == NULL)
		return true;
	if (!json_is_array(value))
		return add_group(claims, json_string(value));
	for (each = json_first(value); each != NULL; each = json_next(each))
		if (!add_group(claims, json_string(each)))
			return false;
	return true;
}

/* The namespace of "system:serviceaccount:NAMESPACE:NAME", or NULL. */
static const char *
find_namespace(const char *user, size_t *len)
{
	static const char prefix[] = "system:serviceaccount:";
	const char *name;

	if (strncmp(user, prefix, strlen(prefix)) != 0)
		return NULL;
	user += strlen(prefix);
	*len = strcspn(user, ":");
	name = user + *len;
	return *len > 0 && name[0] == ':' && name[1] != '\0' &&
		       strchr(name + 1, ':') == NULL
		   ? user
		   : NULL;
}

/*
 * A ServiceAccount's token names no groups: TokenReview adds them.  Whoever
 * checks the token by the cluster's keys instead has to add the same ones, or
 * rules and RoleBindings for groups would not fit.
 */
static bool
add_service_account_groups(struct claims *claims)
{
	struct groups *groups = &claims->groups;
	const char *namespace;
	size_t len;

	if (strcmp(claims->conf->user_claim, "sub") != 0 ||
	    !json_is_object(json_get(claims->payload, "kubernetes.io")))
		return true;
	namespace = find_namespace(claims->user, &len);
	if (namespace == NULL)
		return true;
	snprintf(groups->of_namespace, sizeof(groups->of_namespace),
	    "system:serviceaccounts:%.*s", (int)len, namespace);
	return add_group(claims, "system:serviceaccounts") &&
	       add_group(claims, groups->of_namespace) &&
	       add_group(claims, "system:authenticated");
}

bool
jwt_claims_judge(const struct cJSON *payload, const struct conf_jwt *conf,
    int64_t now_s, struct jwt_verdict *verdict)
{
	static bool (*const judges[])(struct claims * claims) = { judge_issuer,
		judge_audience, judge_expiry, judge_not_before, judge_issued_at,
		judge_user, judge_groups, add_service_account_groups };
	struct claims claims = { .payload = payload,
		.conf = conf,
		.now_s = now_s,
		.verdict = verdict };
	size_t i;

	for (i = 0; i < sizeof(judges) / sizeof(judges[0]); i++)
		if (!judges[i](&claims))
			return false;
	verdict->identity = auth_identity_new(AUTH_METHOD_JWT, claims.user,
	    claims.groups.items, claims.groups.count);
	return true;
}

bool
jwt_claims_expiry(const struct cJSON *payload, int64_t *expires_s)
{
	double expiry;

	if (!get_time(json_get(payload, "exp"), &expiry))
		return false;
	*expires_s = (int64_t)expiry;
	return true;
}
