/*
 * Kubernetes' reviews as text: what is posted and what its answer means.
 * authentication.k8s.io/v1 TokenReview, authorization.k8s.io/v1
 * SubjectAccessReview.  Pure.
 *
 * An answer is believed only if it is of the right kind and version and all
 * that matters in it has the right type; anything else is "unavailable", never
 * a yes.
 */
#ifndef AUTH_REVIEWS_H
#define AUTH_REVIEWS_H

#include <stddef.h>

#include "auth/backend.h"

struct auth_identity;
struct conf_kubernetes;
struct conf_strings;

#define REVIEW_TOKEN_PATH "/apis/authentication.k8s.io/v1/tokenreviews"
#define REVIEW_ACCESS_PATH "/apis/authorization.k8s.io/v1/subjectaccessreviews"
#define REVIEW_ANSWER_MAX ((size_t)256 * 1024)

/* The body to post; malloc'd; holds the token: wipe it. */
char *review_token_body(
    const char *token, const struct conf_strings *audiences);

struct review_access {
	const struct auth_identity *identity;
	const char *path;  /* the request's */
	const char *value; /* of the rewrite: "" or NULL if it has none */
	const struct conf_kubernetes *conf;
};

/*
 * Verb `get`; the attributes with their templates filled in, else the path.
 * NULL with words for an operator in `detail` if a template needs a value and
 * the request has none (kube-rbac-proxy: 400), or one with bytes that no name
 * of Kubernetes has.
 */
char *review_access_body(
    const struct review_access *access, char *detail, size_t size);

/*
 * What an HTTP answer means for a question.  `audiences` is what was asked for:
 * one of them has to be in status.audiences, or the answer is a no (it may be
 * empty only if none was asked for).  Sets outcome, identity (of a token that
 * is good) and words.
 */
void review_read(enum backend_kind kind, int status, const char *body,
    size_t len, const struct conf_strings *audiences, struct backend_ask *ask);

#endif
