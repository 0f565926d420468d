/*
 * TLS handshakes that failed: who, when and why.  Everything is counted
 * (proxy/gate/stats.h); of these details a front tells a few a second, and
 * the newest are kept for people to look at.
 *
 * Probes and strangers fail all day and stay out of the log; a certificate
 * that was presented and refused is somebody's client, and gets a line.
 */
#ifndef PROXY_GATE_HANDSHAKES_H
#define PROXY_GATE_HANDSHAKES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/base/mailbox.h"
#include "tls/certificate.h"
#include "tls/failure.h"

#define HANDSHAKES_KEPT 64

/* From a worker to the main thread.  All text is printable. */
struct handshake {
	struct message message;
	uint64_t wall_us;
	enum tls_failure failure;
	char address[64]; /* "10.0.0.7", "unix", or "" if it is not known */
	uint16_t port;    /* 0 for a unix socket */
	char words[320];
	char subject[CERTIFICATE_SUBJECT_SIZE]; /* presented; "" for none */
	char server_name[128];                  /* SNI; "" for none */
	unsigned count; /* like this one, itself included */
};

#define HANDSHAKE_PEER_SIZE 80

/* "10.0.0.7:49152", "[2001:db8::5]:49152" or "unix". */
const char *handshake_peer(
    const struct handshake *handshake, char out[HANDSHAKE_PEER_SIZE]);

/* How many were told, and left out since, of each kind.  One thread. */
struct handshake_pace {
	struct {
		uint64_t second;
		unsigned told; /* in that second */
		unsigned left_out;
	} of[TLS_FAILURE_COUNT];
};

/*
 * The number that one told now stands for, those left out before included; 0:
 * leave this one out.
 */
unsigned handshake_pace_next(
    struct handshake_pace *pace, enum tls_failure failure, uint64_t now_us);

/* The newest; main thread. */
struct handshakes *handshakes_new(void);
void handshakes_free(struct handshakes *handshakes);

/*
 * Takes it over and logs it, if it deserves a line.  The same failure of the
 * same peer is kept once, with a count.
 */
void handshakes_add(struct handshakes *handshakes, struct handshake *handshake);

/* 0 is the newest; NULL behind the oldest. */
const struct handshake *handshakes_at(
    const struct handshakes *handshakes, size_t i);

#endif
