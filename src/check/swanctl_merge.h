/*
 * Sections and settings of a swanctl.conf that come again: as strongSwan does, a section goes on, and the
 * last of the settings of one name holds.
 */
#ifndef MUSUBI_CHECK_SWANCTL_MERGE_H
#define MUSUBI_CHECK_SWANCTL_MERGE_H

#include "check/swanctl_file.h"

/*
 * Puts the items of each connection, and of each secret, next to each other: where the first one stands, and
 * in the order of the file. Marks the settings that later ones of the same sections and name override; one
 * that is inherited does not override one that is not. False if memory ran out.
 */
bool swanctl_merge(struct swanctl_file *file);

#endif
