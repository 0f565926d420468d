/*
 * One text as a YAML scalar.
 */
#ifndef CONF_YAML_TEXT_H
#define CONF_YAML_TEXT_H

#include <stdio.h>

/*
 * Plain if that is safe in any place, else in double quotes with everything
 * but printable ASCII escaped, so that libyaml reads the same text back.
 */
void conf_yaml_text(FILE *out, const char *text);

#endif
