/*
 * Who has a UDP port, for the message that it is in use.
 */
#ifndef MUSUBI_HOST_PORT_HOLDER_H
#define MUSUBI_HOST_PORT_HOLDER_H

#include <stdint.h>

#include "base/address.h"

enum { PORT_HOLDER_SIZE = 64 };

/* "charon (process 812)", or "another program" if it cannot be found out. Returns `out`. */
const char *port_holder(enum ip_family family, uint16_t port, char out[PORT_HOLDER_SIZE]);

#endif
