/*
 * The byte form of the state of an IKE SA, with its Child SAs and its tasks: what outlives every process. It
 * has no pointers; the next version of Musubi can read it, and so can the shows.
 *
 * A record is a header and sections, all numbers in network byte order:
 *
 *   header   octets  since
 *            4       4      version of the form that the record was written in
 *            4       4      oldest version whose readers understand it; older ones refuse it
 *            1, 4    4      whether it has a tunnel; the tunnel's number
 *            4       4      octets of all sections together
 *   section  1       4      enum ike_record_section
 *            4       4      octets that follow
 *            ...            fields, as below
 *
 * Sections come in the order of their numbers, each once at most, except SECTION_CHILD_SA. A new version adds
 * fields at the end of a section, or sections with new numbers. An older reader skips both; a newer reader of
 * an old record takes zeros for them. So the two versions in the header differ, unless an older reader would
 * go wrong without what is new. Nothing else of the form ever changes.
 *
 *   section      fields                                              octets          since
 *   MACHINE (1)  clock epoch                                         8               4
 *                serial                                              4               4
 *                whether the route is known; interface index, fwmark 1, 4, 4         4
 *                arrival interface index                             4               4
 *                numbers of the events: started, established         8, 8            4
 *                Child SAs, their number, then of each:              1               4
 *                  slot of the live area, serials in and out         4, 4, 4         4
 *   IKE_SA (2)   state                                               1               4
 *                flags, a bit each (record.c)                        2               4
 *                SPIs of initiator and responder                     8, 8            4
 *                own SPIs: superfluous, predecessor                  8, 8            4
 *                endpoints: local, remote (family, address, port)    19, 19          4
 *                address of the peer (family, address)               17              4
 *                IDs: local, remote (type, length, value)            3 + n, 3 + n    4
 *                message IDs: of our requests, of the peer's         4, 4            4
 *                times: created, expires, lifetime, rekey            8 each          4
 *                scope of Child SAs, families refused                1, 1            4
 *                reason of the deletion (length, text)               4 + n           4
 *                error notify that goes along with DELETE, or 0     2               5
 *   KEYS (3)     suite (encryption, key bits, integrity, PRF, DH)    2 each          4
 *                SK_d, SK_ai, SK_ar, SK_ei, SK_er, SK_pi, SK_pr      2 + n each      4
 *                nonces of initiator and responder                   4 + n each      4
 *                next IV of a GCM key of ours                        8               4
 *   MESSAGES (4) our request under way, our last response            4 + n each      4
 *                tasks, their number, then kind and SPI of each      1, (1 + 4) n    4
 *   NEGOTIATION (5): our CREATE_CHILD_SA under way, see record.c                     4
 *   CHILD_SA (6) suite; flags, a bit each (record.c)                 10, 2           4
 *                times: created, expires, lifetime, rekey            8 each          4
 *                inbound, outbound: SPI, keys                        4 + 2 + n + 2 + n each  4
 *                selectors: local, remote (number, then 41 each)     1 + n each      4
 *
 * SECTION_MACHINE has meaning on this machine alone. The rest is enough for another machine that has the
 * tunnel in its config to continue with the IKE SA; a copy for another machine leaves that section out. Times
 * are Unix time in milliseconds, which all machines share more or less. The epoch is the Unix time at which
 * this machine's clock (CLOCK_BOOTTIME) was 0: with it times of this machine's clock are read without an
 * error, even after a step of its wall clock. Another machine does not have the sequence numbers of the Child
 * SAs, which are in the live area: it sends nothing by them, and rekeys them at once.
 *
 * Not in a record are requests of the peer that are being answered (the peer sends them again), fragments of
 * a message, datagrams that wait, and our own request while it is not written.
 */
#ifndef MUSUBI_IKE_SA_RECORD_H
#define MUSUBI_IKE_SA_RECORD_H

#include "ike/sa/ike_sa.h"
#include "ike/sa/negotiation.h"

