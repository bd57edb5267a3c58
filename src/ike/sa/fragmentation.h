/*
 * IKE message fragmentation (RFC 7383): a protected message that is too large for one datagram is sent in
 * several, each sealed by itself.
 */
#ifndef MUSUBI_IKE_SA_FRAGMENTATION_H
#define MUSUBI_IKE_SA_FRAGMENTATION_H

#include "ike/sa/ike_sa.h"

enum {
    /* Octets of an IKE message that fits a path of 1280 octets, with IPv6, UDP and non-ESP marker around it.
     */
    FRAGMENT_MESSAGE_MAX = 1280 - 40 - 8 - 4,
    FRAGMENTS_MAX = 64, /* of one message */
};

/* The fragments of a message of the peer, while some are missing. */
struct reassembly {
    uint32_t message_id;
    uint8_t first_payload;
    uint16_t total, count;
    size_t octets; /* of all parts so far */
    struct ike_buffer parts[FRAGMENTS_MAX];
};

/* Octets of a chain of payloads that one fragment carries with these algorithms. */
size_t fragmentation_room(const struct ike_suite *suite);

/*
 * Takes in a decrypted fragment. True if the message is whole: then its chain of payloads is in `whole`,
 * which must hold IKE_DATAGRAM_MAX octets, and `*chain` and `*chain_first` are set.
 */
bool fragmentation_take(struct ike_sa *sa, const struct ike_header *header, const struct ike_payload *skf,
                        uint8_t first_payload, struct octets text, uint8_t *whole, struct octets *chain,
                        uint8_t *chain_first);

/* Forgets the fragments so far, and frees their memory. */
void fragmentation_reset(struct ike_sa *sa);

#endif
