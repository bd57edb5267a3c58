/*
 * The byte form of an IKE SA's state, with its Child SAs: what outlives every process. It has a version and
 * no pointers; the next version of Musubi can read it, and so can the shows.
 */
#ifndef MUSUBI_IKE_RECORD_H
#define MUSUBI_IKE_RECORD_H

#include "ike/ike_sa.h"

enum { IKE_RECORD_VERSION = 1, IKE_RECORD_CHILDREN_MAX = 32 };

/* A Child SA as recorded. */
struct ike_child_record {
    uint16_t encryption, key_bits, integrity, dh; /* IANA numbers */
    bool initiator, installed, replaced, deleting, lingering;
    uint32_t live_slot;
    msec_t created, expires;
    struct ike_child_direction inbound, outbound;
    struct selector_list local_ts, remote_ts;
};

/* An IKE SA as recorded. Octets point into the record that it was read from. */
struct ike_record {
    uint32_t serial, tunnel;
    bool has_tunnel;
    enum ike_sa_state state;
    bool initiator, replaced, nat_local, nat_remote, encapsulate, fragmentation;
    uint64_t spi_i, spi_r;
    struct ip_endpoint local, remote;
    uint32_t ifindex, mark;
    uint16_t encryption, key_bits, integrity, prf, dh; /* IANA numbers; encryption 0: no keys yet */
    struct ike_keys keys;
    struct identity local_id, remote_id;
    uint32_t request_id, expected_id;
    uint64_t gcm_iv;
    msec_t created, expires;
    struct octets request;  /* under way; none: no request is out */
    struct octets response; /* to the peer's last request */
    size_t child_count;
    struct ike_child_record children[IKE_RECORD_CHILDREN_MAX];
};

/* Writes the record of an IKE SA. */
void ike_record_write(const struct ike_sa *sa, struct writer *w);

/* Reads a record. False if it is not one, or of another version; then nothing in `out` is to be used. */
bool ike_record_read(struct octets state, struct ike_record *out);

#endif
