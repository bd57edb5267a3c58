/*
 * One proposal of an SA payload, as a peer wrote it (RFC 7296 3.3.1 to 3.3.5).
 */
#ifndef MUSUBI_IKE_WIRE_OFFER_H
#define MUSUBI_IKE_WIRE_OFFER_H

#include "ike/wire/message.h"
#include "ike/wire/suite.h"

/* Values of the first octet of proposals and transforms: whether another one follows. */
enum { SUBSTRUCTURE_LAST = 0, SUBSTRUCTURE_MORE_PROPOSALS = 2, SUBSTRUCTURE_MORE_TRANSFORMS = 3 };

enum { OFFER_FOREIGN_MAX = 16 };

/* A transform that Musubi does not support. */
struct foreign_transform {
    uint8_t type; /* enum transform_type, or another */
    uint16_t id;
    uint16_t key_bits; /* 0: no Key Length */
};

/* What a proposal offers: the rows that Musubi knows, and what else matters for a choice. */
struct offer {
    uint8_t number;
    uint8_t protocol;
    struct octets spi;
    struct proposal_policy known;
    uint8_t counts[TRANSFORM_ESN + 1]; /* of transforms of each type, known or not */
    bool integrity_none, esn_none;
    bool unknown_type; /* a transform type that nobody here understands: the proposal cannot be used */
    uint8_t foreign_count;
    bool more_foreign; /* there were others, for which there was no room */
    struct foreign_transform foreign[OFFER_FOREIGN_MAX];
};

/*
 * Reads the next proposal of an SA payload's content. False if it is malformed. `*more` tells whether another
 * one follows.
 */
bool offer_read(struct reader *r, struct offer *offer, bool *more);

#endif
