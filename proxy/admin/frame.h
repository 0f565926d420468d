/*
 * What all pages of the admin listener have around them: one style sheet, in
 * the page itself, for light and dark.  No script, and nothing from elsewhere.
 */
#ifndef PROXY_ADMIN_FRAME_H
#define PROXY_ADMIN_FRAME_H

#include <stdio.h>

#define FRAME_CONTENT_TYPE "text/html; charset=utf-8"

/* Up to <body>; `title` is plain text of ours. */
void frame_begin(FILE *out, const char *title);

/* Ends <main>, which the page has opened, and all around it. */
void frame_end(FILE *out);

#endif
