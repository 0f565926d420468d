/*
 * One thread waits until others have done their part.  It holds the waiting
 * thread up, so only what is done at once is worth waiting for.
 */
#ifndef PROXY_BASE_RENDEZVOUS_H
#define PROXY_BASE_RENDEZVOUS_H

#include <pthread.h>

/* On the stack of the one who waits. */
struct rendezvous {
	pthread_mutex_t lock;
	pthread_cond_t all_here;
	unsigned missing;
};

void rendezvous_init(struct rendezvous *rendezvous, unsigned expected);

/* From any thread; nothing of it may be touched after. */
void rendezvous_arrive(struct rendezvous *rendezvous);

/* Until all that were expected have arrived; it is gone then. */
void rendezvous_wait(struct rendezvous *rendezvous);

#endif
