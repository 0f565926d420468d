#include "proxy/cli/hash_password.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "auth/bcrypt.h"
#include "proxy/base/err.h"

/* Two bits more than the default of Go's bcrypt: 0.2 s, paid once per scraper
 * and start of the gate. */
#define COST 12

/* The password, its newline, and one byte that shows there is more. */
#define INPUT_MAX (BCRYPT_PASSWORD_MAX + 2)

/* Returns whether `fd` is a terminal; `before` is what it was set to. */
static bool
hide_typing(int fd, struct termios *before)
{
	struct termios hidden;

	if (tcgetattr(fd, before) == -1)
		return false;
	fputs("Password: ", stderr);
	hidden = *before;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(fd, TCSAFLUSH, &hidden);
	return true;
}

static ssize_t
read_all(int fd, char *bytes, size_t size, bool is_terminal)
{
	size_t len = 0;
	ssize_t got;

	while (len < size && (got = read(fd, bytes + len, size - len)) != 0) {
		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			return -1;
		len += (size_t)got;
		if (is_terminal && bytes[len - 1] == '\n')
			break;
	}
	return (ssize_t)len;
}

static int
check(char *password, size_t len, struct err *err)
{
	if (len == 0)
		return err_set(err, ERR_INVALID, "the password is empty");
	if (len > BCRYPT_PASSWORD_MAX)
		return err_set(err, ERR_INVALID,
		    "the password has more than %d bytes: bcrypt would ignore "
		    "the rest",
		    BCRYPT_PASSWORD_MAX);
	if (memchr(password, '\0', len) != NULL)
		return err_set(
		    err, ERR_INVALID, "the password holds a NUL byte");
	password[len] = '\0';
	return 0;
}

static int
hash(char *input, ssize_t got, FILE *out, struct err *err)
{
	char text[BCRYPT_HASH_SIZE];
	size_t len = (size_t)got;

	if (got == -1)
		return err_set(
		    err, ERR_FILE, "standard input: %s", strerror(errno));
	if (len > 0 && input[len - 1] == '\n')
		len--;
	if (check(input, len, err) == -1 ||
	    bcrypt_new(text, input, COST, err) == -1)
		return -1;
	fprintf(out, "%s\n", text);
	return 0;
}

int
cli_hash_password(int fd, FILE *out, struct err *err)
{
	char input[INPUT_MAX];
	struct termios before;
	bool is_terminal = hide_typing(fd, &before);
	ssize_t got = read_all(fd, input, sizeof(input), is_terminal);
	int result;

	if (is_terminal) {
		tcsetattr(fd, TCSAFLUSH, &before);
		fputc('\n', stderr);
	}
	result = hash(input, got, out, err);
	explicit_bzero(input, sizeof(input));
	return result;
}
