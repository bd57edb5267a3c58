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
 * Takes in one saved IKE SA with its Child SAs. `serial` is that of its record; 0: it has no record here yet.
 * One that can't continue is forgotten, and the log says why.
 */
void engine_restore(struct ike_engine *engine, uint32_t serial, struct octets state);

#endif
