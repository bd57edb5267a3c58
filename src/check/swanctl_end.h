/*
 * A swanctl.conf as one end of `musubi check --pair`: its connections as tunnels, its secrets as their keys.
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

/*
 * The pre-shared key for two IDs: of the secrets of type `ike` that name none, one, or both of them and no
 * other, the one that names most. Empty if there is none. It points into `room`, of SWANCTL_KEY_MAX octets.
 */
enum { SWANCTL_KEY_MAX = 4096 };
struct octets swanctl_key(const struct swanctl_file *file, const struct identity *own,
                          const struct identity *peer, uint8_t room[SWANCTL_KEY_MAX]);

#endif
