/*
 * The engine's UDP sockets: IKE on port 500, and on port 4500 behind the non-ESP marker (RFC 3948 2.2), which
 * is added and taken away here. The keeper opens them; a set for each fwmark, of which the one without mark
 * also receives.
 */
#ifndef MUSUBI_DAEMON_ENGINE_SOCKETS_H
#define MUSUBI_DAEMON_ENGINE_SOCKETS_H

#include <uv.h>

#include "daemon/ipc/messages.h"

/* Called for each datagram that came. `message` is without marker, and gone after the call. */
typedef void engine_datagram(void *context, const struct ip_endpoint *local, const struct ip_endpoint *remote,
                             uint32_t ifindex, struct octets message);

/* Called for what came on port 4500 and is no IKE; `esp` is gone after the call. */
typedef void engine_stray(void *context, const struct ip_endpoint *remote, struct octets esp);

struct engine_socket_set;

struct engine_sockets {
    uv_loop_t *loop;
    engine_datagram *received;
    engine_stray *strayed;
    void *context;
    struct engine_socket_set *sets; /* a list */
    uint8_t *buffer;                /* for one datagram */
};

/* False if memory ran out. */
bool engine_sockets_init(struct engine_sockets *sockets, uv_loop_t *loop, engine_datagram *received,
                         engine_stray *strayed, void *context);

/* Takes in a datagram that came to port 4500 by another way, with its marker. */
void engine_sockets_take(struct engine_sockets *sockets, const struct ip_address *local,
                         const struct ip_endpoint *remote, uint32_t ifindex, struct octets datagram);

/* Takes over the descriptors (-1: none) of a mark, in place of those it had. */
bool engine_sockets_add(struct engine_sockets *sockets, uint32_t mark, const int fds[ENGINE_SOCKET_COUNT]);

/* Sends one datagram; its ports are 500 or 4500 of ours, any of the peer's. Returns 0 or an errno. */
int engine_sockets_send(struct engine_sockets *sockets, const struct ip_endpoint *local,
                        const struct ip_endpoint *remote, uint32_t ifindex, uint32_t mark,
                        struct octets message);

#endif
