/*
 * The targets page from inside: page.c has the page and its lists,
 * page_target.c the section of one target, page_body.c what its body says,
 * page_figures.c how figures and
 * phases are drawn.  Others see page.h.
 */
#ifndef PROXY_ADMIN_PAGE_PARTS_H
#define PROXY_ADMIN_PAGE_PARTS_H

#include <stdint.h>
#include <stdio.h>

#include "proxy/diagnosis/board.h"

struct notices;
struct phases;
struct reading;

/* `notices` may be NULL. */
void page_put_target(FILE *out, const struct board_target *target,
    const struct notices *notices);

/* Of the last good answer: what made it large, and what was odd in it. */
void page_put_body(FILE *out, const struct reading *reading);

void page_put_badge(FILE *out, enum board_health health);

/* The id of a reason or a notice, with a link to what the manual says. */
void page_put_id(FILE *out, const char *id);
void page_put_reason(FILE *out, enum reason reason);

void page_put_time(FILE *out, uint64_t us);
void page_put_size(FILE *out, uint64_t bytes);

/* One bar with a part for each phase, and the figures to it. */
void page_put_bar(FILE *out, const struct phases *phases);
void page_put_bar_key(FILE *out, const struct phases *phases);

#endif
