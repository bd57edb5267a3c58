/*
 * Has two tunnels that face each other negotiate, by the real engine on virtual time (src/sim/): each end
 * begins that may, then each rekeys both SAs that may, and packets go both ways before and after. There is
 * no NAT between the two, and nothing is lost.
 */
#ifndef MUSUBI_CHECK_PAIR_PLAY_H
#define MUSUBI_CHECK_PAIR_PLAY_H

#include "check/pair_finding.h"
#include "check/pair_match.h"
#include "ike/wire/selectors.h"
#include "ike/wire/suite.h"

/* What two ends have agreed on. */
struct pair_agreement {
    struct ike_suite ike;
    struct ike_suite child;            /* its `dh` is that of a rekey */
    struct identity id[2];             /* of the pair's sides */
    struct selector_list selectors[2]; /* behind each side */
    size_t largest_inner, outer_mtu;   /* octets */
    bool encapsulated;                 /* ESP goes in UDP */
};

/* What comes of it when one of the two begins. */
enum pair_begin {
    BEGIN_NOT_TRIED, /* it cannot begin: `peer any`, its direction, a gap, or it is shut down */
    BEGIN_FAILS,
    BEGIN_CONNECTS,
};

struct pair_result {
    enum pair_begin begin[2];     /* by side */
    bool rekeys[2];               /* that side may rekey, and both SAs were rekeyed */
    bool connects;                /* an end can begin, and all that was tried went well */
    struct pair_agreement agreed; /* if `connects` */
    struct pair_findings findings;
};

/* Plays a pair; pair_result_free when done. False if memory ran out. */
bool pair_play(const struct pair *pair, struct pair_result *out);
void pair_result_free(struct pair_result *result);

/* True if a side may begin a negotiation. */
bool pair_may_begin(const struct pair_side *side);

#endif
