/*
 * What no engine can know of two tunnels that do not connect: that the peer is elsewhere, that neither may
 * begin, that a tunnel is not complete. And what had to be assumed, or could not be looked at.
 */
#ifndef MUSUBI_CHECK_PAIR_EXPLAIN_H
#define MUSUBI_CHECK_PAIR_EXPLAIN_H

#include "check/pair_match.h"
#include "check/pair_play.h"

/* Adds to what has come of a pair what follows from its two files: before the logs what keeps it from
 * connecting, since what the logs tell may come of that; and behind them what was assumed. */
void pair_explain(const struct pair *pair, struct pair_result *result);

/* True if one side has something that Musubi does not: that is told, and there is nothing to be played. */
bool pair_is_hindered(const struct pair *pair);

/* True if one side proves itself by certificate and the other wants a pre-shared key, or the other way round:
 * then there is nothing to be played. */
bool pair_proofs_differ(const struct pair *pair);

/* Calls `tell` for each tunnel that no other faces, in the order of the files, with the reason. */
typedef void pair_tell_alone(void *context, const struct pair_end *end, const struct pair_tunnel *tunnel,
                             const char *reason);
void pair_explain_alone(const struct pair_end *ends, size_t count, pair_tell_alone *tell, void *context);

#endif
