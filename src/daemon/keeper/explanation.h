/*
 * What `show ikev2 explain` says of a tunnel (daemon/show/explain.h), from all that the keeper knows.
 */
#ifndef MUSUBI_DAEMON_KEEPER_EXPLANATION_H
#define MUSUBI_DAEMON_KEEPER_EXPLANATION_H

#include "daemon/keeper/commands.h"
#include "daemon/show/sa_list.h"

/* Appends it. The entries are those of the tunnel, as sa_list_of returns them. */
void explanation_print(const struct commands *commands, const struct tunnel *tunnel,
                       const struct sa_list_entry *entries, size_t count, struct text *out);

#endif
