#include "path/inbound.h"

#include <errno.h>

#include "esp/owner.h"
#include "path/inbound_sa.h"

enum { SPI_LOWEST = 256 /* below are reserved (RFC 4303 2.1) */ };

/* ESP for an SPI that is no SA's here. */
static void inbound_refuse_unknown_spi(struct worker *worker, const struct datagram *datagram,
                                       enum wire_kind kind, uint32_t spi)
{
    if (spi >= SPI_LOWEST && esp_owner_of_spi(spi, worker->count) != worker->index) {
        worker_count(worker, PATH_MISDIRECTED, 1);
        return;
    }
    worker_count(worker, PATH_UNKNOWN_SPI, 1);
    struct path_event event = {
        .kind = PATH_SPI_UNKNOWN,
        .spi = spi,
        .remote = wire_source(datagram, kind),
        .encapsulated = wire_is_udp(kind),
    };
    wire_arrival(datagram, &event.local, &event.ifindex);
    if (unknown_spi_may_report(&worker->unknown_spis, &event.remote.address, worker->now))
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
        worker_count(worker, PATH_IKE_DATAGRAMS, 1);
        return;
    }
    struct inbound_sa *sa = map_find(&worker->inbound_sas, spi);
    if (sa == NULL) {
        inbound_refuse_unknown_spi(worker, datagram, kind, spi);
        return;
    }
    inbound->sas[inbound->packet_count] = sa;
    inbound->outer[inbound->packet_count] = datagram;
    inbound->packets[inbound->packet_count] = (struct esp_inbound){
        .sa = sa->sa,
        .packet = datagram->at,
        .length = datagram->length,
        .outer_tos = datagram->traffic_class,
    };
    inbound->packet_count++;
}

/* Does with one packet of the opened batch what its result asks for. */
static void inbound_finish(struct worker *worker, size_t i, enum wire_kind kind)
{
    const struct esp_inbound *packet = &worker->inbound.packets[i];
    struct inbound_sa *sa = worker->inbound.sas[i];
    worker_count_total(worker, sa->slot, esp_open_counter(packet->result), 1);
    if (!esp_open_is_authentic(packet->result))
        return;
    inbound_sa_note_packet(worker, sa, packet, worker->inbound.outer[i], kind);
    if (packet->result != ESP_OPENED)
        return;
    worker_count_total(worker, sa->slot, ESP_IN_OCTETS, packet->inner_length);
    if (mss_limits_are_set(sa->mss))
        (void)mss_clamp(packet->inner, packet->inner_length, sa->mss);
    coalesce_add(worker, sa, packet->inner, packet->inner_length);
}

bool inbound_run(struct worker *worker, int fd, enum wire_kind kind)
{
    struct inbound *inbound = &worker->inbound;
    int count = worker->io->receive(fd, kind, &inbound->inbox, inbound->datagrams);
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
    coalesce_flush(worker);
    return count == PATH_BATCH;
}
