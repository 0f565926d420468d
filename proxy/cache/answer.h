/*
 * What a scraper gets: a good answer of the exporter (a snapshot) or a
 * failure, ready as wire images.
 *
 * Counted and immutable, except for two things that appear atomically: the
 * gzip image (made by the fetch thread, once, when somebody asks for it) and
 * the list of scrapers that had it (once_per_scraper).
 */
#ifndef PROXY_CACHE_ANSWER_H
#define PROXY_CACHE_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "proxy/diagnosis/reasons.h"

struct answer;
struct finding;
struct judge_result;
struct payload;
struct wire;

/*
 * Only the head of one that is passed on while it comes: see stream.h.  How
 * its body is framed depends on who asks, so that is not said here.
 */
struct answer *answer_new_stream(const struct judge_result *head);
bool answer_is_stream(const struct answer *answer);

/* Takes the payload over.  `fetched_us` is when it was complete. */
struct answer *answer_new(const struct judge_result *head,
    struct payload *payload, uint64_t fetched_us);

/*
 * A failure: status line "ID: WORDS", X-Scrapegate-Reason, and a body with
 * Cause, Seen and Do, and where the manual is.  `error_text` is what the
 * exporter said, escaped; NULL or "" for none.
 */
struct answer *answer_new_failure(
    const struct finding *finding, const char *error_text);

/* A page of our own, of status 200, 404 or 503; `body` is copied. */
struct answer *answer_new_page(
    int status, const char *content_type, const char *body, size_t len);

struct answer *answer_ref(struct answer *answer); /* any thread */
void answer_unref(struct answer *answer);         /* any thread; NULL is fine */

enum reason answer_reason(const struct answer *answer);
int answer_status(const struct answer *answer);
uint64_t answer_fetched_us(const struct answer *answer);

/* Borrowed; valid while the answer is referenced. */
const struct wire *answer_identity(const struct answer *answer);

/* NULL until made. */
const struct wire *answer_gzip(const struct answer *answer);

/* Not worth it for failures and tiny bodies. */
bool answer_wants_gzip(const struct answer *answer);

/* Fetch thread. */
void answer_make_gzip(struct answer *answer);

/*
 * Notes that `scraper` (never 0) gets this answer; false if it had it before,
 * or if so many had it that it can no longer be told.
 */
bool answer_claim(struct answer *answer, uint64_t scraper);

#endif
