#include "conf/load.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "conf/check.h"
#include "conf/conf.h"
#include "conf/document.h"
#include "conf/file.h"
#include "conf/keys.h"
#include "conf/loading.h"
#include "conf/memory_limit.h"
#include "conf/section.h"
#include "conf/value.h"
#include "proxy/base/alloc.h"
#include "proxy/base/err.h"

/* What one file says, errors included. */
static void
read_text(struct conf_loading *loading, const char *file, const char *text,
    size_t len, bool is_web)
{
	struct conf_section section = { .loading = loading,
		.file = file,
		.scope = CONF_SCOPE_ROOT,
		.base = loading->conf,
		.group = "",
		.where = "",
		.is_web = is_web };
	struct conf_node *root =
	    conf_document_parse(file, text, len, &loading->errors);
	char *folder;

	if (root == NULL)
		return;
	folder = conf_file_folder(file);
	section.folder = folder;
	conf_section_read(&section, root);
	free(folder);
	conf_node_free(root);
}

static void
read_file(struct conf_loading *loading, const char *file, bool is_web)
{
	const struct conf_mark *mark =
	    conf_loading_find(loading, &loading->conf->web_config_file);
	struct err err;
	size_t len;
	char *text =
	    loading->is_reload
		? conf_file_read_regular(
		      file, CONF_DOCUMENT_MAX_BYTES, &len, &err)
		: conf_file_read(file, CONF_DOCUMENT_MAX_BYTES, &len, &err);

	if (text != NULL)
		read_text(loading, file, text, len, is_web);
	else if (is_web && mark->flag == NULL)
		conf_errors_add(&loading->errors, mark->file, mark->line,
		    mark->column, "web.config.file: %s", err.text);
	else
		conf_errors_add_plain(&loading->errors, "%s", err.text);
	free(text);
}

/* A flag's values as one node: a list if it may be repeated. */
static struct conf_node *
flag_node(const struct conf_source *source, const struct conf_flag *flag,
    const struct conf_key *key)
{
	struct conf_node *list;
	size_t i;

	if (key->type != CONF_TYPE_ADDRESSES)
		return conf_node_text(flag->value);
	list = conf_node_list();
	for (i = 0; i < source->flag_count; i++)
		if (strcmp(source->flags[i].name, flag->name) == 0)
			conf_node_append(
			    list, conf_node_text(source->flags[i].value));
	return list;
}

static void
set_flag(struct conf_loading *loading, const struct conf_source *source,
    const struct conf_flag *flag, const struct conf_key *key, void *base)
{
	struct conf_node *node = flag_node(source, flag, key);
	struct err err;
	struct conf_setting setting = { .key = key, .folder = "", .err = &err };

	conf_loading_mark(
	    loading, &(struct conf_mark){ .at = (char *)base + key->offset,
			 .flag = key->flag != NULL ? key->flag : flag->name });
	if (conf_value_set(&setting, node, base) == -1)
		conf_errors_add_usage(
		    &loading->errors, "--%s: %s", flag->name, err.text);
	conf_node_free(node);
}

/* --upstream is a whole target in one flag. */
static void
add_upstream(struct conf_loading *loading, const struct conf_source *source,
    const struct conf_flag *flag)
{
	struct conf *conf = loading->conf;
	char *place;

	if (conf->target_count > 0) {
		place = conf_loading_place(loading, &conf->targets);
		conf_errors_add_usage(&loading->errors,
		    "--upstream: cannot be combined with the targets at %s",
		    place);
		free(place);
		return;
	}
	free(conf->targets);
	conf->targets = xcalloc(1, sizeof(*conf->targets));
	conf->target_count = 1;
	conf_section_defaults(CONF_SCOPE_TARGET, conf->targets);
	conf->targets->name = xstrdup("exporter");
	set_flag(loading, source, flag,
	    conf_key_find(CONF_SCOPE_TARGET, "", "url"), conf->targets);
}

