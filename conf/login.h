/*
 * What a configuration asks of a scraper before it may scrape.
 */
#ifndef CONF_LOGIN_H
#define CONF_LOGIN_H

#include <stdbool.h>

struct conf;

/* Is there a method that says who somebody is?  Then it is required. */
bool conf_has_login(const struct conf *conf);

/* One whose credentials are a secret that is sent. */
bool conf_has_token_login(const struct conf *conf);

#endif
