/*
 * `musubi check --effective`: the policy that holds for each Tunnel, with the line that each value comes
 * from.
 */
#ifndef MUSUBI_CHECK_EFFECTIVE_H
#define MUSUBI_CHECK_EFFECTIVE_H

#include <stdio.h>

#include "check/check.h"
#include "daemon/keeper/configuration.h"

/*
 * Writes each Tunnel with all that holds for it, in the order of the running-config: the lines of the Tunnel,
 * its profile, the default profile and the defaults (R21), as they would stand under the Tunnel; then the
 * keys that it uses, as they stand in config mode, without the secrets. Before each stands where it comes
 * from. `file` is the name of the config. Tunnels whose keys memory did not suffice for lack them.
 */
void effective_print(const struct configuration *configuration, const char *file, FILE *out);

/* The same for the file at `path`. If it has errors they are printed instead; why it can't be read goes to
 * `errors`. */
enum check_result effective_print_file(const char *path, FILE *out, FILE *errors);

#endif
