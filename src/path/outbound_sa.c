#include "path/outbound_sa.h"

#include "esp/owner.h"
#include "path/keepalive.h"
#include "path/tunnel.h"

/* Fewer numbers left than this are too few for long: 30 s at nine million packets a second. */
static const uint64_t sequence_low = UINT64_C(1) << 28;

void outbound_sa_count(struct worker *worker, struct outbound_sa *sa, enum esp_counter counter, uint64_t n)
{
    esp_live_count(esp_sa_live(sa->sa), counter, n);
    tunnel_count(worker, sa->tunnel, counter, n);
}

void outbound_sa_count_drop(struct worker *worker, struct outbound_sa *sa, enum path_drop drop, uint64_t n)
{
    esp_live_count(esp_sa_live(sa->sa), path_drop_counter(drop), n);
    tunnel_count_drop(worker, sa->tunnel, drop, n);
}

enum path_result outbound_sa_install(struct worker *worker, struct outbound_sa *sa,
                                     const struct outbound_settings *settings)
{
    if (!sa->installed) {
        if (!map_put(&worker->outbound_sas, sa->child_spi, sa) ||
            !map_put(&worker->outbound_by_spi, esp_sa_spi(sa->sa), sa))
            return PATH_NO_MEMORY;
        TAILQ_INSERT_HEAD(&sa->tunnel->sas, sa, link);
        sa->installed = true;
    }
    if (sa->more_to_come && !settings->more_to_come)
        outbound_sa_complete(worker, sa);
    sa->more_to_come = settings->more_to_come;
    sa->keepalive = settings->keepalive;
    sa->low_told = false;
    outbound_sa_redirect(worker, sa, settings);
    if (settings->active)
        outbound_sa_activate(worker, sa);
    return PATH_OK;
}

void outbound_sa_remove(struct worker *worker, struct outbound_sa *sa)
{
    if (map_find(&worker->outbound_by_spi, esp_sa_spi(sa->sa)) == sa)
        (void)map_remove(&worker->outbound_by_spi, esp_sa_spi(sa->sa));
    if (!sa->installed)
        return;
    sa->installed = false;
    keepalive_stop(worker, sa);
    path_mtu_stop(worker, sa);
    outbound_detach(&worker->outbound, sa);
    if (map_find(&worker->outbound_sas, sa->child_spi) == sa)
        (void)map_remove(&worker->outbound_sas, sa->child_spi);
    TAILQ_REMOVE(&sa->tunnel->sas, sa, link);
    path_mtu_follow(sa->tunnel);
}

void outbound_sa_activate(struct worker *worker, struct outbound_sa *sa)
{
    if (sa->stopped)
        return;
    sa->active = true;
    path_mtu_follow(sa->tunnel);
    sa->tunnel->asked = 0; /* that was answered; what still waits may ask for itself at once */
    sa->tunnel->outside_told = 0;
    tunnel_flush(worker, sa->tunnel);
}

void outbound_sa_stop(struct outbound_sa *sa)
{
    sa->stopped = true;
    sa->active = false;
    path_mtu_follow(sa->tunnel);
}

void outbound_sa_complete(struct worker *worker, struct outbound_sa *sa)
{
    sa->more_to_come = false;
    tunnel_flush(worker, sa->tunnel);
}

/*
 * SAs with the same destination, and with SPIs that lead to one worker of a peer that is a Musubi too: one of
 * its workers gets the whole message, and what it had to pass on to another one (stray.h) would come late.
 */
static uint64_t group_of(const struct outbound_sa *sa)
{
    const struct ip_endpoint *remote = &sa->destination.remote;
    uint64_t hash = hash_number(HASH_START, esp_spi_remainder(esp_sa_spi(sa->sa)));
    return hash_number(ip_address_hash(hash, &remote->address), remote->port);
}

void outbound_sa_redirect(struct worker *worker, struct outbound_sa *sa,
                          const struct outbound_settings *settings)
{
    outbound_detach(&worker->outbound, sa);
    sa->destination = settings->destination;
    sa->group = group_of(sa);
    outbound_sa_reroute(worker, sa, &settings->route);
    keepalive_start(worker, sa);
}

void outbound_sa_reroute(struct worker *worker, struct outbound_sa *sa, const struct path_route *route)
{
    sa->next_hop = route->next_hop;
    path_mtu_set_link(worker, sa, route->mtu);
}

void outbound_sa_watch_sequence(struct worker *worker, struct outbound_sa *sa)
{
    if (sa->low_told || esp_sa_sequences_left(sa->sa) > sequence_low)
        return;
    const struct path_event event = {
        .kind = PATH_SEQUENCE_LOW,
        .tunnel = sa->tunnel->number,
        .spi = sa->child_spi,
    };
    sa->low_told = worker_raise(worker, &event);
}

/* The inbound half of the live state is another worker's: it is looked at once a second, not for each packet.
 */
void outbound_sa_watch_answers(struct worker *worker, struct outbound_sa *sa)
{
    enum { LOOK_INTERVAL = 1000 }; /* milliseconds */
    msec_t now = worker->now;
    if (!sa->may_be_answered || (sa->unanswered_since != 0 && now - sa->answer_sought < LOOK_INTERVAL))
        return;
    struct esp_live *live = esp_sa_live(sa->sa);
    sa->answer_sought = now;
    sa->may_be_answered = false;
    msec_t heard = esp_live_heard(live);
    if (sa->unanswered_since == 0 || heard >= sa->unanswered_since) {
        sa->unanswered_since = sa->silence_told = now;
        return;
    }
    const struct path_event event = {
        .kind = PATH_UNANSWERED,
        .tunnel = sa->tunnel->number,
        .spi = sa->child_spi,
        .never_heard = heard == 0,
    };
    if (now - sa->silence_told < ESP_SILENCE)
        return;
    __atomic_store_n(&live->silent_since, sa->unanswered_since, __ATOMIC_RELAXED);
    if (worker_raise(worker, &event))
        sa->silence_told = now;
}
