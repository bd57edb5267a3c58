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

/* What keeps a Tunnel down, in the order in which the causes are looked for. */
enum tunnel_problem {
    TUNNEL_PROBLEM_NONE,
    TUNNEL_PROBLEM_SHUTDOWN,
    TUNNEL_PROBLEM_GAP, /* in its config */
    TUNNEL_PROBLEM_DEVICE,
    TUNNEL_PROBLEM_PATH,
    TUNNEL_PROBLEM_ROUTE, /* to the peer */
    TUNNEL_PROBLEM_WAITS, /* it has no SA, and the peer has to begin */
    TUNNEL_PROBLEM_NO_SA,
};

/* The first cause; costs next to nothing. */
enum tunnel_problem tunnel_problem_of(const struct tunnel *tunnel);

/* The port that is the cause of a TUNNEL_PROBLEM_ROUTE, as the command language names it; NULL if it is none.
 * The result lasts as long as the configuration and the tunnel. */
const char *tunnel_problem_port(const struct tunnel_problem_sources *from, const struct tunnel *tunnel);

/* Appends that the port is down, unless the text `said` names it already, or `port` is NULL. `said` may be
 * part of `out`. */
void tunnel_problem_print_port(const char *port, const char *said, struct text *out);

/* Appends the cause; nothing if the Tunnel is up. */
void tunnel_problem_print(const struct tunnel_problem_sources *from, const struct tunnel *tunnel,
                          struct text *out);

#endif
