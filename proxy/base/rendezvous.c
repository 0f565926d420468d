#include "proxy/base/rendezvous.h"

void
rendezvous_init(struct rendezvous *rendezvous, unsigned expected)
{
	pthread_mutex_init(&rendezvous->lock, NULL);
	pthread_cond_init(&rendezvous->all_here, NULL);
	rendezvous->missing = expected;
}

/* Signalled with the lock held: after the unlock it may be gone. */
void
rendezvous_arrive(struct rendezvous *rendezvous)
{
	pthread_mutex_lock(&rendezvous->lock);
	if (--rendezvous->missing == 0)
		pthread_cond_signal(&rendezvous->all_here);
	pthread_mutex_unlock(&rendezvous->lock);
}

void
rendezvous_wait(struct rendezvous *rendezvous)
{
	pthread_mutex_lock(&rendezvous->lock);
	while (rendezvous->missing > 0)
		pthread_cond_wait(&rendezvous->all_here, &rendezvous->lock);
	pthread_mutex_unlock(&rendezvous->lock);
	pthread_cond_destroy(&rendezvous->all_here);
	pthread_mutex_destroy(&rendezvous->lock);
}
