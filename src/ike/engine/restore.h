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

/*
 * Takes in one saved IKE SA with its Child SAs, the record of `serial`; 0: it has no record here yet. What
 * cannot go on is forgotten, and the log says why.
 */
void engine_restore(struct ike_engine *engine, uint32_t serial, struct octets state);

/*
 * All are there: hands their Child SAs to the packet path, sends requests again, goes on with the rest.
 * (resume.c)
 */
void engine_restore_end(struct ike_engine *engine);

#endif
