#include "proxy/exposition/wire_messages.h"

#include <stddef.h>

static const struct wire_message timestamp = { "Timestamp",
	{ { 1, KIND_VARINT, "Seconds", NULL, EFFECT_NONE, 0 },
	    { 2, KIND_VARINT, "Nanos", NULL, EFFECT_NONE, 0 } } };

const struct wire_message wire_label = { "LabelPair",
	{ { 1, KIND_STRING, "Name", NULL, EFFECT_NONE, 0 },
	    { 2, KIND_STRING, "Value", NULL, EFFECT_NONE, 0 } } };

static const struct wire_message exemplar = { "Exemplar",
	{ { 1, KIND_MESSAGE, "Label", &wire_label, EFFECT_NONE, 0 },
	    { 2, KIND_DOUBLE, "Value", NULL, EFFECT_NONE, 0 },
	    { 3, KIND_MESSAGE, "Timestamp", &timestamp, EFFECT_NONE, 0 } } };

static const struct wire_message gauge = { "Gauge",
	{ { 1, KIND_DOUBLE, "Value", NULL, EFFECT_NONE, 0 } } };

static const struct wire_message counter = {
	"Counter",
	{ { 1, KIND_DOUBLE, "Value", NULL, EFFECT_NONE, 0 },
	    { 2, KIND_MESSAGE, "Exemplar", &exemplar, EFFECT_EXEMPLAR, 0 },
	    { 3, KIND_MESSAGE, "StartTimestamp", &timestamp, EFFECT_NONE, 0 } }
};

static const struct wire_message quantile = { "Quantile",
	{ { 1, KIND_DOUBLE, "Quantile", NULL, EFFECT_NONE, 0 },
	    { 2, KIND_DOUBLE, "Value", NULL, EFFECT_NONE, 0 } } };

static const struct wire_message summary = {
	"Summary",
	{ { 1, KIND_VARINT, "SampleCount", NULL, EFFECT_NONE, 0 },
	    { 2, KIND_DOUBLE, "SampleSum", NULL, EFFECT_NONE, 0 },
	    { 3, KIND_MESSAGE, "Quantile", &quantile, EFFECT_QUANTILE, 0 },
	    { 4, KIND_MESSAGE, "StartTimestamp", &timestamp, EFFECT_NONE, 0 } }
};

static const struct wire_message untyped = { "Untyped",
	{ { 1, KIND_DOUBLE, "Value", NULL, EFFECT_NONE, 0 } } };

static const struct wire_message bucket = {
	"Bucket",
	{ { 1, KIND_VARINT, "CumulativeCount", NULL, EFFECT_NONE, 0 },
	    { 2, KIND_DOUBLE, "UpperBound", NULL, EFFECT_UPPER_BOUND, 0 },
	    { 3, KIND_MESSAGE, "Exemplar", &exemplar, EFFECT_EXEMPLAR, 0 },
	    { 4, KIND_DOUBLE, "CumulativeCountFloat", NULL, EFFECT_NONE, 0 } }
};

#define SPAN(side)                                                             \
	{                                                                      \
		"BucketSpan",                                                  \
		{                                                              \
			{ 1, KIND_VARINT, "Offset", NULL, EFFECT_NONE, 0 },    \
			{                                                      \
				2, KIND_VARINT, "Length", NULL,                \
				    EFFECT_SPAN_LENGTH, side                   \
			}                                                      \
		}                                                              \
	}
static const struct wire_message positive_span = SPAN(0);
static const struct wire_message negative_span = SPAN(1);

static const struct wire_message histogram = {
	"Histogram",
	{ { 1, KIND_VARINT, "SampleCount", NULL, EFFECT_NONE, 0 },
	    { 2, KIND_DOUBLE, "SampleSum", NULL, EFFECT_NONE, 0 },
	    { 3, KIND_MESSAGE, "Bucket", &bucket, EFFECT_BUCKET, 0 },
	    { 4, KIND_DOUBLE, "SampleCountFloat", NULL, EFFECT_FLOAT, 0 },
	    { 5, KIND_VARINT, "Schema", NULL, EFFECT_NONE, 0 },
	    { 6, KIND_DOUBLE, "ZeroThreshold", NULL, EFFECT_ZERO_THRESHOLD, 0 },
	    { 7, KIND_VARINT, "ZeroCount", NULL, EFFECT_ZERO_COUNT, 0 },
	    { 8, KIND_DOUBLE, "ZeroCountFloat", NULL, EFFECT_FLOAT, 0 },
	    { 9, KIND_MESSAGE, "NegativeSpan", &negative_span, EFFECT_SPAN, 1 },
	    { 10, KIND_VARINTS, "NegativeDelta", NULL, EFFECT_DELTA, 1 },
	    { 11, KIND_DOUBLES, "NegativeCount", NULL, EFFECT_COUNT, 1 },
	    { 12, KIND_MESSAGE, "PositiveSpan", &positive_span, EFFECT_SPAN,
		0 },
	    { 13, KIND_VARINTS, "PositiveDelta", NULL, EFFECT_DELTA, 0 },
	    { 14, KIND_DOUBLES, "PositiveCount", NULL, EFFECT_COUNT, 0 },
	    { 15, KIND_MESSAGE, "StartTimestamp", &timestamp, EFFECT_NONE, 0 },
	    { 16, KIND_MESSAGE, "Exemplars", &exemplar, EFFECT_EXEMPLAR, 0 } }
};

/* Labels without a message of their own: the caller reads them. */
const struct wire_message wire_metric_message = { "Metric",
	{ { 1, KIND_STRING, "Label", NULL, EFFECT_NONE, 0 },
	    { 2, KIND_MESSAGE, "Gauge", &gauge, EFFECT_NONE, 0 },
	    { 3, KIND_MESSAGE, "Counter", &counter, EFFECT_NONE, 0 },
	    { 4, KIND_MESSAGE, "Summary", &summary, EFFECT_NONE, 0 },
	    { 5, KIND_MESSAGE, "Untyped", &untyped, EFFECT_NONE, 0 },
	    { 6, KIND_VARINT, "TimestampMs", NULL, EFFECT_NONE, 0 },
	    { 7, KIND_MESSAGE, "Histogram", &histogram, EFFECT_NONE, 0 } } };

const struct wire_message wire_family = { "MetricFamily",
	{ { 1, KIND_STRING, "Name", NULL, EFFECT_NONE, 0 },
	    { 2, KIND_STRING, "Help", NULL, EFFECT_NONE, 0 },
	    { 3, KIND_VARINT, "Type", NULL, EFFECT_NONE, 0 },
	    { 4, KIND_STRING, "Metric", NULL, EFFECT_NONE, 0 },
	    { 5, KIND_STRING, "Unit", NULL, EFFECT_NONE, 0 } } };
