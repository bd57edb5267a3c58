/*
 * A swanctl.conf as one end of `musubi check --pair`: its connections as tunnels.
 */
#ifndef MUSUBI_CHECK_SWANCTL_END_H
#define MUSUBI_CHECK_SWANCTL_END_H

#include "check/pair_end.h"
#include "check/swanctl_file.h"

/*
 * Fills in the addresses and tunnels of `end` from a file, which has to outlive it. What is not read is a
 * warning in its diagnostics. False if memory ran out.
 */
bool swanctl_end_read(struct pair_end *end, const struct swanctl_file *file);

#endif
