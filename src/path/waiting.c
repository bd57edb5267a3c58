#include "path/waiting.h"

#include <stdlib.h>
#include <string.h>

static void append(struct waiting *waiting, struct waiting_packet *p, size_t *worker_octets)
{
    p->next = NULL;
    if (waiting->first == NULL)
        waiting->first = p;
    else
        waiting->last->next = p;
    waiting->last = p;
    waiting->packets++;
    waiting->octets += p->length;
    *worker_octets += p->length;
}

enum waiting_verdict waiting_put(struct waiting *waiting, struct octets packet, size_t *worker_octets)
{
    if (waiting->packets == PATH_WAITING_PACKETS ||
        packet.length > (size_t)PATH_WAITING_OCTETS - waiting->octets)
        return WAITING_FULL;
    if (packet.length > (size_t)WAITING_WORKER_OCTETS - *worker_octets)
        return WAITING_NO_MEMORY;
    struct waiting_packet *p = malloc(sizeof *p + packet.length);
    if (p == NULL)
        return WAITING_NO_MEMORY;
    p->length = packet.length;
    memcpy(p->octets, packet.at, packet.length);
    append(waiting, p, worker_octets);
    return WAITING_KEPT;
}

struct waiting_packet *waiting_take(struct waiting *waiting, size_t *worker_octets)
{
    struct waiting_packet *p = waiting->first;
    if (p == NULL)
        return NULL;
    waiting->first = p->next;
    waiting->packets--;
    waiting->octets -= p->length;
    *worker_octets -= p->length;
    return p;
}

static bool is_of_pair(const struct waiting_packet *p, const struct packet_pair *pair)
{
    struct packet_flow flow;
    if (pair->source.family == IP_NONE)
        return true;
    return packet_flow_read(p->octets, p->length, &flow) && ip_address_equal(&flow.source, &pair->source) &&
           ip_address_equal(&flow.destination, &pair->destination);
}

size_t waiting_drop(struct waiting *waiting, const struct packet_pair *pair, size_t *worker_octets)
{
    struct waiting kept = {0};
    size_t dropped = 0;
    struct waiting_packet *p;
    while ((p = waiting_take(waiting, worker_octets)) != NULL) {
        if (!is_of_pair(p, pair)) {
            append(&kept, p, worker_octets);
            continue;
        }
        free(p);
        dropped++;
    }
    *waiting = kept;
    return dropped;
}
