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

/*
 * Takes in one saved IKE SA with its Child SAs, the record of `serial`; 0: it has no record here yet. One
 * that can't continue is forgotten, and the log says why.
 */
void engine_restore(struct ike_engine *engine, uint32_t serial, struct octets state);

/*
 * All saved IKE SAs are there: hands their Child SAs to the packet path, sends requests again, continues
 * jobs. (resume.c)
 */
void engine_restore_end(struct ike_engine *engine);

/* Hands all Child SAs to the packet path once more, as they are now. */
void engine_hand_over_children(struct ike_engine *engine);

#endif
