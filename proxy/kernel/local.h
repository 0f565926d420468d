/*
 * Is an address one of this machine's own, in the own network namespace?
 */
#ifndef PROXY_KERNEL_LOCAL_H
#define PROXY_KERNEL_LOCAL_H

#include <stdbool.h>

struct listener_address;

/* Asks the routing table, which waits for nothing. */
bool local_has(const struct listener_address *address);

#endif
