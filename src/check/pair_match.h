/*
 * Which tunnels of several files face each other, and the addresses between which they do.
 */
#ifndef MUSUBI_CHECK_PAIR_MATCH_H
#define MUSUBI_CHECK_PAIR_MATCH_H

#include "check/pair_end.h"

/* One end of a pair: a tunnel, and where it is. */
struct pair_side {
    struct pair_end *end;
    struct pair_tunnel *tunnel;
    struct pair_address address; /* of this side; line 0: no line of its file says so */
    bool is_assigned;            /* its file does not say which: it was given one */
};

struct pair {
    struct pair_side side[2]; /* the files in the order in which they were given */
};

/* Zeroed: none. */
struct pair_list {
    struct pair *items;
    size_t count;
};

/*
 * Pairs the tunnels of `count` ends: those whose addresses and IDs fit best come first, each is in one pair
 * at most, and two of one end never. Two tunnels of which nothing fits are paired only if they are all that
 * the two files have. Ends without addresses are given some. False if memory ran out.
 */
bool pair_match(struct pair_end *ends, size_t count, struct pair_list *out);
void pair_list_free(struct pair_list *list);

/* The ID by which a side proves itself: the configured one, or its address (S17). */
struct identity pair_local_id(const struct pair_side *side);

/* False if the peer of `side` is a name for addresses of one family, and the other side's is of the other
 * one. */
bool pair_name_fits(const struct pair_side *side, const struct pair_side *other);

#endif
