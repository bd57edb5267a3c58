/*
 * Why a Tunnel is down, in the words of `show interfaces`: the first cause, with the line of the config that
 * it has to do with.
 */
#ifndef MUSUBI_DAEMON_KEEPER_TUNNEL_PROBLEM_H
#define MUSUBI_DAEMON_KEEPER_TUNNEL_PROBLEM_H

#include "daemon/keeper/tunnel_table.h"

/* Where the causes are looked for. */
struct tunnel_problem_sources {
    const struct configuration *configuration;
    const struct port_table *ports;
    const struct inventory *inventory;
};

/* Appends the cause; nothing if the Tunnel is up. */
void tunnel_problem_print(const struct tunnel_problem_sources *from, const struct tunnel *tunnel,
                          struct text *out);

#endif
