#include "path/stray.h"

#include <stdlib.h>
#include <string.h>

#include "path/worker.h"

struct path_stray *stray_new(const struct ip_endpoint *remote, uint8_t traffic_class, struct octets octets)
{
    struct path_stray *stray = malloc(sizeof *stray + octets.length);
    if (stray == NULL)
        return NULL;
    *stray = (struct path_stray){
        .remote = *remote,
        .local = {.family = IP_NONE},
        .traffic_class = traffic_class,
        .length = octets.length,
    };
    memcpy(stray->octets, octets.at, octets.length);
    return stray;
}

bool stray_pass(struct worker *worker, const struct datagram *datagram, struct octets part,
                enum wire_kind kind, unsigned to)
{
    const struct ip_endpoint remote = wire_source(datagram, kind);
    struct path_stray *stray = stray_new(&remote, datagram->traffic_class, part);
    if (stray == NULL)
        return false;
    wire_arrival(datagram, &stray->local, &stray->ifindex);
    bool is_ike = to == STRAY_TO_CONTROLLER;
    struct ring *ring = is_ike ? &worker->strays_out : &worker->all[to].strays[worker->index];
    if (!ring_put(ring, &stray)) {
        free(stray);
        return false;
    }
    if (is_ike)
        worker->raised = true;
    else
        mailbox_wake(&worker->all[to].mailbox);
    return true;
}

static void take(struct worker *worker, struct path_stray *stray)
{
    struct sockaddr_storage from;
    (void)ip_endpoint_to_sockaddr(&stray->remote, &from);
    const struct datagram datagram = {
        .at = stray->octets,
        .length = stray->length,
        .traffic_class = stray->traffic_class,
        .from = (const struct sockaddr *)&from,
    };
    inbound_take(worker, &datagram, stray->remote.address.family == IP_V4 ? WIRE_UDP_V4 : WIRE_UDP_V6);
}

void stray_take_all(struct worker *worker)
{
    struct path_stray *stray;
    for (unsigned i = 0; i <= worker->count; i++) {
        while (ring_take(&worker->strays[i], &stray)) {
            take(worker, stray);
            free(stray);
        }
    }
}
