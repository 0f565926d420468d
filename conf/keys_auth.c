#include "conf/keys_table.h"

#include <stddef.h>

#include "conf/conf.h"

/* NOLINTBEGIN(bugprone-macro-parentheses) */
#define AUTH(field) CONF_FIELD(CONF_SCOPE_ROOT, struct conf, auth.field)
#define AUTH_BLOCK(field) CONF_BLOCK(CONF_SCOPE_ROOT, struct conf, auth.field)
#define KUBERNETES(field) AUTH(kubernetes.field)
#define RULE(field) CONF_FIELD(CONF_SCOPE_RULE, struct conf_rule, field)
/* NOLINTEND(bugprone-macro-parentheses) */

static const char *const user_sources[] = { "san_uri", "san_dns", "cn", NULL };
/* In the order of enum conf_action. */
static const char *const actions[] = { "allow", "deny", NULL };

const struct conf_key conf_keys_auth[] = {
	{ CONF_BLOCK(CONF_SCOPE_ROOT, struct conf, auth), .name = "auth",
	    .type = CONF_TYPE_GROUP, .help = "Who may scrape." },
	{ AUTH(bearer_tokens_file), .name = "auth.bearer_tokens_file",
	    .type = CONF_TYPE_PATH, .is_reloadable = true,
	    .help = "Bearer tokens by their digests: lines \"NAME SHA256-HEX "
		    "[GROUP,GROUP]\". `printf %s TOKEN | sha256sum` makes a "
		    "digest. A name may stand there more than once." },
	{ AUTH_BLOCK(jwt), .name = "auth.jwt", .type = CONF_TYPE_GROUP,
	    .help = "Bearer tokens that are signed JWTs." },
	{ AUTH(jwt.issuer), .name = "auth.jwt.issuer", .type = CONF_TYPE_STRING,
	    .is_reloadable = true,
	    .help = "The `iss` a token must have, letter for letter. "
		    "Required." },
	{ AUTH(jwt.audiences), .name = "auth.jwt.audiences",
	    .type = CONF_TYPE_STRINGS, .is_reloadable = true,
	    .help = "A token must have one of these in `aud`. Required." },
	{ AUTH(jwt.jwks_file), .name = "auth.jwt.jwks_file",
	    .type = CONF_TYPE_PATH, .is_reloadable = true,
	    .help = "The issuer's keys (a JWK set). This or jwks_url." },
	{ AUTH(jwt.jwks_url), .name = "auth.jwt.jwks_url",
	    .type = CONF_TYPE_STRING, .is_reloadable = true,
	    .help = "Where they are fetched from: https, or http on "
		    "loopback." },
	{ AUTH(jwt.jwks_ca_file), .name = "auth.jwt.jwks_ca_file",
	    .type = CONF_TYPE_PATH, .is_reloadable = true,
	    .help = "Authorities to trust there instead of the system's, in "
		    "PEM." },
	{ AUTH(jwt.jwks_token_file), .name = "auth.jwt.jwks_token_file",
	    .type = CONF_TYPE_PATH, .is_reloadable = true,
	    .help = "Holds the bearer token to ask with, read for each "
		    "request: in a pod, the ServiceAccount's. If not set: "
		    "none." },
	{ AUTH(jwt.user_claim), .name = "auth.jwt.user_claim",
	    .type = CONF_TYPE_STRING, .def = "sub", .is_reloadable = true,
	    .help = "The claim that names the user." },
	{ AUTH(jwt.groups_claim), .name = "auth.jwt.groups_claim",
	    .type = CONF_TYPE_STRING, .def = "groups", .is_reloadable = true,
	    .help = "The claim that lists the groups; a token may be without "
		    "it." },
	{ AUTH(jwt.leeway), .name = "auth.jwt.leeway",
	    .type = CONF_TYPE_DURATION, .def = "30s", .min = 0,
	    .max = INT64_C(300) * 1000, .is_reloadable = true,
	    .help = "How much the issuer's clock may differ, for `exp` and "
		    "`nbf`." },
	{ AUTH_BLOCK(kubernetes), .name = "auth.kubernetes",
	    .type = CONF_TYPE_GROUP,
	    .help = "What the Kubernetes API is asked, as in "
		    "kube-rbac-proxy." },
	{ KUBERNETES(api_server), .name = "auth.kubernetes.api_server",
	    .type = CONF_TYPE_STRING, .is_reloadable = true,
	    .help = "https://HOST:PORT of the API server. If not set: the "
		    "pod's own (KUBERNETES_SERVICE_HOST and _PORT)." },
	{ KUBERNETES(ca_file), .name = "auth.kubernetes.ca_file",
	    .type = CONF_TYPE_PATH, .is_reloadable = true,
	    .help = "Its authorities, in PEM. If not set: the pod's own." },
	{ KUBERNETES(token_file), .name = "auth.kubernetes.token_file",
	    .type = CONF_TYPE_PATH, .is_reloadable = true,
	    .help = "Holds the bearer token to ask with, read for each "
		    "request. If not set: the pod's own." },
	{ AUTH_BLOCK(kubernetes.token_review),
	    .name = "auth.kubernetes.token_review", .type = CONF_TYPE_GROUP,
	    .is_switch = true, .is_reloadable = true,
	    .help = "Kubernetes says who a bearer token belongs to. {} turns "
		    "it on." },
	{ KUBERNETES(token_review.audiences),
	    .name = "auth.kubernetes.token_review.audiences",
	    .type = CONF_TYPE_STRINGS, .is_reloadable = true,
	    .help = "A token must be meant for one of these. If not set: for "
		    "the API server, so that whoever gets it from a scrape "
		    "could use it there." },
	{ KUBERNETES(access_review), .name = "auth.kubernetes.access_review",
	    .type = CONF_TYPE_BOOL, .def = "false", .is_reloadable = true,
	    .help = "Ask for each identity whether it may `get` the path, or "
		    "resourceAttributes (SubjectAccessReview)." },
	{ AUTH_BLOCK(kubernetes.attributes),
	    .name = "auth.kubernetes.resourceAttributes",
	    .type = CONF_TYPE_GROUP,
	    .help = "What is asked for instead of the path." },
	{ KUBERNETES(attributes.namespace),
	    .name = "auth.kubernetes.resourceAttributes.namespace",
	    .type = CONF_TYPE_STRING, .is_reloadable = true,
	    .help = "Each of the six may hold \"{{ .Value }}\", which "
		    "rewrites fills in." },
	{ KUBERNETES(attributes.api_group),
	    .name = "auth.kubernetes.resourceAttributes.apiGroup",
	    .type = CONF_TYPE_STRING, .is_reloadable = true,
	    .help = "Empty: the core group." },
	{ KUBERNETES(attributes.api_version),
	    .name = "auth.kubernetes.resourceAttributes.apiVersion",
	    .type = CONF_TYPE_STRING, .is_reloadable = true,
	    .help = "Such as v1." },
	{ KUBERNETES(attributes.resource),
	    .name = "auth.kubernetes.resourceAttributes.resource",
	    .type = CONF_TYPE_STRING, .is_reloadable = true,
	    .help = "Such as services. Required in this block." },
	{ KUBERNETES(attributes.subresource),
	    .name = "auth.kubernetes.resourceAttributes.subresource",
	    .type = CONF_TYPE_STRING, .is_reloadable = true,
	    .help = "Such as metrics." },
	{ KUBERNETES(attributes.name),
	    .name = "auth.kubernetes.resourceAttributes.name",
	    .type = CONF_TYPE_STRING, .is_reloadable = true,
	    .help = "Of one object. Empty: all." },
	{ KUBERNETES(by_query_parameter), .name = "auth.kubernetes.rewrites",
	    .type = CONF_TYPE_GROUP,
	    .help = "Where {{ .Value }} comes from: one of the two." },
	{ KUBERNETES(by_query_parameter),
	    .name = "auth.kubernetes.rewrites.byQueryParameter",
	    .type = CONF_TYPE_GROUP, .help = "A parameter of the query." },
	{ KUBERNETES(by_query_parameter),
	    .name = "auth.kubernetes.rewrites.byQueryParameter.name",
	    .type = CONF_TYPE_STRING, .is_reloadable = true,
	    .help = "The parameter; a scrape without it is refused." },
	{ KUBERNETES(by_http_header),
	    .name = "auth.kubernetes.rewrites.byHttpHeader",
	    .type = CONF_TYPE_GROUP, .help = "A header of the scrape." },
	{ KUBERNETES(by_http_header),
	    .name = "auth.kubernetes.rewrites.byHttpHeader.name",
	    .type = CONF_TYPE_STRING, .is_reloadable = true,
	    .help = "The header; a scrape without it is refused." },
	{ KUBERNETES(cache_allowed), .name = "auth.kubernetes.cache_allowed",
	    .type = CONF_TYPE_DURATION, .def = "60s", .min = 1000,
	    .max = INT64_C(3600) * 1000, .is_reloadable = true,
	    .help = "How long a yes holds: what is revoked works no longer "
		    "than this." },
	{ KUBERNETES(cache_denied), .name = "auth.kubernetes.cache_denied",
	    .type = CONF_TYPE_DURATION, .def = "10s", .min = 1000,
	    .max = INT64_C(600) * 1000, .is_reloadable = true,
	    .help = "How long a no holds." },
	{ KUBERNETES(stale_grace), .name = "auth.kubernetes.stale_grace",
	    .type = CONF_TYPE_DURATION, .def = "0s", .min = 0,
	    .max = CONF_DAY_MS, .is_reloadable = true,
	    .help = "How much longer a yes holds while the API does not "
		    "answer." },
	{ AUTH_BLOCK(client_certificate), .name = "auth.client_certificate",
	    .type = CONF_TYPE_GROUP, .is_switch = true, .is_reloadable = true,
	    .help = "A verified client certificate says who it is; groups "
		    "are the O of its subject. {} turns it on." },
	{ AUTH(client_certificate.user_from),
	    .name = "auth.client_certificate.user_from",
	    .type = CONF_TYPE_WORDS, .def = "[san_uri, san_dns, cn]",
	    .choices = user_sources, .unknown = "unknown kind of name",
	    .is_reloadable = true,
	    .help = "The user is the first of these that the certificate has; "
		    "san_uri is where a SPIFFE id stands." },
	{ AUTH(rules), .name = "auth.rules", .type = CONF_TYPE_RULES,
	    .is_reloadable = true,
	    .help = "Who of those who are known may scrape what: the first "
		    "that matches decides. None: everybody may everything; "
		    "some and no match: 403." },
	{ AUTH(anonymous_paths), .name = "auth.anonymous_paths",
	    .type = CONF_TYPE_STRINGS, .def = "[/-/healthy, /-/ready]",
	    .is_reloadable = true,
	    .help = "Paths that need no credentials and know no rules. `*` at "
		    "a segment's end stands for the rest of that segment." },
	{ AUTH_BLOCK(identity_headers), .name = "auth.identity_headers",
	    .type = CONF_TYPE_GROUP, .is_switch = true, .is_reloadable = true,
	    .help = "Tell the exporter who scrapes. {} turns it on." },
	{ AUTH(identity_headers.user), .name = "auth.identity_headers.user",
	    .type = CONF_TYPE_STRING, .def = "X-Remote-User",
	    .is_reloadable = true,
	    .help = "Header with the user's name. \"\": none." },
	{ AUTH(identity_headers.groups), .name = "auth.identity_headers.groups",
	    .type = CONF_TYPE_STRING, .def = "X-Remote-Groups",
	    .is_reloadable = true,
	    .help = "Header with the groups. \"\": none." },
	{ AUTH(identity_headers.groups_separator),
	    .name = "auth.identity_headers.groups_separator",
	    .type = CONF_TYPE_STRING, .def = "|", .is_reloadable = true,
	    .help = "What stands between two groups." },
	{ AUTH(failed_logins_per_address),
	    .name = "auth.failed_logins_per_address", .type = CONF_TYPE_UINT,
	    .def = "10", .min = 0, .max = 999999, .is_reloadable = true,
	    .help = "How many a minute before that address is told 429; "
		    "credentials that are known to be good still work. 0: no "
		    "limit." },
	{ AUTH(failed_logins_per_user), .name = "auth.failed_logins_per_user",
	    .type = CONF_TYPE_UINT, .def = "20", .min = 0, .max = 999999,
	    .is_reloadable = true,
	    .help = "The same for one user's name, from all addresses. Only "
		    "those that failed themselves are told 429." },

	{ RULE(paths), .name = "paths", .type = CONF_TYPE_STRINGS,
	    .is_reloadable = true,
	    .help = "Paths as they are served, with `*` as in "
		    "anonymous_paths." },
	{ RULE(users), .name = "users", .type = CONF_TYPE_STRINGS,
	    .is_reloadable = true, .help = "Names, letter for letter." },
	{ RULE(groups), .name = "groups", .type = CONF_TYPE_STRINGS,
	    .is_reloadable = true,
	    .help = "One of the identity's groups, letter for letter." },
	{ RULE(networks), .name = "networks", .type = CONF_TYPE_NETWORKS,
	    .is_reloadable = true,
	    .help = "The scraper's address: 10.0.0.0/8, 2001:db8::/32 or one "
		    "address." },
	{ RULE(listeners), .name = "listeners", .type = CONF_TYPE_STRINGS,
	    .is_reloadable = true,
	    .help = "Where it came in: one of `listen`, as written there." },
	{ RULE(action), .name = "action", .type = CONF_TYPE_CHOICE,
	    .def = "allow", .choices = actions, .is_reloadable = true,
	    .help = "What a match means." },
	{ .name = NULL },
};
