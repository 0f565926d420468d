/*
 * Small text helpers for messages about configuration.
 */
#ifndef CONF_TEXT_H
#define CONF_TEXT_H

#define CONF_QUOTED_SIZE 192

/*
 * Writes "text" in quotes, control characters escaped and cut at 80 bytes, so
 * that no input can break a message into two lines.  Returns `out`.
 */
const char *conf_quote(const char *text, char out[CONF_QUOTED_SIZE]);

/* The same without quotes if it is one short, plain word. */
const char *conf_word(const char *text, char out[CONF_QUOTED_SIZE]);

#endif
