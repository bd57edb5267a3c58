/*
 * The domain names of peers, and what is known of their addresses (R41, S19). Each name is looked up at once
 * when it comes into use, and again every TTL seconds, but no sooner than 10 and no later than 60 seconds
 * after the answer; once for all who use it with the same family. A lookup that fails (timeout, SERVFAIL,
 * no server reached) changes nothing.
 *
 * It has no clock and no network: struct peer_names_host lends it both.
 */
#ifndef MUSUBI_DAEMON_KEEPER_PEER_NAMES_H
#define MUSUBI_DAEMON_KEEPER_PEER_NAMES_H

#include <sys/queue.h>

#include "base/address.h"
#include "base/deadline.h"
#include "base/map.h"
#include "config/policy.h"
#include "host/resolver.h"
#include "ike/ike.h"

struct peer_names;
struct tunnel_name;

/* What is known of one family's addresses. */
struct peer_name_family {
    struct peer_name *name;
    enum ip_family family;
    struct ip_address addresses[RESOLVER_ADDRESSES_MAX];
    size_t count;
    void *question;                /* under way; else NULL */
    enum resolver_outcome outcome; /* of the last answer */
    const char *reason;
    uint32_t ttl; /* seconds */
};

struct peer_name {
    struct deadline
        due; /* of the next lookup; unset while one is under way. Stands first: what the heap has */
    struct peer_names *names;
    struct peer_name *next; /* with the same hash */
    LIST_ENTRY(peer_name) link;
    uint64_t hash;
    size_t users;
    TAILQ_HEAD(, tunnel_name) tunnels; /* the users, for those who use it; peer_names.c adds none */
    struct peer_name_family families[2];
    size_t family_count; /* 1, or 2: IPv4, then IPv6 */
    bool changed;        /* which is not told yet */
    bool failing;        /* PEER_NAME_FAILING is the last that was told */

    char text[FQDN_SIZE];
    enum ip_family family; /* which one is wanted; IP_NONE: both, IPv4 first */
    const char *problem;   /* why there is no address, or why the last lookup failed; NULL: neither */
};

enum peer_name_news {
    PEER_NAME_CHANGED,    /* it has other addresses than before, in whatever order; at least one */
    PEER_NAME_UNRESOLVED, /* it has no address, or none yet, for a reason not told before: peer_name.problem
                           */
    PEER_NAME_FAILING,    /* the lookup failed, so the addresses stay: peer_name.problem */
    PEER_NAME_ANSWERED,   /* lookups fail no more; the addresses are the same */
};

/* None of the functions may use or release a name. */
struct peer_names_host {
    /* Milliseconds. */
    msec_t (*now)(void *context);
    /* As resolver_ask and resolver_cancel: the answer comes later. NULL if memory ran out. */
    void *(*ask)(void *context, const char *name, enum ip_family family, resolver_answered *answered,
                 void *answered_context);
    void (*cancel)(void *context, void *question);
    /* Something has changed. */
    void (*news)(void *context, const struct peer_name *name, enum peer_name_news news);
    /* An answer has been taken in, after its news; `over`: it was the last one of a lookup. */
    void (*answered)(void *context, const struct peer_name *name, bool over);
    void *context;
};

struct peer_names {
    struct peer_names_host host;
    struct map by_hash;
    LIST_HEAD(, peer_name) all;
    struct deadline_heap deadlines;
    size_t under_way; /* lookups */
};

enum {
    PEER_NAME_LOOKUPS_MAX = 256, /* at the same time, but for those that are asked for at once */
    PEER_NAME_INTERVAL_MIN = 10, /* seconds */
    PEER_NAME_INTERVAL_MAX = 60,
};

struct peer_names peer_names_of(const struct peer_names_host *host);

/* Frees all names, whoever uses them. */
void peer_names_clear(struct peer_names *names);

/*
 * Begins to use a name: its first lookup is due. The same for the same name (in whatever case, with or
 * without a final dot) and family. NULL if memory ran out.
 */
struct peer_name *peer_names_use(struct peer_names *names, const char *text, enum ip_family family);

/* Ends the use of a name, which may be NULL. */
void peer_names_release(struct peer_name *name);

/* True if peer_names_use would return `name` for these. */
bool peer_name_is(const struct peer_name *name, const char *text, enum ip_family family);

/* Starts the lookups that are due. peer_names_due says when it is to be called next; MSEC_NEVER: never. */
void peer_names_handle(struct peer_names *names);
msec_t peer_names_due(const struct peer_names *names);

/* Looks a name up now; one that is under way will do. False if memory ran out. */
bool peer_names_look_up(struct peer_name *name);

/* Ends the lookups under way, unanswered, and makes all names due: the name servers have changed. */
void peer_names_begin_anew(struct peer_names *names);

/* The addresses of a name, IPv4 before IPv6; none if it is not resolved. Returns their number. */
size_t peer_name_addresses(const struct peer_name *name, struct ip_address out[IKE_PEER_ADDRESSES_MAX]);

/* True if the name has the address. */
bool peer_name_has(const struct peer_name *name, const struct ip_address *address);

#endif
