/*
 * A Child SA and what happens to it, in the one form that the engine's effects, the message between our
 * processes, the packet path and its workers use: plain memory without pointers. It holds keys: whoever
 * copies it wipes the copy.
 */
#ifndef MUSUBI_ESP_CHILD_H
#define MUSUBI_ESP_CHILD_H

#include "base/address.h"
#include "crypto/algorithm.h"
#include "esp/selector.h"

enum child_change {
    CHILD_INSTALL,     /* both directions; packets that wait leave by it if it is active */
    CHILD_ACTIVATE,    /* from now on packets leave by it, unless a newer active one holds them too */
    CHILD_STOP,        /* packets leave by it no more, whatever comes; those that come are still taken */
    CHILD_EXPECT_MORE, /* begins `more_to_come` */
    CHILD_COMPLETE,    /* ends `more_to_come`: what waits without a Child SA to leave by is dropped */
    CHILD_REMOVE,      /* both directions; its slot becomes free, in which the counters stay to be read */
    CHILD_REDIRECT,    /* the peer, or we, are elsewhere now: its packets go to another destination */
    CHILD_CHANGE_COUNT
};

/* Where ESP of a Child SA goes, and how it gets there. */
struct child_destination {
    struct ip_endpoint local;  /* the source address; the port is that of the socket */
    struct ip_endpoint remote; /* the port matters with `encapsulated` alone */
    uint32_t ifindex;          /* 0: routing decides */
    uint32_t mark;             /* fwmark (R44); 0: none */
    bool encapsulated;         /* in UDP (RFC 3948) */
};

/* One direction: SPI and keys, as they come out of the key derivation. */
struct child_direction {
    uint32_t spi;
    uint32_t serial;                            /* for the shows */
    uint8_t encryption_key[ENCRYPTION_KEY_MAX]; /* with the salt behind it (RFC 4106 8.1) */
    uint8_t integrity_key[INTEGRITY_KEY_MAX];
};

/* A Child SA, both directions. Its inbound SPI names it. */
struct child_settings {
    uint32_t tunnel;
    uint32_t live_slot;     /* of its struct esp_live */
    uint16_t encryption;    /* enum encryption_id */
    uint16_t key_bits;      /* length of the encryption key; 0 where there is one only */
    uint16_t integrity;     /* enum integrity_id; AUTH_NONE with an AEAD */
    uint16_t nat_keepalive; /* seconds without a packet after which a NAT keepalive is sent; 0: never */
    bool anti_replay;
    bool active;           /* packets may leave by it at once */
    bool unknown_to_peer;  /* the peer can't use it before it has our response, which waits for the path */
    bool active_when_used; /* the first authenticated packet makes it active: the peer has it too
                              (RFC 7296 2.8) */
    bool more_to_come; /* others may come for what this one does not hold (S38, S42): while it is active, a
                          packet outside of the selectors of all Child SAs waits and asks for one; else it is
                          dropped (R71) */
    struct child_destination destination;
    struct child_direction inbound, outbound;
    uint8_t local_ts_count, remote_ts_count; /* 1 to ESP_SELECTORS_MAX */
    struct traffic_selector local_ts[ESP_SELECTORS_MAX];
    struct traffic_selector remote_ts[ESP_SELECTORS_MAX];
};

/* One change of one Child SA. Tunnel and inbound SPI name it; CHILD_INSTALL has all settings, CHILD_REDIRECT
 * the destination too; the rest is 0. */
struct child_command {
    enum child_change change;
    struct child_settings child;
};

#endif
