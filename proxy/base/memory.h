/*
 * What the process keeps and does not need.  malloc keeps nearly all that was
 * freed: after a burst of connections or a large answer the process would stay
 * as large as it ever was, in a pod that is billed and killed by its size.
 */
#ifndef PROXY_BASE_MEMORY_H
#define PROXY_BASE_MEMORY_H

/* Before the first thread starts. */
void memory_prepare(void);

/*
 * The start is over: the program's code and constants leave the process, and
 * what is needed comes back from the page cache.  What only the start needed
 * does not, where deploy/link-order has kept the two apart.  Nothing is done
 * under a debugger, which would lose its breakpoints.
 */
void memory_settle(void);

/*
 * Returns to the kernel what is free, if that is much; looks at most every
 * 30 s and is cheap otherwise.  It has no timer, which would wake an idle
 * process: call it from one thread, whenever there was work.
 */
void memory_tidy(void);

#endif
