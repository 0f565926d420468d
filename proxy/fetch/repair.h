/*
 * fallback_scrape_protocol, as in Prometheus 3: a Content-Type that it would
 * refuse becomes the one that the target's exporter is known to mean.
 */
#ifndef PROXY_FETCH_REPAIR_H
#define PROXY_FETCH_REPAIR_H

struct conf_target;
struct judge_result;

/* Of a good answer, before it goes out.  A good type stays as it came. */
void repair_content_type(
    const struct conf_target *target, struct judge_result *head);

#endif
