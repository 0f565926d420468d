#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/identity.h"
#include "conf/conf.h"
#include "proxy/base/alloc.h"

static void
put_value(FILE *out, const char *value, const char *separator)
{
	for (; *value != '\0'; value++) {
		unsigned char byte = (unsigned char)*value;

		if (byte <= ' ' || byte >= 0x7f || byte == '%' ||
		    strchr(separator, byte) != NULL)
			fprintf(out, "%%%02X", byte);
		else
			fputc(byte, out);
	}
}

static void
put_groups(FILE *out, const struct auth_identity *identity,
    const struct conf_identity_headers *conf)
{
	size_t count = auth_identity_group_count(identity), i;

	for (i = 0; i < count; i++) {
		fputs(i == 0 ? "" : conf->groups_separator, out);
		put_value(out, auth_identity_group(identity, i),
		    conf->groups_separator);
	}
}

char *
auth_identity_headers(const struct auth_identity *identity,
    const struct conf_identity_headers *conf)
{
	char *text = NULL;
	size_t size;
	FILE *out;

	if (identity == NULL || !conf->is_set)
		return NULL;
	out = xrequire(open_memstream(&text, &size));
	if (conf->user != NULL) {
		fprintf(out, "%s: ", conf->user);
		put_value(
		    out, auth_identity_user(identity), conf->groups_separator);
		fputc('\n', out);
	}
	if (conf->groups != NULL && auth_identity_group_count(identity) > 0) {
		fprintf(out, "%s: ", conf->groups);
		put_groups(out, identity, conf);
		fputc('\n', out);
	}
	if (fclose(out) != 0)
		xrequire(NULL);
	return text;
}
