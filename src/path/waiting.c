#include "path/waiting.h"

#include <stdlib.h>
#include <string.h>

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
    p->next = NULL;
    p->length = packet.length;
    memcpy(p->octets, packet.at, packet.length);

    if (waiting->first == NULL)
        waiting->first = p;
    else
        waiting->last->next = p;
    waiting->last = p;
    waiting->packets++;
    waiting->octets += p->length;
    *worker_octets += p->length;
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

size_t waiting_drop(struct waiting *waiting, size_t *worker_octets)
{
    size_t dropped = waiting->packets;
    struct waiting_packet *p;
    while ((p = waiting_take(waiting, worker_octets)) != NULL)
        free(p);
    return dropped;
}
