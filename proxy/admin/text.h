/*
 * Text built with stdio into memory.  Out of memory ends the process, as in
 * proxy/base/alloc.h; what is written here is bounded by the configuration
 * and the board.
 */
#ifndef PROXY_ADMIN_TEXT_H
#define PROXY_ADMIN_TEXT_H

#include <stddef.h>
#include <stdio.h>

/* *text is valid, malloc'd and terminated, after text_close(). */
FILE *text_open(char **text, size_t *len);
void text_close(FILE *file);

#endif
