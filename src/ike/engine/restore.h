/*
 * Saved IKE SAs come back into a new engine (ike/sa/record.h): a request that was under way is sent again
 * with the same octets, what was being computed is computed again, lifetimes go on.
 *
 * Negotiations that had not led to an IKE SA are forgotten: whoever began one begins anew. Nothing hinders
 * that, since each has SPIs of its own.
 */
#ifndef MUSUBI_IKE_ENGINE_RESTORE_H
#define MUSUBI_IKE_ENGINE_RESTORE_H

#include "ike/services/engine.h"

/* Takes in one saved IKE SA with its Child SAs; what can't go on is forgotten. */
void engine_restore(struct ike_engine *engine, struct octets state);

/* All are there: hands their Child SAs to the packet path, sends requests again, goes on with the rest. */
void engine_restore_end(struct ike_engine *engine);

/* Hands all Child SAs to the packet path once more, with what has become of them since. */
void engine_hand_over_children(struct ike_engine *engine);

#endif
