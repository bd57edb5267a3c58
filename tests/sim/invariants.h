/*
 * What must hold after every event of a world, whatever the conditions. The first violation becomes the
 * world's fault.
 */
#ifndef MUSUBI_SIM_INVARIANTS_H
#define MUSUBI_SIM_INVARIANTS_H

#include "sim/inside.h"

/* The observer for world_new that checks all of it. */
extern const struct world_observer invariants;

#endif
