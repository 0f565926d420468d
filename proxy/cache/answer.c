#include "proxy/cache/answer.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/base/alloc.h"
#include "proxy/base/deflate.h"
#include "proxy/cache/wire.h"
#include "proxy/diagnosis/classify.h"
#include "proxy/fetch/attempt.h"
#include "proxy/fetch/judge.h"

/* As many scrapers of one answer are told apart; a pair is the usual case. */
#define READERS_MAX 32

/* Below this gzip's own head eats what it saves. */
#define GZIP_MIN_BYTES 256

/* Above this the fetch thread would miss deadlines while it compresses. */
#define GZIP_MAX_BYTES (4 * 1024 * 1024)

#define HEAD_SIZE 1024

#define VARY "Vary: Accept, Accept-Encoding\r\n"

struct answer {
	atomic_uint refs;
	enum reason reason;
	int status;
	uint64_t fetched_us;
	bool is_stream;
	char content_type[256];
	struct wire *identity;
	_Atomic(struct wire *) gzip;
	atomic_uint_fast64_t readers[READERS_MAX];
};

struct head {
	char bytes[HEAD_SIZE];
	size_t len;
};

static void put(struct head *head, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Every line put here is bounded, HEAD_SIZE holds them all. */
static void
put(struct head *head, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(head->bytes + head->len,
	    sizeof(head->bytes) - head->len, format, args);
	va_end(args);
	if (len > 0 && (size_t)len < sizeof(head->bytes) - head->len)
		head->len += (size_t)len;
}

static struct answer *
new_answer(enum reason reason, int status)
{
	struct answer *answer = xcalloc(1, sizeof(*answer));

	atomic_init(&answer->refs, 1);
	answer->reason = reason;
	answer->status = status;
	return answer;
}

static void
seal_snapshot(const struct answer *answer, struct wire *wire, bool is_gzip)
{
	struct head head = { .len = 0 };

	put(&head, "HTTP/1.1 200 OK\r\n");
	if (answer->content_type[0] != '\0')
		put(&head, "Content-Type: %s\r\n", answer->content_type);
	if (is_gzip)
		put(&head, "Content-Encoding: gzip\r\n");
	put(&head, VARY);
	if (!answer->is_stream)
		put(&head, "Content-Length: %zu\r\n", wire_body_len(wire));
	wire_seal(wire, head.bytes, head.len);
}

struct answer *
answer_new_stream(const struct judge_result *result)
{
	struct answer *answer = new_answer(REASON_OK, 200);
	struct wire *gzip = wire_new(0);

	answer->is_stream = true;
	snprintf(answer->content_type, sizeof(answer->content_type), "%s",
	    result->content_type);
	answer->identity = wire_new(0);
	seal_snapshot(answer, answer->identity, false);
	seal_snapshot(answer, gzip, true);
	atomic_init(&answer->gzip, gzip);
	return answer;
}

bool
answer_is_stream(const struct answer *answer)
{
	return answer->is_stream;
}

struct answer *
answer_new(const struct judge_result *result, struct payload *payload,
    uint64_t fetched_us)
{
	struct answer *answer = new_answer(REASON_OK, 200);

	answer->fetched_us = fetched_us;
	snprintf(answer->content_type, sizeof(answer->content_type), "%s",
	    result->content_type);
	answer->identity = payload->text;
	seal_snapshot(answer, answer->identity, false);
	if (payload->gzip != NULL) {
		seal_snapshot(answer, payload->gzip, true);
		atomic_init(&answer->gzip, payload->gzip);
	}
	payload->text = payload->gzip = NULL;
	return answer;
}

/* An attacker must learn nothing from a refused login but its id. */
static bool
is_explained(int status)
{
	return status != 401 && status != 403;
}

static void
append_lines(struct wire *wire, const char *label, const char *text)
{
	const char *end;

	for (; *text != '\0'; text = *end == '\0' ? end : end + 1) {
		end = strchrnul(text, '\n');
		wire_append(wire, label, strlen(label));
		wire_append(wire, text, (size_t)(end - text));
		wire_append(wire, "\n", 1);
		label = "       ";
	}
}

/* A path and no URL: through a port forward its host and port are others. */
static void
append_manual(struct wire *wire, const char *id)
{
	char line[128];

	snprintf(line, sizeof(line), "/reasons#%s on the admin listener", id);
	append_lines(wire, "More:  ", line);
}

/* What RFC 9110 wants with a status. */
static void
put_status_headers(struct head *head, int status, const struct finding *finding)
{
	unsigned retry_after_s = finding->retry_after_s;

	switch (status) {
	case 401:
		if (finding->challenge != NULL)
			put(head, "WWW-Authenticate: %s\r\n",
			    finding->challenge);
		break;
	case 405:
		put(head, "Allow: GET, HEAD\r\n");
		break;
	case 429:
		put(head, "Retry-After: %u\r\n",
		    retry_after_s == 0 ? 1 : retry_after_s);
		break;
	case 503:
		put(head, "Retry-After: %u\r\n",
		    retry_after_s == 0 ? 5 : retry_after_s);
		break;
	}
}

struct answer *
answer_new_failure(const struct finding *finding, const char *error_text)
{
	const struct reason_row *row = reason_row(finding->reason);
	int status = finding_status(finding);
	struct answer *answer = new_answer(finding->reason, status);
	struct wire *wire = wire_new(1024);
	struct head head = { .len = 0 };
	char line[256];
	int len;

	len = snprintf(line, sizeof(line), "%s: %s", row->id, finding->words);
	wire_append(wire, line, (size_t)len);
	wire_append(wire, "\n", 1);
	if (is_explained(status)) {
		append_lines(wire, "Cause: ", finding->cause);
		append_lines(wire, "Seen:  ", finding->seen);
		append_lines(wire, "Do:    ", finding->fix);
		if (error_text != NULL)
			append_lines(wire, "Said:  ", error_text);
		append_manual(wire, row->id);
	}
	put(&head, "HTTP/1.1 %d %.200s\r\n", status, line);
	put(&head, "Content-Type: text/plain; charset=utf-8\r\n");
	put(&head, "X-Scrapegate-Reason: %s\r\n", row->id);
	put(&head, "Cache-Control: no-store\r\n");
	put_status_headers(&head, status, finding);
	put(&head, "Content-Length: %zu\r\n", wire_body_len(wire));
	wire_seal(wire, head.bytes, head.len);
	answer->identity = wire;
	return answer;
}

/* Of a page of ours. */
static const char *
phrase_of(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 404:
		return "Not Found";
	default:
		return "Service Unavailable";
	}
}

