/*
 * Which characters Go prints as they are.  Pure.
 */
#ifndef PROXY_EXPOSITION_UTF8_PRINTABLE_H
#define PROXY_EXPOSITION_UTF8_PRINTABLE_H

#include <stdbool.h>
#include <stdint.h>

/* Whether Go's %q prints it as it is. */
bool utf8_is_printable_rune(uint32_t rune);

#endif
