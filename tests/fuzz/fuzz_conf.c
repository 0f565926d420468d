/*
 * A configuration from any bytes: no crash, bounded cost, an error or a
 * configuration; and what is printed of one is read again to the same.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *
print(const struct conf *conf, size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	assert(out != NULL);
	conf_print(conf, out);
	fclose(out);
	return text;
}

static void
read_again(const char *text, size_t len)
{
	struct conf_source source = {
		.file = "printed", .text = text, .text_len = len
	};
	struct conf_report report;
	struct conf *conf = conf_load(&source, &report);
	size_t again_len;
	char *again;

	assert(conf != NULL);
	again = print(conf, &again_len);
	assert(again_len == len && memcmp(again, text, len) == 0);
	free(again);
	conf_unref(conf);
	conf_report_fini(&report);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_source source = {
		.file = "fuzz", .text = (const char *)data, .text_len = size
	};
	struct conf_report report;
	struct conf *conf;
	size_t len;
	char *text;

	conf = conf_load(&source, &report);
	assert((conf == NULL) == (report.errors != NULL));
	/* A web config file adds a comment, and its folder. */
	if (conf != NULL && conf->web_config_file == NULL) {
		text = print(conf, &len);
		if (strstr(text, "<secret>") == NULL)
			read_again(text, len);
		free(text);
	}
	conf_unref(conf);
	conf_report_fini(&report);
	return 0;
}
