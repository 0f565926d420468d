#include "proxy/gate/request.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#define HOST_MAX 256

/* Networks nobody is to be sent to. */
static const struct {
	uint32_t address;
	uint32_t mask;
} networks4[] = {
	{ 0x00000000, 0xff000000 }, /* 0.0.0.0/8: this host */
	{ 0x7f000000, 0xff000000 }, /* 127.0.0.0/8 */
	{ 0xa9fe0000, 0xffff0000 }, /* 169.254.0.0/16: cloud metadata, too */
};

/* Where the last four bytes are an address of IPv4; of the second, "::" and
 * "::1" are of 0.0.0.0/8. */
static const char *const mapped6[] = { "::ffff:0:0", "::", "64:ff9b::" };
#define MAPPED_BYTES 12

/* Not in DNS, or the same everywhere. */
static const char *const names[] = { "localhost", "localhost.localdomain",
	"ip6-localhost", "ip6-loopback", "kubernetes", "kubernetes.default",
	"kubernetes.default.svc", "kubernetes.default.svc.cluster.local" };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool
is_inside4(uint32_t address)
{
	size_t i;

	for (i = 0; i < COUNT(networks4); i++)
		if ((address & networks4[i].mask) == networks4[i].address)
			return true;
	return false;
}

static bool
has_prefix(const struct in6_addr *address, const char *prefix, unsigned bits)
{
	struct in6_addr other;
	unsigned bytes = bits / 8, rest = bits % 8;

	if (inet_pton(AF_INET6, prefix, &other) != 1 ||
	    memcmp(address, &other, bytes) != 0)
		return false;
	return rest == 0 ||
	       (address->s6_addr[bytes] ^ other.s6_addr[bytes]) >> (8 - rest) ==
		   0;
}

static bool
is_inside6(const struct in6_addr *address)
{
	uint32_t low;
	size_t i;

	if (has_prefix(address, "fe80::", 10))
		return true;
	memcpy(&low, address->s6_addr + MAPPED_BYTES, sizeof(low));
	for (i = 0; i < COUNT(mapped6); i++)
		if (has_prefix(address, mapped6[i], 8 * MAPPED_BYTES))
			return is_inside4(ntohl(low));
	return false;
}

static bool
is_inside_name(const char *host)
{
	static const char ending[] = ".localhost"; /* RFC 6761 6.3 */
	size_t len = strlen(host), ending_len = sizeof(ending) - 1, i;

	for (i = 0; i < COUNT(names); i++)
		if (strcasecmp(host, names[i]) == 0)
			return true;
	return len > ending_len &&
	       strcasecmp(host + len - ending_len, ending) == 0;
}

/* IPv4 as it is mapped into IPv6. */
static bool
read_address(const char *host, struct in6_addr *address)
{
	struct in_addr v4;

	if (inet_aton(host, &v4) == 0)
		return inet_pton(AF_INET6, host, address) == 1;
	memset(address, 0, sizeof(*address));
	memset(address->s6_addr + MAPPED_BYTES - 2, 0xff, 2);
	memcpy(address->s6_addr + MAPPED_BYTES, &v4, sizeof(v4));
	return true;
}

static bool
is_api(const char *host, const char *api_host)
{
	struct in6_addr address, api_address;

	if (api_host == NULL || api_host[0] == '\0')
		return false;
	if (read_address(host, &address) &&
	    read_address(api_host, &api_address))
		return memcmp(&address, &api_address, sizeof(address)) == 0;
	return strcasecmp(host, api_host) == 0;
}

/* `host` without port, brackets and dots at its end. */
static bool
is_inside(char *host, const char *api_host)
{
	struct in6_addr address;
	size_t i, len = strcspn(host, "%");
	bool is_odd = host[len] != '\0';

	host[len] = '\0';
	if (is_api(host, api_host))
		return true;
	/* As resolvers read it: 127.1, 0x7f000001 and 017700000001, too.  What
	 * stands behind '%' is a zone. */
	if (read_address(host, &address))
		return is_inside6(&address);
	/* Escapes and letters that are not ASCII: some turn them into digits
	 * (UTS 46) before they look. */
	for (i = 0; i < len; i++)
		is_odd = is_odd || !isascii((unsigned char)host[i]);
	return is_odd || is_inside_name(host);
}

/* HOST, HOST:PORT, [IPV6], [IPV6]:PORT or IPV6; one that is too long is no
 * address and no name. */
static bool
is_piece_inside(const char *text, size_t len, const char *api_host)
{
	const char *end = memchr(text, ':', len);
	char host[HOST_MAX];

	if (len > 0 && text[0] == '[') {
		text++;
		len--;
		end = memchr(text, ']', len);
	} else if (end != NULL && memchr(end + 1, ':',
				      len - (size_t)(end + 1 - text)) != NULL) {
		end = NULL;
	}
	if (end != NULL)
		len = (size_t)(end - text);
	while (len > 0 && text[len - 1] == '.')
		len--;
	if (len >= sizeof(host))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	return is_inside(host, api_host);
}

/* Behind "SCHEME:" and any number of slashes, as the laxest would have it. */
static const char *
skip_scheme(const char *value)
{
	static const char slashes[] = "/\\ \t";
	const char *p = value;

	while (isalnum((unsigned char)*p) || strchr("+-.", *p) != NULL) {
		if (*p == '\0')
			return value;
		p++;
	}
	if (*p != ':' || p[1] == '\0' || strchr(slashes, p[1]) == NULL)
		p = value;
	else
		p++;
	return p + strspn(p, slashes);
}

bool
request_target_is_inside(const char *value, const char *api_host)
{
	const char *p = skip_scheme(value);
	size_t len;

	/* Up to the path, piece by piece: not all agree on which '@' ends the
	 * user's name. */
	for (;;) {
		len = strcspn(p, "@/\\?#");
		if (is_piece_inside(p, len, api_host))
			return true;
		if (p[len] != '@')
			return false;
		p += len + 1;
	}
}
