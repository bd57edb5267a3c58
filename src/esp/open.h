/*
 * Opening batches of packets: ESP packets become inner IP packets, in place (RFC 4303 3.4). The caller has
 * removed outer IP and UDP headers, reassembled fragments, and found the SA by the SPI.
 */
#ifndef MUSUBI_ESP_OPEN_H
#define MUSUBI_ESP_OPEN_H

#include "esp/sa.h"

enum esp_open_result {
    ESP_OPENED,
    ESP_OPEN_DUMMY,             /* authentic, but next header 59: to be dropped silently (RFC 4303 2.6) */
    ESP_OPEN_TRUNCATED,         /* not the length of an ESP packet: too short, not whole blocks, too long */
    ESP_OPEN_INVALID_SA,        /* the packet's SPI is not the SA's */
    ESP_OPEN_REPLAY,            /* seen before, or below the window */
    ESP_OPEN_INTEGRITY_FAILURE, /* the ICV does not match */
    ESP_OPEN_CIPHER_FAILURE,    /* the library failed */
    ESP_OPEN_INVALID_PADDING,   /* not 1, 2, 3, … or longer than the packet (RFC 4303 2.4) */
    ESP_OPEN_UNKNOWN_PROTOCOL,  /* next header other than 4, 41, 59 */
    ESP_OPEN_TS_UNACCEPTABLE,   /* outside of the SA's selectors (R71) */
    ESP_OPEN_NOT_IP,            /* the inner header is none, or says more octets than there are */
    ESP_OPEN_CONGESTED,         /* CE outside, and inside a sender that knows no ECN (RFC 6040, S29) */
    ESP_OPEN_RESULT_COUNT
};

/* One packet of a batch. */
struct esp_inbound {
    struct esp_sa *sa; /* inbound; any mixture of SAs may stand in a batch */
    uint8_t *packet;   /* from the SPI; overwritten, whatever the result */
    size_t length;     /* octets to the end of the ICV */
    uint8_t outer_tos; /* Type of Service or Traffic Class of the outer header, for its ECN field */

    /* Results. */
    enum esp_open_result result;
    enum ip_family family; /* of the inner packet */
    uint8_t *inner;        /* the inner packet, within `packet`; NULL unless opened */
    size_t inner_length;   /* octets, by its own header: what follows is TFC padding */
    uint32_t sequence;
};

/*
 * Opens `count` packets, any number, in the order of the array: lengths, replay window, ICV (compared in
 * constant time, before anything is decrypted or, with AES-GCM, used), replay window again, decryption,
 * padding, next header, inner length, selectors, ECN (which may change the inner header). Each result is
 * counted in the live state of its SA, opened packets with their inner octets; a dummy counts as a packet of
 * no octets. `now` is noted as the time of the last authenticated packet: milliseconds of CLOCK_BOOTTIME.
 * Returns how many were opened.
 *
 * Checks of the outer addresses are the caller's. A packet of an SA is the newest so far if it
 * is authentic and its number is the SA's live->replay_top after the call (S9: only that one's source address
 * is followed).
 */
size_t esp_open(struct esp_worker *worker, struct esp_inbound *packets, size_t count, uint64_t now);

/* True if the ICV was found right, whatever came after: only such a packet tells something of its sender. */
bool esp_open_is_authentic(enum esp_open_result result);

/* The counter that a result is counted in. */
enum esp_counter esp_open_counter(enum esp_open_result result);

#endif
