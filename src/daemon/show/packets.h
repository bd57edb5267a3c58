/*
 * `show ip napt`, `show ip access-list` and `show ipv6 access-list`: what the config says of them, and what
 * has been counted.
 */
#ifndef MUSUBI_DAEMON_SHOW_PACKETS_H
#define MUSUBI_DAEMON_SHOW_PACKETS_H

#include "config/host_settings.h"
#include "daemon/ipc/text.h"
#include "host/packet_counters.h"

/* Appends the interfaces with NAPT. */
void show_napt(const struct host_settings *settings, const struct packet_counts *counts, struct text *out);

/* Appends the access lists of a family, and the interfaces that filter by them; or the list `name` alone. */
void show_access_lists(const struct host_settings *settings, const struct packet_counts *counts,
                       enum ip_family family, const char *name, struct text *out);

#endif
