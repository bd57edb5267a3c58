/*
 * Writes captured IP packets as pcapng. All numbers are in this machine's byte order.
 */
#ifndef MUSUBI_SHELL_PCAPNG_H
#define MUSUBI_SHELL_PCAPNG_H

#include <stdint.h>
#include <stdio.h>

#include "base/bytes.h"

struct pcapng_packet {
    uint32_t interface; /* number: the order in which the interfaces were written, from 0 */
    uint64_t time;      /* nanoseconds of Unix time */
    bool outbound;
    struct octets octets; /* from the IP header on */
};

/* The file's header. */
void pcapng_put_header(FILE *file);

/* An interface that packets came by. */
void pcapng_put_interface(FILE *file, const char *name);

void pcapng_put_packet(FILE *file, const struct pcapng_packet *packet);

#endif
