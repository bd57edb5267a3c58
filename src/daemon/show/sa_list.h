/*
 * The IKE SAs whose state is recorded, sorted as the shows want them: by tunnel, the newest first.
 */
#ifndef MUSUBI_DAEMON_SHOW_SA_LIST_H
#define MUSUBI_DAEMON_SHOW_SA_LIST_H

#include "daemon/state/map.h"
#include "ike/sa/record.h"

struct sa_list_entry {
    uint32_t tunnel;
    uint32_t serial;
    uint32_t place; /* in the state map */
};

struct sa_list {
    struct sa_list_entry *entries;
    size_t count;
};

/*
 * Lists the SAs of the tunnel with that number, reading no other tunnel's records; 0: those of all tunnels.
 * False if memory ran out.
 */
bool sa_list_fill(struct sa_list *list, const struct state_map *records, uint32_t tunnel);

void sa_list_free(struct sa_list *list);

/* The entries of a tunnel: returns the first one, and how many. */
const struct sa_list_entry *sa_list_of(const struct sa_list *list, uint32_t tunnel, size_t *count);

/* Reads an entry's record, which points into `memory`; false if the SA has gone meanwhile. */
bool sa_list_read(const struct state_map *records, const struct sa_list_entry *entry,
                  struct state_record *memory, struct ike_record *out);

/*
 * Reads the entry that says most of the tunnel of these `count` entries, newest first: one that is
 * established and has Child SAs, else one that is established, else one that is being negotiated. As
 * sa_list_read; false too if all are being deleted.
 */
bool sa_list_read_best(const struct state_map *records, const struct sa_list_entry *entries, size_t count,
                       struct state_record *memory, struct ike_record *out);

#endif
