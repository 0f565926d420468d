#include "proxy/kernel/sock_diag.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/kernel/listeners.h"

/* More listeners than that on one port, or of unix sockets: unknown. */
#define DATAGRAMS_MAX 64

bool
listen_queue_is_full(const struct listen_queue *queue)
{
	return queue->is_known && queue->waiting > queue->room;
}

struct inet_request {
	struct nlmsghdr header;
	struct inet_diag_req_v2 body;
};

struct unix_request {
	struct nlmsghdr header;
	struct unix_diag_req body;
};

static bool
send_bytes(int fd, const void *bytes, size_t len)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	return sendto(fd, bytes, len, MSG_DONTWAIT,
		   (const struct sockaddr *)&kernel,
		   sizeof(kernel)) == (ssize_t)len;
}

static struct nlmsghdr
dump_header(size_t len)
{
	return (struct nlmsghdr){
		.nlmsg_len = (uint32_t)len,
		.nlmsg_type = SOCK_DIAG_BY_FAMILY,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
	};
}

static bool
request_tcp(int fd, uint8_t family, uint16_t port)
{
	struct inet_request request = {
		.header = dump_header(sizeof(request)),
		.body = { .sdiag_family = family,
		    .sdiag_protocol = IPPROTO_TCP,
		    .idiag_states = 1 << TCP_LISTEN,
		    .id = { .idiag_sport = htons(port) } },
	};

	return send_bytes(fd, &request, sizeof(request));
}

static bool
request_unix(int fd)
{
	struct unix_request request = {
		.header = dump_header(sizeof(request)),
		.body = { .sdiag_family = AF_UNIX,
		    .udiag_states = 1 << TCP_LISTEN,
		    .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_RQLEN },
	};

	return send_bytes(fd, &request, sizeof(request));
}

static void
note(struct listen_queue *queue, enum listener_match match, unsigned waiting,
    unsigned room)
{
	if (match < queue->match || match == LISTENER_OTHER ||
	    (match == queue->match &&
		(int64_t)waiting - room <=
		    (int64_t)queue->waiting - queue->room))
		return;
	queue->is_known = true;
	queue->match = match;
	queue->waiting = waiting;
	queue->room = room;
}

static void
take_inet(const struct nlmsghdr *header, const struct listener_address *address,
    struct listen_queue *queue)
{
	static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0xff, 0xff };
	struct inet_diag_msg message;
	unsigned char bound[16];
	bool is_v4;

	if (header->nlmsg_len < NLMSG_LENGTH(sizeof(message)))
		return;
	memcpy(&message, NLMSG_DATA(header), sizeof(message));
	is_v4 = message.idiag_family == AF_INET;
	memcpy(bound, message.id.idiag_src, sizeof(bound));
	if (is_v4) {
		memcpy(bound, mapped, sizeof(mapped));
		memcpy(bound + 12, message.id.idiag_src, 4);
	}
	note(queue,
	    listener_match(
		address, bound, is_v4, ntohs(message.id.idiag_sport)),
	    message.idiag_rqueue, message.idiag_wqueue);
}

/* A name bound by path; the kernel does not end it by NUL. */
static bool
is_name(const struct rtattr *attr, const char *path)
{
	size_t len = RTA_PAYLOAD(attr), want = strlen(path);

	return len >= want && memcmp(RTA_DATA(attr), path, want) == 0 &&
	       (len == want || ((const char *)RTA_DATA(attr))[want] == '\0');
}

static void
take_unix(const struct nlmsghdr *header, const struct listener_address *address,
    struct listen_queue *queue)
{
	struct unix_diag_rqlen lengths = { 0, 0 };
	const struct rtattr *attr;
	bool is_it = false, has_lengths = false;
	unsigned left;

	if (header->nlmsg_len < NLMSG_LENGTH(sizeof(struct unix_diag_msg)))
		return;
	left = (unsigned)(header->nlmsg_len -
			  NLMSG_LENGTH(sizeof(struct unix_diag_msg)));
	attr = (const struct rtattr *)((const char *)NLMSG_DATA(header) +
				       sizeof(struct unix_diag_msg));
	for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left)) {
		if (attr->rta_type == UNIX_DIAG_NAME)
			is_it = is_name(attr, address->path);
		if (attr->rta_type == UNIX_DIAG_RQLEN &&
		    RTA_PAYLOAD(attr) >= sizeof(lengths)) {
			memcpy(&lengths, RTA_DATA(attr), sizeof(lengths));
			has_lengths = true;
		}
	}
	if (is_it && has_lengths)
		note(queue, LISTENER_EXACT, lengths.udiag_rqueue,
		    lengths.udiag_wqueue);
}

bool
sock_diag_take(const void *bytes, size_t len,
    const struct listener_address *address, struct listen_queue *queue)
{
	const struct nlmsghdr *header = bytes;
	unsigned left = (unsigned)len;

	for (; NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
		if (header->nlmsg_type == NLMSG_DONE ||
		    header->nlmsg_type == NLMSG_ERROR)
			return false;
		if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY)
			continue;
		if (address->family == LISTENER_UNIX)
			take_unix(header, address, queue);
		else
			take_inet(header, address, queue);
	}
	return true;
}

static void
take_all(
    int fd, const struct listener_address *address, struct listen_queue *queue)
{
	uint32_t buffer[8192 / sizeof(uint32_t)];
	ssize_t len;
	int i;

	for (i = 0; i < DATAGRAMS_MAX; i++) {
		len = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
		if (len <= 0 ||
		    !sock_diag_take(buffer, (size_t)len, address, queue))
			return;
	}
}

static int
open_diag(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
}

static void
ask_tcp(
    int fd, const struct listener_address *address, struct listen_queue *queue)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	size_t i;

	for (i = 0; i < sizeof(families); i++)
		if (request_tcp(fd, families[i], address->port))
			take_all(fd, address, queue);
}

void
sock_diag_ask(
    const struct listener_address *address, struct listen_queue *queue)
{
	int fd = address->family == LISTENER_NONE ? -1 : open_diag();

	memset(queue, 0, sizeof(*queue));
	if (fd == -1)
		return;
	if (address->family == LISTENER_UNIX) {
		if (request_unix(fd))
			take_all(fd, address, queue);
	} else {
		ask_tcp(fd, address, queue);
	}
	close(fd);
}
