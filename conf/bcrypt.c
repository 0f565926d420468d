#include "conf/bcrypt.h"

#include <ctype.h>
#include <string.h>

#include "proxy/base/err.h"

/* "$2y$10$", 22 of salt, 31 of hash. */
#define LENGTH 60
#define PREFIX_LENGTH 7
#define GO_LENGTH_MIN 59
#define COST_MIN 4
#define COST_MAX 31

#define INSTEAD "write the hash that `scrapegate hash-password` prints"

static const char alphabet[] =
    "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

int
conf_bcrypt_cost(const char *hash)
{
	return (hash[4] - '0') * 10 + (hash[5] - '0');
}

static int
check_cost(const char *hash, struct err *err)
{
	int cost;

	if (!isdigit((unsigned char)hash[4]) ||
	    !isdigit((unsigned char)hash[5]) || hash[6] != '$')
		return err_set(err, ERR_INVALID,
		    "crypto/bcrypt: the cost is not two digits: " INSTEAD);
	cost = conf_bcrypt_cost(hash);
	if (cost < COST_MIN || cost > COST_MAX)
		return err_set(err, ERR_INVALID,
		    "crypto/bcrypt: cost %d is outside allowed inclusive range "
		    "%d..%d: " INSTEAD,
		    cost, COST_MIN, COST_MAX);
	return 0;
}

int
conf_bcrypt_check(const char *hash, struct err *err)
{
	size_t len = strlen(hash);

	if (len < GO_LENGTH_MIN)
		return err_set(err, ERR_INVALID,
		    "crypto/bcrypt: hashedSecret too short to be a bcrypted "
		    "password: " INSTEAD ", not the password");
	if (hash[0] != '$')
		return err_set(err, ERR_INVALID,
		    "crypto/bcrypt: bcrypt hashes must start with "
		    "'$': " INSTEAD);
	if (hash[1] > '2')
		return err_set(err, ERR_INVALID,
		    "crypto/bcrypt: bcrypt algorithm version '%c' requested is "
		    "newer than current version '2': " INSTEAD,
		    isprint((unsigned char)hash[1]) ? hash[1] : '?');
	if (hash[1] != '2' || hash[2] == '\0' || !strchr("aby", hash[2]) ||
	    hash[3] != '$')
		return err_set(err, ERR_INVALID,
		    "bcrypt hashes begin with $2a$, $2b$ or $2y$: " INSTEAD);
	if (check_cost(hash, err) == -1)
		return -1;
	if (len != LENGTH ||
	    strspn(hash + PREFIX_LENGTH, alphabet) != LENGTH - PREFIX_LENGTH)
		return err_set(err, ERR_INVALID,
		    "no password could ever match this hash: bcrypt's have %d "
		    "characters of ./A-Za-z0-9 after the cost; copy it whole, "
		    "or " INSTEAD,
		    LENGTH - PREFIX_LENGTH);
	return 0;
}
