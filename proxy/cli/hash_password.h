/*
 * scrapegate hash-password: a password in, its bcrypt for basic_auth_users
 * out.
 */
#ifndef PROXY_CLI_HASH_PASSWORD_H
#define PROXY_CLI_HASH_PASSWORD_H

#include <stdio.h>

struct err;

/*
 * Reads the password from `fd` up to the end, less one newline there; from a
 * terminal one line, unseen.  -1 with `err`, which never holds the password.
 */
int cli_hash_password(int fd, FILE *out, struct err *err);

#endif
