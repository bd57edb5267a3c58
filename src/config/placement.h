/*
 * Lines of ours that stand in the wrong place: policy commands with or without their `ikev2`, settings of an
 * interface outside of one.
 */
#ifndef MUSUBI_CONFIG_PLACEMENT_H
#define MUSUBI_CONFIG_PLACEMENT_H

#include "config/command.h"
#include "config/words.h"

/* Where a line that does not fit into a section of this mode, nor into config mode, would be one of ours, in
 * words such as "it belongs under `interface TunnelN.M`"; NULL if it would be nowhere. The line may have a
 * wrong value. */
const char *placement_of(const struct words *words, enum command_mode mode);

/* True if the line would be read as a command, or as a wrong one, in a file at a place where this mode and
 * config mode hold. */
bool placement_fits(const struct words *words, enum command_mode mode);

#endif
