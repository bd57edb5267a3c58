/*
 * Packets in: a batch of datagrams from one socket is given to its inbound SAs by SPI, opened in
 * place, and what comes out is written to the tunnels' TUN devices (coalesce.h), in its order.
 */
#ifndef MUSUBI_PATH_INBOUND_H
#define MUSUBI_PATH_INBOUND_H

#include "esp/open.h"
#include "path/coalesce.h"
#include "path/wire.h"

struct inbound_sa;
struct worker;

struct inbound {
    struct wire_inbox inbox;
    struct datagram datagrams[PATH_BATCH];
    struct esp_inbound packets[PATH_BATCH];
    struct inbound_sa *sas[PATH_BATCH];
    const struct datagram *outer[PATH_BATCH]; /* what each packet came in */
    size_t packet_count;
    struct coalescer coalescer;
};

/* Takes one batch from a socket, or a few while packets of a super-packet may be missing; true if there may
 * be more. */
bool inbound_run(struct worker *worker, int fd, enum wire_kind kind);

/* Takes one datagram that came elsewhere (stray.h). */
void inbound_take(struct worker *worker, const struct datagram *datagram, enum wire_kind kind);

#endif
