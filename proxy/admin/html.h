/*
 * Text on the page.  All of it goes through here: some stems from exporters and
 * from whoever asks the gate.
 */
#ifndef PROXY_ADMIN_HTML_H
#define PROXY_ADMIN_HTML_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Escaped, within elements and quoted attributes alike. */
void html_bytes(FILE *out, const char *text, size_t len);
void html_text(FILE *out, const char *text);

/* "4m ago", with the exact time in the title. */
void html_ago(FILE *out, uint64_t wall_us);

#endif
