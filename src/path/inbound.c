#include "path/inbound.h"

#include <errno.h>
#include <unistd.h>

#include "path/tunnel.h"

enum {
    SPI_LOWEST = 256,    /* below are reserved (RFC 4303 2.1) */
    MOVED_SILENCE = 1000 /* milliseconds between two PATH_PEER_MOVED of one SA */
};

/* ESP for an SPI that is no SA's here. */
static void inbound_stranger(struct worker *worker, const struct datagram *datagram, enum wire_kind kind,
                             uint32_t spi)
{
    if (spi >= SPI_LOWEST && path_owner(worker->count, spi) != worker->index) {
        worker_count(worker, PATH_MISDIRECTED, 1);
        return;
    }
    worker_count(worker, PATH_UNKNOWN_SPI, 1);
    const struct path_event event = {
        .kind = PATH_SPI_UNKNOWN,
        .spi = spi,
        .remote = wire_source(datagram, kind),
        .encapsulated = wire_is_udp(kind),
    };
    if (unknown_spi_may_tell(&worker->strangers, &event.remote.address, worker->now))
        (void)worker_raise(worker, &event);
}

/* Puts a datagram into the batch if it is ESP of ours. */
static void inbound_add(struct worker *worker, const struct datagram *datagram, enum wire_kind kind)
{
    struct inbound *inbound = &worker->inbound;
    if (wire_is_udp(kind) && datagram->length == 1 && datagram->at[0] == 0xff) {
        worker_count(worker, PATH_KEEPALIVES, 1);
        return;
    }
    struct reader r = reader_of(datagram->at, datagram->length);
    uint32_t spi = reader_u32be(&r);
    (void)reader_u32be(&r);
    if (r.failed) {
        worker_count(worker, PATH_TRUNCATED, 1);
        return;
    }
    if (wire_is_udp(kind) && spi == 0) {
        worker_count(worker, PATH_IKE_STRAYS, 1);
        return;
    }
    struct child *child = map_find(&worker->children, spi);
    if (child == NULL) {
        inbound_stranger(worker, datagram, kind, spi);
        return;
    }
    inbound->children[inbound->packet_count] = child;
    inbound->outer[inbound->packet_count] = datagram;
    inbound->packets[inbound->packet_count] = (struct esp_inbound){
        .sa = child->inbound,
        .packet = datagram->at,
        .length = datagram->length,
    };
    inbound->packet_count++;
}

/* The peer has the SA and uses it: so may we (RFC 7296 2.8). */
static void child_note_use(struct worker *worker, struct child *child)
{
    if (child->use_told || !child->active_when_used)
        return;
    if (!child->active)
        child_activate(worker, child);
    const struct path_event event = {
        .kind = PATH_CHILD_USED,
        .tunnel = child->tunnel->number,
        .spi = child->spi,
    };
    child->use_told = worker_raise(worker, &event);
}

/*
 * Tells the controller of a peer that sends from elsewhere, by the newest authenticated packet only (S9). A
 * peer that sends in the other form, raw or in UDP, has not moved: both are taken on any SA (RFC 7296 2.23).
 */
static void child_watch_peer(struct worker *worker, struct child *child, const struct esp_inbound *packet,
                             const struct datagram *outer, enum wire_kind kind)
{
    if (packet->sequence != child->live->replay_top || wire_is_udp(kind) != wire_is_udp(child->way.kind))
        return;
    struct ip_endpoint source = wire_source(outer, kind);
    if (ip_endpoint_equal(&source, &child->remote) || worker->now - child->moved_told < MOVED_SILENCE)
        return;
    const struct path_event event = {
        .kind = PATH_PEER_MOVED,
        .tunnel = child->tunnel->number,
        .spi = child->spi,
        .remote = source,
        .encapsulated = wire_is_udp(kind),
    };
    if (worker_raise(worker, &event))
        child->moved_told = worker->now;
}

/* Hands an inner packet to Linux. */
static void inbound_deliver(struct child *child, const struct esp_inbound *packet)
{
    ssize_t written;
    do
        written = write(child->tunnel->source.fd, packet->inner, packet->inner_length);
    while (written < 0 && errno == EINTR);
    if (written < 0)
        child_count(child, errno == ENOMEM || errno == ENOBUFS ? ESP_IN_NO_MEMORY : ESP_IN_MISC_ERROR, 1);
}

/* Does with one packet of the opened batch what its result asks for. */
static void inbound_finish(struct worker *worker, size_t i, enum wire_kind kind)
{
    const struct esp_inbound *packet = &worker->inbound.packets[i];
    struct child *child = worker->inbound.children[i];
    tunnel_count(child->tunnel, esp_open_counter(packet->result), 1);
    if (!esp_open_is_authentic(packet->result))
        return;
    child_note_use(worker, child);
    child_watch_peer(worker, child, packet, worker->inbound.outer[i], kind);
    if (packet->result != ESP_OPENED)
        return;
    tunnel_count(child->tunnel, ESP_IN_OCTETS, packet->inner_length);
    /* The outer ECN field will be combined with the inner one here (RFC 6040, S29). */
    inbound_deliver(child, packet);
}

bool inbound_run(struct worker *worker, int fd, enum wire_kind kind)
{
    struct inbound *inbound = &worker->inbound;
    int count = wire_receive(fd, kind, &inbound->inbox, inbound->datagrams);
    if (count < 0) {
        /* An error that waited in the socket is gone by having been reported. */
        worker_count(worker, PATH_READ_ERRORS, 1);
        return errno != EBADF;
    }
    inbound->packet_count = 0;
    for (int i = 0; i < count; i++)
        inbound_add(worker, &inbound->datagrams[i], kind);
    (void)esp_open(worker->esp, inbound->packets, inbound->packet_count, worker->now);
    for (size_t i = 0; i < inbound->packet_count; i++)
        inbound_finish(worker, i, kind);
    return count == PATH_BATCH;
}
