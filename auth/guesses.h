/*
 * Failed logins, counted where they come from: per address and per user a
 * token bucket that refills in a minute.  Only credentials nobody has found
 * good yet are refused for it (429), so who guesses locks nobody out who is
 * let in already; and a user's bucket refuses only addresses that have failed
 * themselves of late (until a minute after their bucket is full again), so that
 * nobody can lock a user out from elsewhere.
 *
 * Bounded: GUESSES_MAX entries of both kinds; those nearest to a full bucket
 * make room, so many who failed once do not push out one who fails all the
 * time.  Nothing is allocated before the first failure.  Addresses of IPv6
 * count by their /64.  Any thread: a guess counts, whichever worker heard it.
 */
#ifndef AUTH_GUESSES_H
#define AUTH_GUESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf_auth;
struct guesses;

#define GUESSES_MAX 4096

/* `seed` is random: nobody can aim at another's entry. */
struct guesses *guesses_new(uint64_t seed);
void guesses_free(struct guesses *guesses); /* NULL is fine */

/* May another login be tried?  `user` NULL: unknown before it is checked.
 * False: refused, with the seconds (at least 1) until one more may.  `now_us`
 * is monotonic. */
bool guesses_admit(struct guesses *guesses, const struct conf_auth *conf,
    const char *peer, const char *user, uint64_t now_us,
    unsigned *retry_after_s);

/* One has failed. */
void guesses_failed(struct guesses *guesses, const struct conf_auth *conf,
    const char *peer, const char *user, uint64_t now_us);

size_t guesses_size(struct guesses *guesses); /* bytes */

#endif
