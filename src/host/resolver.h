/*
 * Addresses of names, asked of name servers (RFC 1035, RFC 3596), on the caller's libuv loop: nothing here
 * waits. One question is for one family. Names are complete; neither hosts(5) nor a search list
 * is used, as on a router.
 *
 * c-ares does the work: questions go by UDP, from a port of its own choosing, to port 53 of the first server,
 * then the next ones, three times round, and by TCP when an answer was cut short.
 */
#ifndef MUSUBI_HOST_RESOLVER_H
#define MUSUBI_HOST_RESOLVER_H

#include <uv.h>

#include "base/address.h"

enum {
    RESOLVER_ADDRESSES_MAX = 16, /* of one answer; more are left out */
};

enum resolver_outcome {
    RESOLVER_FOUND,  /* at least one address */
    RESOLVER_ABSENT, /* a server says that there is no such name, or no address of the family */
    RESOLVER_FAILED, /* nobody could say */
};

struct resolver_answer {
    enum resolver_outcome outcome;
    struct ip_address addresses[RESOLVER_ADDRESSES_MAX]; /* in the order of the answer */
    size_t count;
    uint32_t ttl;       /* seconds: the least of all records that led to them */
    const char *reason; /* of the other two outcomes, in a few words; lasts for ever */
};

struct resolver;

/* A question that has not been answered yet. */
struct resolver_question;

/*
 * Receives the answer, which ends the question. Never called before resolver_ask has returned. It may
 * ask, cancel, and change the servers.
 */
typedef void resolver_answered(void *context, const struct resolver_answer *answer);

/* A resolver that asks the servers of resolv.conf(5). NULL if memory ran out. */
struct resolver *resolver_new(uv_loop_t *loop);

/*
 * Ends it: its questions are not answered any more. Memory is freed when the loop has run once again.
 * `resolver` may be NULL.
 */
void resolver_free(struct resolver *resolver);

/*
 * Asks these servers from now on, in this order; if there are none, those of resolv.conf, whose changes are
 * noticed. True if they are others than before: then the open questions end as RESOLVER_FAILED. If memory
 * runs out nothing changes.
 */
bool resolver_set_servers(struct resolver *resolver, const struct ip_address *servers, size_t count);

/* Asks for the addresses of `family` (IP_V4 or IP_V6). NULL if memory ran out. */
struct resolver_question *resolver_ask(struct resolver *resolver, const char *name, enum ip_family family,
                                       resolver_answered *answered, void *context);

/* The answer is not wanted any more. */
void resolver_cancel(struct resolver_question *question);

#endif
