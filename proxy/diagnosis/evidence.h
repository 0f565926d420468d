/*
 * Private to the description of a finding: what was seen, piece by piece.
 * Pieces are joined by "; "; one that does not fit whole is left out, so each
 * ends in its mark.
 */
#ifndef PROXY_DIAGNOSIS_EVIDENCE_H
#define PROXY_DIAGNOSIS_EVIDENCE_H

#include <stddef.h>

struct phases;
struct sketch;

struct evidence {
	const struct sketch *sketch;
	char *out;
	size_t size;
	size_t len;
};

void evidence_add(struct evidence *evidence, const char *mark,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Those of `pieces`, each with its mark; one that does not fit whole is left
 * out. */
void evidence_add_pieces(char *out, size_t size, const char *pieces);

#define MEASURED(...) evidence_add(evidence, "measured", __VA_ARGS__)
#define INFERRED(...) evidence_add(evidence, "inferred", __VA_ARGS__)
#define UNKNOWN(...) evidence_add(evidence, "unknown", __VA_ARGS__)

#define EVIDENCE_EXCERPT_SIZE 96

/* The begin of escaped text, not cut inside an escape. */
const char *evidence_excerpt(
    char out[EVIDENCE_EXCERPT_SIZE], const char *escaped);

/* "ECONNREFUSED". */
const char *evidence_errno(int number);

/* Every phase of a millisecond and more: "processing 4.1 s, transfer 0.2 s". */
size_t evidence_phases(char *out, size_t size, const struct phases *phases);

/* How it was before. */
void evidence_slow(struct evidence *evidence);
void evidence_history(struct evidence *evidence);

/* Up to and including the handshake. */
void evidence_dns(struct evidence *evidence);
void evidence_connect(struct evidence *evidence);
void evidence_tls(struct evidence *evidence);

/* Of a body that is not taken, and of limits. */
void evidence_exposition(struct evidence *evidence);
void evidence_limit(struct evidence *evidence);

#endif
