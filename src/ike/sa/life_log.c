#include "ike/sa/life_log.h"

#include "ike/sa/ike_sa.h"
#include "ike/wire/identity.h"
#include "ike/wire/proposal_text.h"

#include <stdio.h>
#include <string.h>

enum {
    REFUSED_WITHIN =
        3000, /* milliseconds after it was established; if the SA ends later it was not refused */
    PEER_TEXT_SIZE = IDENTITY_TEXT_SIZE + IP_TEXT_SIZE,
};

/* The peer as it is remembered: by its ID and its address. Its port may be another one each time. */
static const char *peer_of(const struct ike_sa *sa, char out[PEER_TEXT_SIZE])
{
    char id[IDENTITY_TEXT_SIZE];
    char address[IP_TEXT_SIZE];
    const struct identity peer = identity_kept(&sa->remote_id);
    (void)snprintf(out, PEER_TEXT_SIZE, "%s %s", identity_format(&peer, id),
                   ip_address_format(&sa->remote.address, address));
    return out;
}

static bool is_young(const struct ike_sa *sa)
{
    return sa->engine->now - sa->created <= REFUSED_WITHIN;
}

/* True if the tunnel has another IKE SA, which the peer has accepted: it refuses only one of several. */
static bool has_other(const struct ike_sa *sa)
{
    const struct ike_sa *other;
    LIST_FOREACH(other, &sa->tunnel->sas, tunnel_link)
    {
        if (other != sa && other->state == IKE_SA_ESTABLISHED && !other->replaced)
            return true;
    }
    return false;
}

enum log_level life_log_level(const struct ike_sa *sa)
{
    char peer[PEER_TEXT_SIZE];
    if (!is_young(sa))
        return LOG_LEVEL_WARN;
    const struct ike_tunnel *tunnel = sa->tunnel;
    bool was_refused = repeated_failure_is_known(tunnel->refused_peers, REFUSED_PEERS_MAX, peer_of(sa, peer),
                                                 sa->engine->now);
    return was_refused ? LOG_LEVEL_INFO : LOG_LEVEL_WARN;
}

static void tell_created(const struct ike_sa *sa, enum log_level level)
{
    char endpoints[2 * IP_TEXT_SIZE];
    char id[IDENTITY_TEXT_SIZE];
    char suite[SUITE_TEXT_SIZE];
    const struct identity peer = identity_kept(&sa->remote_id);
    ike_sa_log(sa, level, LOG_IKEV2, "IKE SA created, serial %u, with %s on %s, %s", sa->serial,
               identity_format(&peer, id), ike_sa_endpoints(sa, endpoints),
               ike_suite_format(&sa->suite, suite));
}

void life_log_created(struct ike_sa *sa)
{
    enum log_level level = life_log_level(sa);
    tell_created(sa, level);
    if (level != LOG_LEVEL_WARN)
        engine_set_timer(sa->engine, &sa->stays, REFUSED_WITHIN);
}

void life_log_stays_fire(struct ike_engine *engine, void *owner)
{
    struct ike_sa *sa = owner;
    (void)engine;
    if (sa->state != IKE_SA_ESTABLISHED || sa->replaced)
        return;
    memset(sa->tunnel->refused_peers, 0, sizeof sa->tunnel->refused_peers);
    tell_created(sa, LOG_LEVEL_WARN);
}

void life_log_deleted(struct ike_sa *sa, const char *reason)
{
    bool is_refusal = sa->refused && !sa->replaced && is_young(sa) && !has_other(sa);
    enum log_level level = sa->replaced ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARN;
    char peer[PEER_TEXT_SIZE];
    char again[REPEATED_TEXT_SIZE];
    uint32_t more = 0;
    if (is_refusal && !repeated_failure_is_told(sa->tunnel->refused_peers, REFUSED_PEERS_MAX,
                                                peer_of(sa, peer), sa->engine->now, &more))
        level = LOG_LEVEL_INFO;
    ike_sa_log(sa, level, LOG_IKEV2, "IKE SA deleted, serial %u: %s%s", sa->serial, reason,
               repeated_failure_text(more, again));
}
