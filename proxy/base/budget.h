/*
 * What memory_budget bounds: the bytes that answers hold, and what it takes to
 * read them, of the whole process.  Who is about to hold more asks first;
 * who holds says so here.  Any thread.
 */
#ifndef PROXY_BASE_BUDGET_H
#define PROXY_BASE_BUDGET_H

#include <stddef.h>

void budget_take(size_t bytes);
void budget_give(size_t bytes);
size_t budget_used(void);

#endif
