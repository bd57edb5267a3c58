/*
 * What no engine can know of two tunnels that do not connect: that the peer is elsewhere, that neither may
 * begin, that a tunnel is not complete. And what had to be assumed, or could not be looked at.
 */
#ifndef MUSUBI_CHECK_PAIR_EXPLAIN_H
#define MUSUBI_CHECK_PAIR_EXPLAIN_H

#include "check/pair_match.h"
#include "check/pair_play.h"

/* Adds to what has come of a pair what follows from its two files. */
void pair_explain(const struct pair *pair, struct pair_result *result);

/* True if one side proves itself by certificate and the other wants a pre-shared key, or the other way round:
 * then there is nothing to be played. */
bool pair_proofs_differ(const struct pair *pair);

/* Why no tunnel faces this one, as text; returns `out`. */
enum { PAIR_REASON_SIZE = 768 };
const char *pair_explain_alone(const struct pair_end *ends, size_t count, const struct pair_end *end,
                               const struct pair_tunnel *tunnel, char out[PAIR_REASON_SIZE]);

#endif
