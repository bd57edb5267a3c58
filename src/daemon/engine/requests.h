/*
 * Requests of the engine to one other process that are under way, each with a deadline. An answer that comes
 * after its deadline finds no request: that is how it is recognised.
 */
#ifndef MUSUBI_DAEMON_ENGINE_REQUESTS_H
#define MUSUBI_DAEMON_ENGINE_REQUESTS_H

#include "base/deadline.h"
#include "base/map.h"

enum request_kind {
    REQUEST_INSTALL,   /* of a Child SA, to the path */
    REQUEST_LIST,      /* of all Child SAs that the path has */
    REQUEST_CATCH_UP,  /* nothing is sent: the path is to read what waits for it */
    REQUEST_TUNNEL_UP, /* to the keeper: its routes lead into the tunnel */
};

struct request {
    uint64_t number; /* never 0 */
    enum request_kind kind;
    uint32_t tunnel;      /* REQUEST_INSTALL, REQUEST_TUNNEL_UP */
    uint32_t inbound_spi; /* REQUEST_INSTALL */
};

/* Start with a zeroed one. */
struct requests {
    struct map by_number;
    struct deadline_heap deadlines;
};

/* Notes a request that is answered until `due`. False if memory ran out. */
bool requests_add(struct requests *requests, const struct request *request, msec_t due);

/* Takes out the request of a number, and copies it to `*request`; false if there is none. */
bool requests_take(struct requests *requests, uint64_t number, struct request *request);

/* Takes out a request whose deadline is `now` or before; false if there is none. */
bool requests_take_due(struct requests *requests, msec_t now, struct request *request);

/* The earliest deadline; MSEC_NEVER if there is no request. */
msec_t requests_next(const struct requests *requests);

/* Forgets all. */
void requests_clear(struct requests *requests);

#endif