/* A flag that may be repeated was read whole with its first one. */
static bool
is_repetition(const struct conf_source *source, size_t index)
{
	size_t i;

	for (i = 0; i < index; i++)
		if (strcmp(source->flags[i].name, source->flags[index].name) ==
		    0)
			return true;
	return false;
}

static void
apply_flags(struct conf_loading *loading, const struct conf_source *source)
{
	const struct conf_flag *flag;
	const struct conf_key *key;
	size_t i;

	for (i = 0; i < source->flag_count; i++) {
		flag = &source->flags[i];
		key = conf_key_for_flag(flag->name);
		if (key == NULL)
			conf_errors_add_usage(
			    &loading->errors, "unknown flag --%s", flag->name);
		else if (strcmp(key->name, "upstream") == 0)
			add_upstream(loading, source, flag);
		else if (!key->is_flag_only && !is_repetition(source, i))
			set_flag(loading, source, flag, key, loading->conf);
	}
}

static void
read_web(struct conf_loading *loading)
{
	struct conf *conf = loading->conf;

	conf->has_web_section =
	    conf->tls_server_config.place.line != 0 ||
	    conf->http_server_config.place.line != 0 ||
	    conf->rate_limit.place.line != 0 ||
	    conf_loading_find(loading, &conf->basic_auth_users) != NULL;
	if (conf->web_config_file == NULL)
		return;
	conf->has_web_section = true;
	read_file(loading, conf->web_config_file, true);
}

static void
bound_memory(struct conf_loading *loading)
{
	struct conf *conf = loading->conf;
	uint64_t limit;

	if (conf_loading_find(loading, &conf->memory_budget) != NULL)
		return;
	limit = conf_memory_limit("");
	if (limit != 0 && limit / 2 < conf->memory_budget)
		conf->memory_budget = limit / 2;
}

static void
read_all(struct conf_loading *loading, const struct conf_source *source)
{
	struct conf *conf = loading->conf;

	conf_section_defaults(CONF_SCOPE_ROOT, conf);
	if (source->file != NULL) {
		conf->file = xstrdup(source->file);
		loading->file = conf->file;
		if (source->text != NULL)
			read_text(loading, conf->file, source->text,
			    source->text_len, false);
		else
			read_file(loading, conf->file, false);
	}
	apply_flags(loading, source);
	read_web(loading);
	bound_memory(loading);
	conf_check_targets(loading);
	conf_check_gate(loading, !source->is_web_only);
	conf_check_auth(loading);
}

/* Not before all are there: the array has moved as it grew. */
static void
own_targets(struct conf *conf)
{
	size_t i;

	for (i = 0; i < conf->target_count; i++)
		conf->targets[i].conf = conf;
}

struct conf *
conf_load(const struct conf_source *source, struct conf_report *report)
{
	struct conf_loading loading = {
		.conf = xcalloc(1, sizeof(struct conf)),
		.is_reload = source->is_reload,
	};

	atomic_init(&loading.conf->refs, 1);
	read_all(&loading, source);
	conf_errors_close(&loading.errors);
	free(loading.marks);
	report->errors = loading.errors.errors.text;
	report->warnings = loading.errors.warnings.text;
	report->is_usage = loading.errors.is_usage;
	if (report->errors == NULL) {
		own_targets(loading.conf);
		return loading.conf;
	}
	conf_unref(loading.conf);
	return NULL;
}

struct conf *
conf_ref(struct conf *conf)
{
	atomic_fetch_add_explicit(&conf->refs, 1, memory_order_relaxed);
	return conf;
}

void
conf_unref(struct conf *conf)
{
	if (conf == NULL || atomic_fetch_sub_explicit(
				&conf->refs, 1, memory_order_acq_rel) != 1)
		return;
	conf_section_clear(CONF_SCOPE_ROOT, conf);
	free(conf->file);
	free(conf);
}

void
conf_report_fini(struct conf_report *report)
{
	free(report->errors);
	free(report->warnings);
	memset(report, 0, sizeof(*report));
}
