/*
 * Classic BPF programs that make the kernel hand each datagram to its owner: the worker told by the SPI
 * (esp/owner.h), or the engine.
 */
#ifndef MUSUBI_HOST_STEER_H
#define MUSUBI_HOST_STEER_H

#include <stdint.h>

#include "base/address.h"
#include "host/error.h"

/*
 * For the group of sockets bound to UDP 4500, to which `fd` belongs: socket 0 (the first bound) gets what
 * starts with the zero marker (RFC 3948 2.2) and what is shorter than that, socket 1 + owner gets ESP.
 */
bool steer_udp_by_spi(int fd, uint32_t workers, struct host_error *err);

/* For the group of UDP 500: socket 0 gets all. The others only send. */
bool steer_udp_to_first(int fd, struct host_error *err);

/* For one raw ESP socket, which would see all ESP packets otherwise: those of `worker` alone. */
bool steer_esp_by_spi(int fd, enum ip_family family, uint32_t worker, uint32_t workers,
                      struct host_error *err);

/* For a socket that only sends: nothing arrives. */
bool steer_nothing(int fd, struct host_error *err);

#endif
