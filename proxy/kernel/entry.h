/*
 * Opening what is below a folder that is open.  The one place for it, because
 * the thread sanitizer does not see openat(2), and would take a descriptor for
 * the one that had its number before, of another thread.
 */
#ifndef PROXY_KERNEL_ENTRY_H
#define PROXY_KERNEL_ENTRY_H

/* As openat(2); `folder` may be AT_FDCWD. */
int entry_open(int folder, const char *path, int flags);

#endif