enum {
    IKE_RECORD_VERSION = 5,        /* that is written */
    IKE_RECORD_READABLE_FROM = 4,  /* the oldest one whose readers understand what is written */
    IKE_RECORD_OLDEST_VERSION = 4, /* that can be read; those before had no sections */
    IKE_RECORD_CHILDREN_MAX = 32,
    IKE_RECORD_SLOTS_MAX = 1 << 20, /* of struct esp_live */
    IKE_RECORD_TASKS_MAX = 2 * IKE_RECORD_CHILDREN_MAX + 8,
};

/* As records have them: a number never gets another meaning. */
enum ike_record_section {
    SECTION_MACHINE = 1,
    SECTION_IKE_SA = 2,
    SECTION_KEYS = 3,
    SECTION_MESSAGES = 4,
    SECTION_NEGOTIATION = 5,
    SECTION_CHILD_SA = 6,
};

/* A Child SA as recorded. */
struct ike_child_record {
    struct ike_suite suite;
    bool initiator, installed, replaced, deleting, lingering, stopped, waits_for_use;
    uint32_t live_slot; /* of this machine, as the serials of both directions */
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
    uint32_t version;
    uint32_t tunnel;
    bool has_tunnel;

    /* Of this machine. False: of another one, and all of this, also of the Child SAs, is 0. */
    bool of_this_machine;
    uint32_t serial;
    bool route_unknown;
    uint32_t ifindex, mark, arrival_ifindex;
    uint64_t started_event, established_event;
    size_t machine_child_count; /* of the Child SAs in the machine's section */

    enum ike_sa_state state;
    bool initiator, initial_contact, replaced, nat_local, nat_remote, encapsulate, fragmentation;
    bool source_moved, address_lost;
    uint64_t superfluous, predecessor;
    uint64_t spi_i, spi_r;
    struct ip_endpoint local, remote;
    struct ip_address peer_address;
    struct ike_suite suite; /* encryption NULL: no keys yet */
    struct ike_keys keys;
    struct octets nonce_i, nonce_r;
    struct identity local_id, remote_id;
    uint32_t request_id, expected_id;
    uint64_t gcm_iv;
    msec_t created, expires;        /* all times are of the reader's clock; 0: before it began */
    msec_t lifetime_due, rekey_due; /* of its timers; MSEC_NEVER: not set */
    bool begun_here;
    enum child_scope child_scope; /* of struct additional_children, as the next two */
    bool first_child_is_ours;
    uint8_t families_refused;
    struct octets delete_reason;
    uint16_t delete_notify;
    struct octets request;  /* of the first task, under way; none: no request is out */
    struct octets response; /* to the peer's last request */
    size_t task_count;
    struct ike_task_record tasks[IKE_RECORD_TASKS_MAX];
    bool has_own;
    struct ike_negotiation_record own;
    size_t child_count;
    struct ike_child_record children[IKE_RECORD_CHILDREN_MAX]; /* newest first */
};

/* What comes of reading. */
enum ike_record_result {
    IKE_RECORD_READ,
    IKE_RECORD_TOO_NEW, /* of a version that this one cannot read; `version` is set */
    IKE_RECORD_TOO_OLD,
    IKE_RECORD_DAMAGED, /* a length, number or value is invalid */
};

/* Writes the record of an IKE SA. `epoch`: Unix time, in milliseconds, at which the engine's clock was 0. */
void ike_record_write(const struct ike_sa *sa, uint64_t epoch, struct writer *w);

/*
 * Reads a record. `epoch`: Unix time, in milliseconds, at which the reader's clock was 0; it matters only for
 * records of other machines. Unless it is IKE_RECORD_READ, nothing in `out` is to be used but `version`.
 */
enum ike_record_result ike_record_read(struct octets state, uint64_t epoch, struct ike_record *out);

/* The tunnel of a record, without reading the rest. False if it has none, or can't be read. */
bool ike_record_tunnel(struct octets state, uint32_t *tunnel);

#endif
