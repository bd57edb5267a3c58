#include "path/inbound_sa.h"

#include "esp/owner.h"

enum { MOVED_SILENCE = 1000 /* milliseconds between two PATH_PEER_MOVED of one SA */ };

void inbound_sa_count_drop(struct worker *worker, struct inbound_sa *sa, enum path_drop drop, uint64_t n)
{
    esp_live_count(esp_sa_live(sa->sa), path_drop_counter(drop), n);
    worker_count_drop(worker, sa->slot, drop, n);
}

enum path_result inbound_sa_install(struct worker *worker, struct inbound_sa *sa,
                                    const struct inbound_settings *settings)
{
    if (!sa->installed && !map_put(&worker->inbound_sas, sa->spi, sa))
        return PATH_NO_MEMORY;
    sa->installed = true;
    esp_sa_set_anti_replay(sa->sa, settings->anti_replay);
    sa->active_when_used = settings->active_when_used;
    sa->use_noted = false;
    sa->use_told = false;
    inbound_sa_redirect(sa, settings);
    return PATH_OK;
}

void inbound_sa_remove(struct worker *worker, struct inbound_sa *sa)
{
    sa->installed = false;
    if (map_find(&worker->inbound_sas, sa->spi) == sa)
        (void)map_remove(&worker->inbound_sas, sa->spi);
}

void inbound_sa_redirect(struct inbound_sa *sa, const struct inbound_settings *settings)
{
    sa->peer = settings->peer;
    sa->encapsulated = settings->encapsulated;
    sa->moved_told = 0;
}

/* The peer has the Child SA and uses it: so may we (RFC 7296 2.8). */
static void inbound_sa_note_use(struct worker *worker, struct inbound_sa *sa)
{
    if (!sa->active_when_used)
        return;
    const struct note note = {.kind = NOTE_CHILD_USED, .spi = sa->spi};
    const struct path_event event = {.kind = PATH_CHILD_USED, .tunnel = sa->tunnel, .spi = sa->spi};
    if (!sa->use_noted)
        sa->use_noted = worker_note(worker, esp_owner_outbound(sa->slot, worker->count), &note);
    if (!sa->use_told)
        sa->use_told = worker_raise(worker, &event);
    sa->active_when_used = !sa->use_noted || !sa->use_told;
}

/*
 * Tells the controller of a peer that sends from elsewhere, by the newest authenticated packet only (S9), and
 * only where the window has refused replays: with a copy of a packet anybody could move the peer (RFC 7296
 * 2.23). A peer that sends in the other form, raw or in UDP, has not moved: both are taken on any SA.
 */
static void inbound_sa_watch_peer(struct worker *worker, struct inbound_sa *sa,
                                  const struct esp_inbound *packet, const struct datagram *outer,
                                  enum wire_kind kind)
{
    if (!esp_sa_has_anti_replay(sa->sa) || packet->sequence != esp_sa_live(sa->sa)->replay_top ||
        wire_is_udp(kind) != sa->encapsulated)
        return;
    struct ip_endpoint source = wire_source(outer, kind);
    if (ip_endpoint_equal(&source, &sa->peer) || worker->now - sa->moved_told < MOVED_SILENCE)
        return;
    const struct path_event event = {
        .kind = PATH_PEER_MOVED,
        .tunnel = sa->tunnel,
        .spi = sa->spi,
        .remote = source,
        .encapsulated = sa->encapsulated,
    };
    if (worker_raise(worker, &event))
        sa->moved_told = worker->now;
}

void inbound_sa_note_packet(struct worker *worker, struct inbound_sa *sa, const struct esp_inbound *packet,
                            const struct datagram *outer, enum wire_kind kind)
{
    inbound_sa_note_use(worker, sa);
    inbound_sa_watch_peer(worker, sa, packet, outer, kind);
}
