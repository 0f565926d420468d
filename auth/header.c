#include "auth/header.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "auth/base64.h"

/* The longest base64 text of AUTH_BASIC_MAX bytes. */
#define TEXT_MAX ((AUTH_BASIC_MAX + 2) / 3 * 4)

static bool
is_token_byte(char byte)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= 'a' && byte <= 'z') ||
	       (byte != '\0' && strchr(others, byte) != NULL);
}

enum auth_scheme
auth_header_scheme(const char *value, const char **rest)
{
	static const struct {
		const char *name;
		enum auth_scheme scheme;
	} schemes[] = {
		{ "basic", AUTH_SCHEME_BASIC },
		{ "bearer", AUTH_SCHEME_BEARER },
	};
	size_t len = 0, i;

	*rest = "";
	if (value == NULL || *value == '\0')
		return AUTH_SCHEME_NONE;
	while (is_token_byte(value[len]))
		len++;
	if (value[len] != ' ' && value[len] != '\0')
		return AUTH_SCHEME_OTHER;
	*rest = value + len + strspn(value + len, " ");
	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (len == strlen(schemes[i].name) &&
		    strncasecmp(value, schemes[i].name, len) == 0)
			return schemes[i].scheme;
	return AUTH_SCHEME_OTHER;
}

static size_t
count_padding(const char *text, size_t len)
{
	if (len < 4 || text[len - 1] != '=')
		return 0;
	return text[len - 2] == '=' ? 2 : 1;
}

static enum auth_basic_fault
split(const char *bytes, size_t len, struct auth_basic *basic)
{
	const char *colon = memchr(bytes, ':', len);
	size_t user_len, password_len;

	if (colon == NULL)
		return AUTH_BASIC_NO_COLON;
	if (memchr(bytes, '\0', len) != NULL)
		return AUTH_BASIC_NUL;
	user_len = (size_t)(colon - bytes);
	password_len = len - user_len - 1;
	if (password_len > BCRYPT_PASSWORD_MAX)
		return AUTH_BASIC_PASSWORD_LONG;
	memcpy(basic->user, bytes, user_len);
	basic->user[user_len] = '\0';
	memcpy(basic->password, colon + 1, password_len);
	basic->password[password_len] = '\0';
	return AUTH_BASIC_FINE;
}

enum auth_basic_fault
auth_header_basic(const char *rest, struct auth_basic *basic)
{
	char bytes[TEXT_MAX];
	size_t text_len = strlen(rest);
	size_t padding = count_padding(rest, text_len);
	enum auth_basic_fault fault;
	int len;

	if (text_len == 0 || text_len % 4 != 0)
		return AUTH_BASIC_NOT_BASE64;
	if (text_len > TEXT_MAX)
		return AUTH_BASIC_USER_LONG;
	len = base64_decode(BASE64_STANDARD, bytes, rest, text_len - padding);
	if (len == -1)
		fault = AUTH_BASIC_NOT_BASE64;
	else if (len > AUTH_BASIC_MAX)
		fault = AUTH_BASIC_USER_LONG;
	else
		fault = split(bytes, (size_t)len, basic);
	explicit_bzero(bytes, sizeof(bytes));
	return fault;
}

void
auth_basic_wipe(struct auth_basic *basic)
{
	explicit_bzero(basic, sizeof(*basic));
}