struct answer *
answer_new_page(
    int status, const char *content_type, const char *body, size_t len)
{
	struct answer *answer = new_answer(REASON_OK, status);
	struct head head = { .len = 0 };

	put(&head, "HTTP/1.1 %d %s\r\n", status, phrase_of(status));
	put(&head, "Content-Type: %s\r\n", content_type);
	put(&head, "Cache-Control: no-store\r\nContent-Length: %zu\r\n", len);
	answer->identity = wire_new(len);
	wire_append(answer->identity, body, len);
	wire_seal(answer->identity, head.bytes, head.len);
	return answer;
}

struct answer *
answer_ref(struct answer *answer)
{
	atomic_fetch_add_explicit(&answer->refs, 1, memory_order_relaxed);
	return answer;
}

void
answer_unref(struct answer *answer)
{
	if (answer == NULL || atomic_fetch_sub(&answer->refs, 1) > 1)
		return;
	wire_unref(answer->identity);
	wire_unref(atomic_load(&answer->gzip));
	free(answer);
}

enum reason
answer_reason(const struct answer *answer)
{
	return answer->reason;
}

int
answer_status(const struct answer *answer)
{
	return answer->status;
}

uint64_t
answer_fetched_us(const struct answer *answer)
{
	return answer->fetched_us;
}

const struct wire *
answer_identity(const struct answer *answer)
{
	return answer->identity;
}

const struct wire *
answer_gzip(const struct answer *answer)
{
	return atomic_load_explicit(&answer->gzip, memory_order_acquire);
}

bool
answer_wants_gzip(const struct answer *answer)
{
	return answer->reason == REASON_OK && answer_gzip(answer) == NULL &&
	       wire_body_len(answer->identity) >= GZIP_MIN_BYTES &&
	       wire_body_len(answer->identity) <= GZIP_MAX_BYTES;
}

static int
append_to_wire(void *wire, const char *bytes, size_t len)
{
	wire_append(wire, bytes, len);
	return 0;
}

void
answer_make_gzip(struct answer *answer)
{
	struct wire *wire;

	if (!answer_wants_gzip(answer))
		return;
	/* Exposition text shrinks to a sixth or so. */
	wire = wire_new(wire_body_len(answer->identity) / 5);
	if (deflate_gzip(wire_body(answer->identity),
		wire_body_len(answer->identity), append_to_wire, wire) == -1) {
		wire_unref(wire);
		return;
	}
	seal_snapshot(answer, wire, true);
	atomic_store_explicit(&answer->gzip, wire, memory_order_release);
}

bool
answer_claim(struct answer *answer, uint64_t scraper)
{
	size_t i;

	for (i = 0; i < READERS_MAX; i++) {
		uint_fast64_t seen = 0;

		if (atomic_compare_exchange_strong(
			&answer->readers[i], &seen, scraper))
			return true;
		if (seen == scraper)
			return false;
	}
	return false;
}
