/*
 * The tunnels that the keeper knows, in the order of the config, and what it knows of each.
 */
#ifndef MUSUBI_DAEMON_KEEPER_TUNNEL_TABLE_H
#define MUSUBI_DAEMON_KEEPER_TUNNEL_TABLE_H

#include "base/map.h"
#include "daemon/keeper/interface_news.h"
#include "daemon/keeper/tunnel_names.h"
#include "daemon/keeper/tunnel_routes.h"
#include "daemon/keeper/used_keys.h"
#include "daemon/show/summary.h"
#include "daemon/state/history.h"
#include "daemon/state/shared.h"

/* How far a tunnel is with the path. */
enum tunnel_stage {
    TUNNEL_WITHOUT_DEVICE, /* Linux has no TUN device for it (yet) */
    TUNNEL_ADDING,         /* the path has been asked */
    TUNNEL_THERE,          /* the path has it, the engine knows its policy and its route */
    TUNNEL_REFUSED,        /* by the path */
};

/* Why the last negotiation of a tunnel failed that has had no SA since. */
struct tunnel_failure {
    enum ike_step step;
    time_t at;
    time_t since; /* when negotiations began to fail at this step */
    size_t count; /* how many have since */
    char *text;   /* tame; NULL: none has */
};

/* Changed by tunnels.c; others read it. */
struct tunnel {
    struct tunnel_policy policy; /* its number never changes */
    struct path_tunnel settings; /* as the path has them, or is to have them */
    uint32_t slot;               /* a small number: of its totals, and for esp/owner.h; tunnel_table.c's */
    time_t configured;           /* when its policy became what it is */
    enum tunnel_stage stage;
    bool is_told; /* the engine knows its policy */
    bool has_sa;
    enum host_tunnel_use use; /* as last set */
    bool leaving;             /* not in the config any more; its SAs are being deleted (S4) */
    bool kept;                /* by the config that is being applied */
    struct tunnel_route route;
    struct route_links links; /* as its route follows them */
    struct tunnel_name name;  /* of the peer */
    size_t place;             /* in the table, when that is sorted */
    struct history history;
    struct tunnel_failure failure;
    struct used_keys used_keys;
    enum summary_state summary; /* as last noted, and since when it holds; tunnel_summary.h's */
    time_t summary_since;       /* 0: not noted yet */
    struct told_interface told; /* what the log has told of it; interface_watch.c's */
    struct path_totals cleared; /* the totals at the last `clear ikev2 statistics`; tunnel_table.c's */
};

struct tunnel_table {
    struct tunnel **tunnels;
    size_t count, room;
    struct map by_number;
    const struct live_area *live;
    bool *slot_taken;
    uint32_t lowest_free_slot; /* there is none below */
};

/* An empty table. The live area stays the caller's and has to outlive it. False if memory ran out. */
bool tunnel_table_open(struct tunnel_table *table, const struct live_area *live);

/* Frees all. A zeroed table is left as it is. */
void tunnel_table_free(struct tunnel_table *table);

/* The tunnel of that number or name; NULL if there is none. */
struct tunnel *tunnel_table_find(const struct tunnel_table *table, uint32_t number);
struct tunnel *tunnel_table_find_name(const struct tunnel_table *table, const char *name);

/* Adds one that is zeroed but for its number and slot. NULL if memory ran out or all slots are taken. */
struct tunnel *tunnel_table_add(struct tunnel_table *table, uint32_t number);

/* Frees one and gives its slot back. */
void tunnel_table_remove(struct tunnel_table *table, struct tunnel *tunnel);

/* Puts them in the order of their `place`. */
void tunnel_table_sort(struct tunnel_table *table);

/* The tunnel's statistics since they were last cleared. */
struct path_totals tunnel_table_totals(const struct tunnel_table *table, const struct tunnel *tunnel);

/* Clears those of all tunnels. */
void tunnel_table_clear_totals(struct tunnel_table *table);

#endif
