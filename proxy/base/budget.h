/*
 * What memory_budget bounds: the bytes that answers hold, and what it takes to
 * read them, of the whole process.  Who holds some says so here; who takes an
 * answer asks before each piece of it, so what grows by a piece may exceed the
 * budget by that.  Any thread.
 */
#ifndef PROXY_BASE_BUDGET_H
#define PROXY_BASE_BUDGET_H

#include <stddef.h>

void budget_take(size_t bytes);
void budget_give(size_t bytes);
size_t budget_used(void);

#endif
