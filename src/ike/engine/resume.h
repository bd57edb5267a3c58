/*
 * The end of a restart: all saved IKE SAs are there (restore.h). Their Child SAs go to the packet path, their
 * requests are sent again, their jobs are done again.
 */
#ifndef MUSUBI_IKE_ENGINE_RESUME_H
#define MUSUBI_IKE_ENGINE_RESUME_H

#include "ike/services/engine.h"

/* IKE_EVENT_SAVED_END. */
void engine_restore_end(struct ike_engine *engine);

/* Hands all Child SAs to the packet path once more, as they are now. */
void engine_hand_over_children(struct ike_engine *engine);

#endif
