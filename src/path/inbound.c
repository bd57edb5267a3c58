#include "path/inbound.h"

#include <errno.h>

#include "esp/owner.h"
#include "path/inbound_sa.h"
#include "path/stray.h"

enum { SPI_LOWEST = 256 /* below are reserved (RFC 4303 2.1) */ };

/* True if the part of a datagram came with others, and goes where it belongs. */
static bool inbound_pass_on(struct worker *worker, const struct datagram *datagram, struct octets part,
                            enum wire_kind kind, unsigned to)
{
    return datagram->segment != 0 && stray_pass(worker, datagram, part, kind, to);
}

/* ESP for an SPI that is no SA's here. */
static void inbound_refuse_unknown_spi(struct worker *worker, const struct datagram *datagram,
                                       struct octets part, enum wire_kind kind, uint32_t spi)
{
    unsigned owner = esp_owner_of_spi(spi, worker->count);
    if (spi >= SPI_LOWEST && owner != worker->index) {
        bool passed_on = inbound_pass_on(worker, datagram, part, kind, owner);
        worker_count(worker, passed_on ? PATH_PASSED_ON : PATH_MISDIRECTED, 1);
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

/* Puts the `length` octets at `at`, which are all of a datagram or one of those merged in it, into the batch
 * if they are ESP of ours. */
static void inbound_add(struct worker *worker, const struct datagram *datagram, uint8_t *at, size_t length,
                        enum wire_kind kind)
{
    struct inbound *inbound = &worker->inbound;
    const struct octets part = {at, length};
    if (wire_is_udp(kind) && length == 1 && at[0] == 0xff) {
        worker_count(worker, PATH_KEEPALIVES, 1);
        return;
    }
    struct reader r = reader_of(at, length);
    uint32_t spi = reader_u32be(&r);
    (void)reader_u32be(&r);
    if (r.failed) {
        worker_count(worker, PATH_TRUNCATED, 1);
        return;
    }
    if (wire_is_udp(kind) && spi == 0) {
        if (!inbound_pass_on(worker, datagram, part, kind, STRAY_TO_CONTROLLER))
            worker_count(worker, PATH_IKE_DATAGRAMS, 1);
        return;
    }
    struct inbound_sa *sa = map_find(&worker->inbound_sas, spi);
    if (sa == NULL) {
        inbound_refuse_unknown_spi(worker, datagram, part, kind, spi);
        return;
    }
    inbound->sas[inbound->packet_count] = sa;
    inbound->outer[inbound->packet_count] = datagram;
    inbound->packets[inbound->packet_count] = (struct esp_inbound){
        .sa = sa->sa,
        .packet = at,
        .length = length,
        .outer_tos = datagram->traffic_class,
    };
    inbound->packet_count++;
}

/* Does with one packet of the opened batch what its result asks for. */
static void inbound_finish(struct worker *worker, size_t i, enum wire_kind kind)
{
    const struct esp_inbound *packet = &worker->inbound.packets[i];
    struct inbound_sa *sa = worker->inbound.sas[i];
    if (packet->result == ESP_OPENED || packet->result == ESP_OPEN_DUMMY)
        worker_count_total(worker, sa->slot, ESP_IN_PACKETS, 1);
    else
        worker_count_drop(worker, sa->slot, path_drop_of_open(packet->result), 1);
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

/* Opens the batch and hands on what was in it. */
static void inbound_process(struct worker *worker, enum wire_kind kind)
{
    struct inbound *inbound = &worker->inbound;
    (void)esp_open(worker->esp, inbound->packets, inbound->packet_count, worker->now);
    for (size_t i = 0; i < inbound->packet_count; i++)
        inbound_finish(worker, i, kind);
    inbound->packet_count = 0;
}

/* Adds a datagram, or all that are merged in it. */
static void inbound_split(struct worker *worker, const struct datagram *datagram, enum wire_kind kind)
{
    size_t segment = datagram->segment != 0 ? datagram->segment : datagram->length;
    size_t done = 0;
    do {
        size_t left = datagram->length - done;
        inbound_add(worker, datagram, datagram->at + done, left < segment ? left : segment, kind);
        if (worker->inbound.packet_count == PATH_BATCH)
            inbound_process(worker, kind);
        done += segment;
    } while (done < datagram->length);
}

void inbound_take(struct worker *worker, const struct datagram *datagram, enum wire_kind kind)
{
    inbound_split(worker, datagram, kind);
    inbound_process(worker, kind);
    coalesce_flush(worker);
}

/* Takes one batch from the socket; returns how many datagrams, or -1. */
static int inbound_receive(struct worker *worker, int fd, enum wire_kind kind)
{
    struct inbound *inbound = &worker->inbound;
    int count = worker->io->receive(fd, kind, &inbound->inbox, inbound->datagrams);
    if (count < 0)
        return -1;
    for (int i = 0; i < count; i++)
        inbound_split(worker, &inbound->datagrams[i], kind);
    inbound_process(worker, kind);
    return count;
}

/*
 * Segments of a super-packet come one after the other, and more of them have come while a batch was opened.
 * So what is held waits for them, until there are none.
 */
bool inbound_run(struct worker *worker, int fd, enum wire_kind kind)
{
    struct inbound *inbound = &worker->inbound;
    unsigned limit;
    int count;
    wire_inbox_clear(&inbound->inbox);
    do {
        limit = wire_inbox_limit(&inbound->inbox);
        count = inbound_receive(worker, fd, kind);
    } while (count > 0 && coalesce_holds(&inbound->coalescer) && wire_inbox_has_room(&inbound->inbox));
    int error = errno;
    coalesce_flush(worker);
    if (count >= 0)
        return (unsigned)count == limit;
    /* An error that waited in the socket is gone by having been reported. */
    worker_count(worker, PATH_READ_ERRORS, 1);
    return error != EBADF;
}
