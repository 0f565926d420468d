#include "proxy/kernel/listeners.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATE_LISTEN 0x0A
/* unix: __SO_ACCEPTCON */
#define FLAG_LISTENS 0x10000

static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff,
	0xff };

static bool
is_v4(const unsigned char ip[16])
{
	return memcmp(ip, mapped, sizeof(mapped)) == 0;
}

static bool
is_zero(const unsigned char *bytes, size_t len)
{
	while (len > 0 && bytes[len - 1] == 0)
		len--;
	return len == 0;
}

/* "127.0.0.1" or "::1", without brackets. */
static bool
parse_ip(struct listener_address *address, const char *text)
{
	char plain[64];

	/* A zone ("fe80::1%eth0") is a matter of the route. */
	snprintf(plain, sizeof(plain), "%.*s", (int)strcspn(text, "%"), text);
	memcpy(address->ip, mapped, sizeof(mapped));
	return inet_pton(AF_INET, plain, address->ip + 12) == 1 ||
	       inet_pton(AF_INET6, plain, address->ip) == 1;
}

bool
listener_address_parse(struct listener_address *address, const char *text)
{
	const char *colon = strrchr(text, ':');
	char host[64], *end;
	unsigned long port;
	size_t len;

	memset(address, 0, sizeof(*address));
	if (text[0] == '/') {
		if (strlen(text) >= sizeof(address->path))
			return false;
		snprintf(address->path, sizeof(address->path), "%s", text);
		address->family = LISTENER_UNIX;
		return true;
	}
	if (colon == NULL || colon - text >= (long)sizeof(host))
		return false;
	port = strtoul(colon + 1, &end, 10);
	if (end == colon + 1 || *end != '\0' || port == 0 || port > 65535)
		return false;
	len = (size_t)(colon - text);
	if (len > 1 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	snprintf(host, sizeof(host), "%.*s", (int)len, text);
	if (!parse_ip(address, host))
		return false;
	address->port = (uint16_t)port;
	address->family = LISTENER_TCP;
	return true;
}

bool
listener_address_is_v4(const struct listener_address *address)
{
	return address->family == LISTENER_TCP && is_v4(address->ip);
}

bool
listener_address_is_loopback(const struct listener_address *address)
{
	if (address->family != LISTENER_TCP)
		return address->family == LISTENER_UNIX;
	if (is_v4(address->ip))
		return address->ip[12] == 127;
	return is_zero(address->ip, 15) && address->ip[15] == 1;
}

enum listener_match
listener_match(const struct listener_address *address,
    const unsigned char bound[16], bool is_v4_socket, uint16_t port)
{
	if (address->family != LISTENER_TCP || port != address->port)
		return LISTENER_OTHER;
	if (memcmp(bound, address->ip, 16) == 0)
		return LISTENER_EXACT;
	if (is_v4_socket)
		return is_v4(address->ip) && is_zero(bound + 12, 4)
			   ? LISTENER_ALL_V4
			   : LISTENER_OTHER;
	return is_zero(bound, 16) ? LISTENER_ALL_V6 : LISTENER_OTHER;
}

/* Each group of eight digits is a word of the address in memory. */
static bool
parse_words(const char *hex, size_t words, unsigned char *out)
{
	uint32_t word;
	size_t i;

	for (i = 0; i < words; i++) {
		if (sscanf(hex + i * 8, "%8" SCNx32, &word) != 1)
			return false;
		memcpy(out + i * 4, &word, sizeof(word));
	}
	return true;
}

bool
listener_take_tcp(struct listener_found *found,
    const struct listener_address *address, const char *line)
{
	unsigned char bound[16];
	char hex[33] = "";
	unsigned port, state;
	uint64_t inode;
	enum listener_match match;
	size_t len;

	if (sscanf(line,
		" %*u: %32[0-9A-Fa-f]:%4x %*[0-9A-Fa-f]:%*x %2x %*s %*s %*s "
		"%*u %*u %" SCNu64,
		hex, &port, &state, &inode) != 4)
		return true; /* the heading */
	if (state != STATE_LISTEN)
		return false;
	len = strlen(hex);
	memcpy(bound, mapped, sizeof(mapped));
	if ((len != 8 && len != 32) ||
	    !parse_words(hex, len / 8, len == 8 ? bound + 12 : bound))
		return true;
	match = listener_match(address, bound, len == 8, (uint16_t)port);
	if (match > found->match) {
		found->match = match;
		found->inode = inode;
	}
	return true;
}

void
listener_take_unix(struct listener_found *found,
    const struct listener_address *address, const char *line)
{
	unsigned flags;
	uint64_t inode;
	int at = 0;

	if (sscanf(line, "%*s %*x %*x %x %*x %*x %" SCNu64 " %n", &flags,
		&inode, &at) != 2 ||
	    at == 0 || (flags & FLAG_LISTENS) == 0)
		return;
	if (strcmp(line + at, address->path) == 0) {
		found->match = LISTENER_EXACT;
		found->inode = inode;
	}
}
