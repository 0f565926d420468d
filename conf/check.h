/*
 * The rules across keys, after all sources are read; also the values that
 * depend on other values: paths of targets, TLS of the gate.
 */
#ifndef CONF_CHECK_H
#define CONF_CHECK_H

#include <stdbool.h>

struct conf_loading;

/* Listeners, TLS, and that there is a target at all. */
void conf_check_gate(struct conf_loading *loading, bool needs_target);

/* TLS, users and limits of the web configuration. */
void conf_check_web(struct conf_loading *loading);

/* Who may scrape, and whom the gate asks; after the targets and the gate. */
void conf_check_auth(struct conf_loading *loading);

/* Each target, and the targets among each other. */
void conf_check_targets(struct conf_loading *loading);

#endif
