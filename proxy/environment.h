/*
 * What the process settles with the system before it serves.  Main thread.
 */
#ifndef PROXY_ENVIRONMENT_H
#define PROXY_ENVIRONMENT_H

/*
 * SIGHUP waits from now on, so that none is lost, or ends us, while the
 * configuration is read for the first time; until the other lets it through
 * to a handler that is there now.
 */
void environment_hold_signals(void);
void environment_release_signals(void);

/* No SIGPIPE, and as many descriptors as we may have. */
void environment_prepare(void);

#endif
