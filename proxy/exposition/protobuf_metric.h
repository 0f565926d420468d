/* One metric of a protobuf family.  Private to the scanner. */
#ifndef PROXY_EXPOSITION_PROTOBUF_METRIC_H
#define PROXY_EXPOSITION_PROTOBUF_METRIC_H

#include "proxy/exposition/parse.h"
#include "proxy/exposition/protobuf.h"

/* `size` is that of its field in the family. */
void protobuf_take_metric(
    struct scanner *scanner, struct slice body, size_t size);

/* Kept until the family's end, unless there is one as grave already. */
void protobuf_complain(struct protobuf *protobuf, enum prometheus version,
    enum protobuf_grade grade, enum reason reason, const char *said);

#endif
