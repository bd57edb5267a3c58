/*
 * Loads an IKEv2 responder with negotiations: one engine that is many initiators, each with a tunnel of its
 * own, at one address. A client begins, is up when its IKE SA and Child SA are, deletes them, and begins
 * again.
 */
#ifndef MUSUBI_BENCH_LOAD_H
#define MUSUBI_BENCH_LOAD_H

#include "config/policy.h"
#include "ike/ike.h"

struct load_settings {
    struct ip_address local; /* the peer's is in the policy */
    /* Of each client, but for the number and `#` in its IDs (key IDs, domain names, mail addresses), in place
     * of which the client's number stands. */
    struct tunnel_policy policy;
    struct octets key; /* pre-shared, of both ends */
    /* The first client's traffic selector, the next one has the address behind it, and so on; family IP_NONE:
     * as the policy says. */
    struct ip_address first_local_ts;
    uint32_t first_number; /* the first client's */
    uint32_t at_once;      /* negotiations that are under way at the same time, at least 1 */
    uint32_t count;        /* negotiations in all; 0: no bound */
    uint64_t duration;     /* milliseconds after which none begins; 0: no bound */
    bool keep;             /* SAs stay, and each client negotiates once; needs `count` */
};

struct load_result {
    uint64_t begun, established, failed;
    double seconds;          /* from the first beginning to the last negotiation that ended */
    double *latencies;       /* of those established, in milliseconds, in order of size; free it */
    uint64_t retransmitted;  /* requests that were sent more than once */
    char first_failure[256]; /* what the engine said of the first one that failed; empty: nothing */
};

/* Runs to the end. False, with a message on standard error, if it can't be begun. */
bool load_run(const struct load_settings *settings, struct load_result *out);

#endif
