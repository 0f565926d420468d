/*
 * What is wrong with a target although no scrape of it fails: nobody comes,
 * those who come disagree, or there is a way around the gate.
 *
 * Here is what is to be said of it, from plain figures; who looks when, and
 * who is told, is proxy/lookout.h's.  Pure.
 */
#ifndef PROXY_DIAGNOSIS_NOTICES_H
#define PROXY_DIAGNOSIS_NOTICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct attendee;

enum notice_kind {
	NOTICE_NOT_SCRAPED,
	NOTICE_SCRAPERS_DIFFER,
	NOTICE_UPSTREAM_EXPOSED,
	NOTICE_COUNT
};

#define NOTICE_WORDS_SIZE 200
#define NOTICE_FIX_SIZE 320
#define NOTICE_SEEN_SIZE 512

/* One notice of one target.  Words are printable ASCII. */
struct notice {
	bool is_on;
	uint64_t since_wall_us; /* when it was noticed */
	char words[NOTICE_WORDS_SIZE];
	char fix[NOTICE_FIX_SIZE];
	char seen[NOTICE_SEEN_SIZE]; /* evidence, as in struct finding */
};

/* Those of one target. */
struct notices {
	struct notice of[NOTICE_COUNT];
	int64_t interval_ms; /* see notices_interval_ms() */
};

/* Like the ids of reasons: stable, labels and anchors. */
const char *notice_id(enum notice_kind kind);
const char *notice_cause(enum notice_kind kind);

/* For the manual: what it means, and what to do, without a target's names. */
const char *notice_meaning(enum notice_kind kind);
const char *notice_fix(enum notice_kind kind);

/* Who came to a target, by monotonic times. */
struct notices_view {
	const struct attendee *attendees;
	size_t count;
	uint64_t now_us;
	uint64_t served_since_us;
	/* Whoever it was, and whichever target was meant: at least so many
	 * since the last scrape was seen. */
	uint64_t refused;           /* requests */
	uint64_t failed_handshakes; /* of TLS */
};

/*
 * Of the two below: false if it is not so or cannot be known, else true with
 * the words, which leaves the rest of the notice as it is.
 */
bool notice_not_scraped(const struct notices_view *view, struct notice *notice);
bool notice_scrapers_differ(
    const struct notices_view *view, struct notice *notice);

/* When notice_not_scraped() may become true unless somebody comes; 0: never. */
uint64_t notices_due_us(const struct notices_view *view);

/* The interval of who came last of those that keep one, rounded to what
 * somebody may have configured; 0: not known. */
int64_t notices_interval_ms(const struct notices_view *view);

/* One more piece of what was measured, once; nothing of a notice that is off.
 */
void notice_add_seen(struct notice *notice, const char *piece);

/* `addresses` that answer beside the upstream's own, "10.0.0.5:9100, ..." */
void notice_upstream_exposed(struct notice *notice, const char *upstream,
    const char *addresses, uint16_t port);

#endif
