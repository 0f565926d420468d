#include "conf/network.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/text.h"
#include "proxy/base/err.h"

#define ADDRESS_BITS 128
/* Of these addresses that say "IPv4", and how many bits say it. */
#define MAPPED_BITS 96
/* More than any address and a prefix have. */
#define TEXT_SIZE (INET6_ADDRSTRLEN + 4)

static const unsigned char mapped[MAPPED_BITS / 8] = { 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0xff, 0xff };

/* The bits that stand before those that are written; -1: no address. */
static int
read_address(const char *text, unsigned char address[16])
{
	if (inet_pton(AF_INET6, text, address) == 1)
		return 0;
	if (inet_pton(AF_INET, text, address + sizeof(mapped)) != 1)
		return -1;
	memcpy(address, mapped, sizeof(mapped));
	return MAPPED_BITS;
}

/* "8", not "08", "+8" or "": -1. */
static int
read_bits(const char *text)
{
	size_t len = strspn(text, "0123456789");
	int bits = 0;

	if (len == 0 || len > 3 || text[len] != '\0' ||
	    (len > 1 && text[0] == '0'))
		return -1;
	while (*text != '\0')
		bits = bits * 10 + (*text++ - '0');
	return bits;
}

static unsigned char
mask_of(unsigned bits, size_t byte)
{
	unsigned before = (unsigned)byte * 8;

	if (bits <= before)
		return 0;
	if (bits >= before + 8)
		return 0xff;
	return (unsigned char)(0xff00U >> (bits - before));
}

/* Clears what stands behind the prefix; was anything there? */
static bool
cut_host(struct conf_network *network)
{
	bool had_host = false;
	unsigned char mask;
	size_t i;

	for (i = 0; i < sizeof(network->address); i++) {
		mask = mask_of(network->bits, i);
		had_host = had_host || (network->address[i] & ~mask) != 0;
		network->address[i] =
		    (unsigned char)(network->address[i] & mask);
	}
	return had_host;
}

static int
refuse_host(const struct conf_network *network, int offset, const char *quoted,
    struct err *err)
{
	char address[INET6_ADDRSTRLEN] = "";

	inet_ntop(offset > 0 ? AF_INET : AF_INET6,
	    network->address + offset / 8, address, sizeof(address));
	return err_set(err, ERR_INVALID,
	    "%s has bits behind its prefix: write %s/%d, or the address alone",
	    quoted, address, (int)network->bits - offset);
}

int
conf_network_parse(
    struct conf_network *network, const char *text, struct err *err)
{
	size_t len = strcspn(text, "/");
	char quoted[CONF_QUOTED_SIZE], address[TEXT_SIZE] = "";
	int offset = -1, bits = -1;

	conf_quote(text, quoted);
	if (memchr(text, '%', len) != NULL)
		return err_set(err, ERR_INVALID,
		    "%s has a zone: leave it out, a network has none", quoted);
	if (len < sizeof(address)) {
		memcpy(address, text, len);
		offset = read_address(address, network->address);
	}
	if (offset == -1)
		return err_set(err, ERR_INVALID,
		    "%s is not a network: write it like 10.0.0.0/8, "
		    "2001:db8::/32 or 10.0.0.7",
		    quoted);
	bits = text[len] == '/' ? read_bits(text + len + 1)
				: ADDRESS_BITS - offset;
	if (bits == -1 || bits > ADDRESS_BITS - offset)
		return err_set(err, ERR_INVALID,
		    "%s: the prefix is not a number from 0 to %d", quoted,
		    ADDRESS_BITS - offset);
	network->bits = (unsigned)(bits + offset);
	if (cut_host(network))
		return refuse_host(network, offset, quoted, err);
	return 0;
}

/* Of a peer's address; a zone says by which interface, not who. */
static int
read_peer(const char *text, unsigned char address[16])
{
	size_t len = strcspn(text, "%");
	char plain[TEXT_SIZE] = "";

	if (len >= sizeof(plain))
		return -1;
	memcpy(plain, text, len);
	return read_address(plain, address);
}

bool
conf_network_has(const struct conf_network *network, const char *address)
{
	unsigned char peer[16];
	size_t i;

	if (read_peer(address, peer) == -1)
		return false;
	/* ::/0 is all of IPv6, and none of IPv4. */
	if (network->bits < MAPPED_BITS &&
	    memcmp(peer, mapped, sizeof(mapped)) == 0)
		return false;
	for (i = 0; i < sizeof(peer); i++)
		if ((peer[i] & mask_of(network->bits, i)) !=
		    network->address[i])
			return false;
	return true;
}
