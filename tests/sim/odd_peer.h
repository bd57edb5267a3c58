/*
 * A peer as one may find them: for a time it narrows selectors, refuses, puts off, grants what was not asked
 * for, deletes what it has just made, and loses its state, at random; then it behaves. The traffic of the
 * gateway only goes out, and DPD is off. The seed determines all of it.
 */
#ifndef MUSUBI_SIM_ODD_PEER_H
#define MUSUBI_SIM_ODD_PEER_H

#include <stdint.h>
#include <stdio.h>

/*
 * Plays such a time with one gateway, B. Returns what is wrong, as text that is valid until the next call, if
 * B begins more exchanges in a minute than damping allows, if packets do not have their Child SAs again when
 * the peer behaves, or if an invariant is broken. NULL if nothing is wrong. `trace` as in world_set_trace.
 */
const char *odd_peer_play(uint64_t seed, FILE *trace);

#endif
