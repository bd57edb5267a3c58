/* Proposals in the words of strongSwan ("aes256-sha256-modp2048") as sets of algorithms. */
#ifndef MUSUBI_CHECK_SWANCTL_PROPOSAL_H
#define MUSUBI_CHECK_SWANCTL_PROPOSAL_H

#include "config/policy.h"

struct swanctl_proposals {
    algorithm_set encryption, integrity, prf, dh;
    bool dh_none;      /* one of them has no group */
    unsigned usable;   /* those that could be read */
    char unusable[64]; /* a word of another one that Musubi does not have; "": none */
};

/* Reads a list with commas between. All proposals together make one set of each kind. */
struct swanctl_proposals swanctl_proposals_read(const char *list);

#endif
