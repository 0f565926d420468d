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

/*
 * The end is near, and no signal makes it another one: without its handler a
 * second SIGTERM would kill the process while it tidies up.
 */
void environment_end_signals(void);

/*
 * No core file and no debugger of another process: memory holds private keys,
 * tokens and passwords.  First of all, before any of them is read.  (A limit
 * of 0 alone would leave cores that are piped to a program.)
 */
void environment_guard_memory(void);

/* No SIGPIPE, and as many descriptors as we may have. */
void environment_prepare(void);

#endif
