/*
 * The table of keys as text for people: the reference page and --help.
 */
#ifndef CONF_REFERENCE_H
#define CONF_REFERENCE_H

#include <stdio.h>

/* The reference page in Markdown: conf/README.md, byte for byte. */
void conf_reference(FILE *out);

/* One line or two for each flag. */
void conf_flags_help(FILE *out);

#endif
