/*
 * One end of `musubi check --pair`: what a file says of the tunnels of one gateway, of its addresses, and of
 * the lines where all that stands. A file is a config of Musubi, or one of strongSwan in swanctl.conf form.
 */
#ifndef MUSUBI_CHECK_PAIR_END_H
#define MUSUBI_CHECK_PAIR_END_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/bytes.h"
#include "config/diagnostic.h"
#include "config/policy.h"
#include "config/print.h"

enum { PAIR_MTU_DEFAULT = 1500 /* octets, of outer packets where the file says nothing else */ };

/* An address that a file gives to its gateway, and its line. */
struct pair_address {
    struct ip_address address;
    uint32_t line;
};

/* A tunnel of one end. */
struct pair_tunnel {
    struct tunnel_policy policy;
    uint32_t line;                       /* where it begins */
    struct octets local_key, remote_key; /* of a config of Musubi: see pair_end_keys */
    struct pair_address source;          /* of what it sends, if the file says so; else family IP_NONE */
    bool is_dynamic; /* its source address is not in the file: it is DHCP's or PPP's, or that
                        of an interface that the file does not define */
    uint16_t mtu;    /* of its outer packets */
    /* Its outgoing interface, if that is shut down; else NULL. And the line that says so. */
    const char *down_interface;
    uint32_t down_line;
    /* Why it can't be played, and the line that says so; NULL: it can, or its policy has a gap. */
    const char *hindrance;
    uint32_t hindrance_line;
    bool is_paired;
};

struct pair_end {
    const char *path; /* the caller's */
    bool is_swanctl;
    bool is_sound; /* it has no errors, which are in `diagnostics` */
    struct diagnostics diagnostics;
    struct pair_address *addresses; /* of links to others: not of Tunnels */
    size_t address_count;
    struct pair_tunnel *tunnels; /* with a tunnel mode that may be Musubi's, or a peer */
    size_t tunnel_count;
    struct ip_address assigned; /* that it was given because its file has none; or IP_NONE */
    struct pair_source *of;     /* what the rest points into */
};

/*
 * Reads a file; pair_end_free when done. False if it can't be read (errno is set) or memory ran out. A file
 * with errors is read, but has no tunnels.
 */
bool pair_end_read(struct pair_end *out, const char *path);
void pair_end_free(struct pair_end *end);

/* What stands in a line, without indentation, secrets hidden, "" if it is not known. Returns `out`. */
const char *pair_end_line(const struct pair_end *end, uint32_t line, char out[LINE_PRINTED_SIZE]);

/* The address of the end that equals `address`; NULL if it has none. */
const struct pair_address *pair_end_address(const struct pair_end *end, const struct ip_address *address);

/* The keys of a tunnel: by which it proves its own ID, when it sends from `source` (S17), and by which its
 * peer proves `peer`. A swanctl.conf has one for both. They last until the next call. */
struct pair_keys {
    struct octets local, remote;
    uint32_t local_line; /* of `local`, if the tunnel's own ID is its address (S17); else 0 */
    bool peers_is_own;   /* `local` is the key of the peer's ID, for want of one of its own */
};
struct pair_keys pair_end_keys(const struct pair_end *end, const struct pair_tunnel *tunnel,
                               const struct ip_address *source, const struct identity *peer);

/* The address that a tunnel's peer has; NULL if the config gives it none: a name, `any`, or no peer at all.
 */
const struct ip_address *pair_tunnel_peer(const struct pair_tunnel *tunnel);

#endif
