/*
 * A new engine takes over saved IKE SAs (ike/sa/record.h): a request that was under way is sent again with
 * the same octets, what was being computed is computed again, lifetimes continue.
 *
 * Negotiations that had not led to an IKE SA are forgotten: the end that began one begins again, with other
 * SPIs.
 */
#ifndef MUSUBI_IKE_ENGINE_RESTORE_H
#define MUSUBI_IKE_ENGINE_RESTORE_H

#include "ike/services/engine.h"

/* Takes in one saved IKE SA with its Child SAs. One that can't continue is forgotten. */
void engine_restore(struct ike_engine *engine, struct octets state);

/*
 * All saved IKE SAs are there: hands their Child SAs to the packet path, sends requests again, continues
 * jobs.
 */
void engine_restore_end(struct ike_engine *engine);

/* Hands all Child SAs to the packet path once more, as they are now. */
void engine_hand_over_children(struct ike_engine *engine);

#endif
