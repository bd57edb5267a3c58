/*
 * What must hold after every event of a world, whatever the weather. The first thing that does not is kept as
 * the world's fault.
 */
#ifndef MUSUBI_SIM_INVARIANTS_H
#define MUSUBI_SIM_INVARIANTS_H

#include "sim/inside.h"

extern const struct world_observer invariants;

#endif
