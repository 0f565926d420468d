#include "conf/kubernetes_name.h"

#include <string.h>

#define LABEL_MAX 63

static bool
is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* The length of the label that `text` begins with; 0 if it is none. */
static size_t
label_len(const char *text, size_t max)
{
	size_t len = 0;

	while (is_alphanumeric(text[len]) || text[len] == '-')
		len++;
	if (len == 0 || len > max || text[0] == '-' || text[len - 1] == '-')
		return 0;
	return len;
}

bool
kubernetes_is_name(const char *text)
{
	size_t len;

	if (strlen(text) > KUBERNETES_NAME_MAX)
		return false;
	for (;;) {
		len = label_len(text, KUBERNETES_NAME_MAX);
		if (len == 0)
			return false;
		text += len;
		if (*text != '.')
			return *text == '\0';
		text++;
	}
}

bool
kubernetes_is_label(const char *text)
{
	size_t len = label_len(text, LABEL_MAX);

	return len > 0 && text[len] == '\0';
}
