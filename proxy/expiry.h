/*
 * Says in the log, once each, that a certificate or revocation list in use
 * ends in 30 days, in 7 and in 1, and that it has ended; of the first three
 * nothing before the last third of its life.  Sleeps until the
 * next of these moments, a day at most, since the wall clock may be set.
 *
 * One thread, that of the event_base.
 */
#ifndef PROXY_EXPIRY_H
#define PROXY_EXPIRY_H

#include <stddef.h>
#include <stdint.h>

struct event_base;
struct expiry;
struct tls_certificate;

struct expiry *expiry_new(struct event_base *base);
void expiry_free(struct expiry *expiry);

/* Those in use from now on; copied.  What was said of one stays said. */
void expiry_set(struct expiry *expiry,
    const struct tls_certificate *certificates, size_t count);

/*
 * Pure: the fewest of 30, 7, 1 and 0 days that contain `left_s` seconds, -1 if
 * that is more than 30 days or a third of its life (0: unknown); and how long
 * until the next is due, 0 for never.
 */
int expiry_days(int64_t left_s, int64_t life_s);
int64_t expiry_wait_s(int64_t left_s, int64_t life_s);

#endif
