/*
 * Who has a UDP port, for the message that it is in use.
 */
#ifndef MUSUBI_HOST_PORT_HOLDER_H
#define MUSUBI_HOST_PORT_HOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"

enum { PORT_HOLDER_SIZE = 64 };

/* Fills in "charon (process 812)". If no process is found that has it, fills in "another program" and returns
 * false. */
bool port_holder(enum ip_family family, uint16_t port, char out[PORT_HOLDER_SIZE]);

#endif
