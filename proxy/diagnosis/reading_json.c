#include "proxy/diagnosis/reading_json.h"

#include <string.h>

#include "proxy/base/escape.h"
#include "proxy/base/json.h"
#include "proxy/diagnosis/reading.h"

static void
add_count(struct cJSON *object, const char *key, uint64_t count)
{
	json_add_number(object, key, (double)count);
}

static void
add_families(struct cJSON *object, const struct exposition_facts *facts)
{
	struct cJSON *list = json_add_array(object, "largest"), *each;
	char name[FACTS_NAME_MAX * 4];
	size_t i;

	for (i = 0; i < facts->top_count; i++) {
		const struct fact_family *family = &facts->top[i];

		escape_quoted(
		    name, sizeof(name), family->name, strlen(family->name));
		each = json_add_object(list, NULL);
		json_add_string(each, "metric", name);
		add_count(each, "bytes", family->bytes);
		add_count(each, "samples", family->samples);
	}
}

void
facts_json(struct cJSON *object, const struct exposition_facts *facts)
{
	struct cJSON *process;
	size_t i;

	add_count(object, "bytes", facts->bytes);
	add_count(object, "samples", facts->samples);
	add_count(object, "families", facts->families);
	add_count(object, "exemplars", facts->exemplars);
	add_count(object, "timestamps", facts->timestamps);
	/* Absent where there was nothing to compare with. */
	if (facts->has_series && facts->has_series_before) {
		add_count(object, "seriesAdded", facts->series_added);
		add_count(object, "seriesGone", facts->series_gone);
	}
	add_families(object, facts);
	process = json_add_object(object, "process");
	for (i = 0; i < FACT_COUNT; i++)
		if (facts->has_value[i])
			json_add_number(process, fact_name((enum fact_value)i),
			    facts->value[i]);
}

void
reading_json_warnings(struct cJSON *list, const struct reading *reading)
{
	struct cJSON *object, *metrics;
	size_t i, k;

	for (i = 0; reading != NULL && i < reading->warning_count; i++) {
		const struct reading_warning *warning = &reading->warnings[i];

		object = json_add_object(list, NULL);
		json_add_string(object, "id", warning->id);
		json_add_string(object, "words", warning->words);
		add_count(object, "count", warning->count);
		add_count(object, "firstLine", warning->first_line);
		metrics = json_add_array(object, "metrics");
		for (k = 0; k < warning->offender_count; k++)
			json_add_string(metrics, NULL, warning->offenders[k]);
	}
}
