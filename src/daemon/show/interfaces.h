/*
 * `show interfaces`: the config's interfaces, whether they are up, and of a Tunnel why not.
 */
#ifndef MUSUBI_DAEMON_SHOW_INTERFACES_H
#define MUSUBI_DAEMON_SHOW_INTERFACES_H

#include "daemon/keeper/inside.h"

/* Appends the interface `name`, or all if it is NULL. */
void show_interfaces(const struct keeper *keeper, const char *name, struct text *out);

#endif
