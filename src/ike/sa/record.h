/*
 * The byte form of an IKE SA's state, with its Child SAs and what it is about to do: what outlives every
 * process. It has a version and no pointers; the next version of Musubi can read it, and so can the shows.
 *
 * What is not in it: requests of the peer that are being worked on (the peer sends them again), fragments of
 * a message, datagrams that wait, our own request as long as it is not written.
 */
#ifndef MUSUBI_IKE_SA_RECORD_H
#define MUSUBI_IKE_SA_RECORD_H

#include "ike/sa/ike_sa.h"
#include "ike/sa/negotiation.h"

enum {
    IKE_RECORD_VERSION = 3,
    IKE_RECORD_CHILDREN_MAX = 32,
    IKE_RECORD_SLOTS_MAX = 1 << 20, /* of struct esp_live */
    IKE_RECORD_TASKS_MAX = 2 * IKE_RECORD_CHILDREN_MAX + 8,
};

/* A Child SA as recorded. */
struct ike_child_record {
    struct ike_suite suite;
    bool initiator, installed, replaced, deleting, lingering, stopped, waits_for_use;
    uint32_t live_slot;
    msec_t created, expires;
    msec_t lifetime_due, rekey_due; /* of its timers; MSEC_NEVER: not set */
    struct child_direction inbound, outbound;
    struct selector_list local_ts, remote_ts;
};

struct ike_task_record {
    uint8_t number; /* enum ike_task_number */
    uint32_t spi;
};

/* Our own CREATE_CHILD_SA under way. */
struct ike_negotiation_record {
    struct negotiation negotiation; /* but for its nonces */
    struct octets nonce_i, nonce_r;
};

/* An IKE SA as recorded. Octets point into the record that it was read from. */
struct ike_record {
    uint32_t serial, tunnel;
    bool has_tunnel;
    enum ike_sa_state state;
    bool initiator, initial_contact, replaced, nat_local, nat_remote, encapsulate, fragmentation;
    uint64_t superfluous, predecessor;
    uint64_t spi_i, spi_r;
    struct ip_endpoint local, remote;
    struct ip_address peer_address;
    uint32_t ifindex, mark, arrival_ifindex;
    struct ike_suite suite; /* encryption NULL: no keys yet */
    struct ike_keys keys;
    struct octets nonce_i, nonce_r;
    struct identity local_id, remote_id;
    uint32_t request_id, expected_id;
    uint64_t gcm_iv;
    msec_t created, expires;
    msec_t lifetime_due, rekey_due; /* of its timers; MSEC_NEVER: not set */
    uint64_t started_event, established_event;
    bool begun_here;
    enum child_scope child_scope; /* of struct additional_children, as the next two */
    bool first_child_is_ours;
    uint8_t families_refused;
    struct octets delete_reason;
    struct octets request;  /* of the first task, under way; none: no request is out */
    struct octets response; /* to the peer's last request */
    size_t task_count;
    struct ike_task_record tasks[IKE_RECORD_TASKS_MAX];
    bool has_own;
    struct ike_negotiation_record own;
    size_t child_count;
    struct ike_child_record children[IKE_RECORD_CHILDREN_MAX]; /* newest first */
};

/* Writes the record of an IKE SA. */
void ike_record_write(const struct ike_sa *sa, struct writer *w);

/* Reads a record. False if it is not one, or of another version; then nothing in `out` is to be used. */
bool ike_record_read(struct octets state, struct ike_record *out);

#endif
