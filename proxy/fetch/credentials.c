#include "proxy/fetch/credentials.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "conf/conf.h"
#include "proxy/base/alloc.h"
#include "proxy/base/err.h"
#include "proxy/base/file.h"
#include "proxy/fetch/small_file.h"

#define SECRET_MAX ((size_t)64 << 10)
#define FILES_MAX 64

struct secret_file {
	TAILQ_ENTRY(secret_file) link;
	char *path;
	struct small_file file;
};

struct credentials {
	TAILQ_HEAD(secret_files, secret_file) files; /* last used first */
	unsigned count;
};

struct credentials *
credentials_new(void)
{
	struct credentials *credentials = xcalloc(1, sizeof(*credentials));

	TAILQ_INIT(&credentials->files);
	return credentials;
}

static void
drop_file(struct credentials *credentials, struct secret_file *file)
{
	TAILQ_REMOVE(&credentials->files, file, link);
	credentials->count--;
	small_file_fini(&file->file);
	free(file->path);
	free(file);
}

void
credentials_free(struct credentials *credentials)
{
	if (credentials == NULL)
		return;
	while (!TAILQ_EMPTY(&credentials->files))
		drop_file(credentials, TAILQ_FIRST(&credentials->files));
	free(credentials);
}

static void
wipe(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}

void
credentials_free_lines(struct conf_strings *lines)
{
	size_t i;

	for (i = 0; i < lines->count; i++)
		wipe(lines->items[i]);
	free(lines->items);
	lines->items = NULL;
	lines->count = 0;
}

static struct secret_file *
find_file(struct credentials *credentials, const char *path)
{
	struct secret_file *file;

	TAILQ_FOREACH (file, &credentials->files, link)
		if (strcmp(file->path, path) == 0)
			return file;
	if (credentials->count == FILES_MAX)
		drop_file(
		    credentials, TAILQ_LAST(&credentials->files, secret_files));
	file = xcalloc(1, sizeof(*file));
	file->path = xstrdup(path);
	TAILQ_INSERT_HEAD(&credentials->files, file, link);
	credentials->count++;
	return file;
}

static char *
trimmed(const char *text, size_t len)
{
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		len--;
	while (len > 0 && isspace((unsigned char)*text)) {
		text++;
		len--;
	}
	return xstrndup(text, len);
}

/* The trimmed content, to be wiped; NULL with "open PATH: ...". */
static char *
read_secret(struct credentials *credentials, const char *path, struct err *err)
{
	struct secret_file *file = find_file(credentials, path);

	if (small_file_refresh(&file->file, path, SECRET_MAX) == -1) {
		file_fail(path, err);
		return NULL;
	}
	return trimmed(file->file.text, file->file.len);
}

/* From a file if there is one, else the text itself ("" for none). */
static char *
read_either(struct credentials *credentials, const char *path, const char *text,
    const char *what, struct err *err)
{
	char *secret;

	if (path == NULL)
		return xstrdup(text != NULL ? text : "");
	secret = read_secret(credentials, path, err);
	if (secret == NULL)
		err_prefix(err, "unable to read %s: unable to read file %s",
		    what, path);
	return secret;
}

static char *
base64(const char *bytes, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	char *out = xcalloc((len + 2) / 3 * 4 + 1, 1);
	char *p = out;
	size_t i;

	for (i = 0; i < len; i += 3) {
		uint32_t three = (uint32_t)(unsigned char)bytes[i] << 16;

		if (i + 1 < len)
			three |= (uint32_t)(unsigned char)bytes[i + 1] << 8;
		if (i + 2 < len)
			three |= (unsigned char)bytes[i + 2];
		*p++ = digits[three >> 18];
		*p++ = digits[three >> 12 & 63];
		*p++ = i + 1 < len ? digits[three >> 6 & 63] : '=';
		*p++ = i + 2 < len ? digits[three & 63] : '=';
	}
	return out;
}

static bool
is_field_value(const char *value)
{
	for (; *value != '\0'; value++)
		if ((unsigned char)*value < ' ' && *value != '\t')
			return false;
		else if (*value == 0x7f)
			return false;
	return true;
}

/* Takes a copy.  A line feed in a value would be a header of its own. */
static int
append_line(struct conf_strings *lines, const char *name, const char *value,
    struct err *err)
{
	if (!is_field_value(value))
		return err_set(err, ERR_INVALID,
		    "net/http: invalid header "
		    "field value for \"%s\"",
		    name);
	lines->items =
	    xrealloc(lines->items, (lines->count + 1) * sizeof(*lines->items));
	/* libcurl's way to say that a header has no value. */
	lines->items[lines->count++] = *value == '\0'
					   ? xasprintf("%s;", name)
					   : xasprintf("%s: %s", name, value);
	return 0;
}

static int
append_basic(struct credentials *credentials,
    const struct conf_basic_auth *auth, struct conf_strings *lines,
    struct err *err)
{
	char *user = read_either(credentials, auth->username_file,
	    auth->username, "basic auth username", err);
	char *password = NULL;
	int result = -1;

	if (user != NULL)
		password = read_either(credentials, auth->password_file,
		    auth->password, "basic auth password", err);
	if (password != NULL) {
		char *pair = xasprintf("%s:%s", user, password);
		char *coded = base64(pair, strlen(pair));
		char *value = xasprintf("Basic %s", coded);

		result = append_line(lines, "Authorization", value, err);
		wipe(pair);
		wipe(coded);
		wipe(value);
	}
	wipe(user);
	wipe(password);
	return result;
}

static int
append_authorization(struct credentials *credentials,
    const struct conf_authorization *auth, struct conf_strings *lines,
    struct err *err)
{
	char *secret = read_either(credentials, auth->credentials_file,
	    auth->credentials, "authorization credentials", err);
	char *value;
	int result;

	if (secret == NULL)
		return -1;
	value = xasprintf(
	    "%s %s", auth->type != NULL ? auth->type : "Bearer", secret);
	result = append_line(lines, "Authorization", value, err);
	wipe(secret);
	wipe(value);
	return result;
}

static int
append_header(struct credentials *credentials,
    const struct conf_http_header *header, struct conf_strings *lines,
    struct err *err)
{
	size_t i;

	for (i = 0; i < header->values.count; i++)
		if (append_line(lines, header->name, header->values.items[i],
			err) == -1)
			return -1;
	for (i = 0; i < header->secrets.count; i++)
		if (append_line(lines, header->name, header->secrets.items[i],
			err) == -1)
			return -1;
	for (i = 0; i < header->files.count; i++) {
		const char *path = header->files.items[i];
		char *secret = read_secret(credentials, path, err);
		int result = -1;

		if (secret == NULL)
			err_prefix(err, "unable to read headers file %s", path);
		else
			result = append_line(lines, header->name, secret, err);
		wipe(secret);
		if (result == -1)
			return -1;
	}
	return 0;
}

int
credentials_append(struct credentials *credentials,
    const struct conf_target *target, struct conf_strings *lines,
    struct err *err)
{
	size_t i;

	if (target->basic_auth.is_set &&
	    append_basic(credentials, &target->basic_auth, lines, err) == -1)
		return -1;
	if (target->authorization.is_set &&
	    append_authorization(
		credentials, &target->authorization, lines, err) == -1)
		return -1;
	for (i = 0; i < target->http_header_count; i++)
		if (append_header(credentials, &target->http_headers[i], lines,
			err) == -1)
			return -1;
	return 0;
}
