/*
 * Datagrams that came to the wrong socket on port 4500, since Linux has merged them with one that belonged
 * there (UDP_GRO): it steers by the first of them. IKE goes on to the controller, ESP to the worker that its
 * SPI names. There are few of them, so each is a piece of memory by itself.
 */
#ifndef MUSUBI_PATH_STRAY_H
#define MUSUBI_PATH_STRAY_H

#include "path/wire.h"

struct worker;

enum {
    STRAYS_SIZE = 512, /* from one worker to another, or to the controller; a power of two */
    STRAY_TO_CONTROLLER = PATH_WORKERS_MAX,
};

/* A new stray; NULL if memory ran out. The caller frees it. */
struct path_stray *stray_new(const struct ip_endpoint *remote, uint8_t traffic_class, struct octets octets);

/* Passes `part` of a datagram on to worker `to`, or to the controller; false if it has very many to take, or
 * memory ran out. */
bool stray_pass(struct worker *worker, const struct datagram *datagram, struct octets part,
                enum wire_kind kind, unsigned to);

/* Takes those that others have passed on to this worker. */
void stray_take_all(struct worker *worker);

#endif
