/*
 * Sealing batches of packets: inner IP packets become ESP packets in tunnel mode (RFC 4303 3.3). The outer IP
 * and UDP headers are the caller's, who leaves room for them before `to`.
 */
#ifndef MUSUBI_ESP_SEAL_H
#define MUSUBI_ESP_SEAL_H

#include "esp/sa.h"

enum esp_seal_result {
    ESP_SEALED,
    ESP_SEAL_CIPHER_FAILURE, /* the library failed */
    ESP_SEAL_NO_ROOM,        /* `capacity` is too small for the ESP packet */
    ESP_SEAL_NOT_IP,         /* no IPv4 or IPv6 packet, or longer than ESP_INNER_MAX */
    ESP_SEAL_EXHAUSTED,      /* all sequence numbers are used (RFC 4303 3.3.3); never wraps */
    ESP_SEAL_RESULT_COUNT
};

/*
 * One packet of a batch. The inner packet is `head` followed by `body`: a segment's header stands apart from
 * its payload, a whole packet is the body alone, with head.length 0.
 *
 * It is sealed from where it is to `to`. The body may stand where it is to be (at to + esp_sa_front_size(sa)
 * + head.length), or overlap with it; the head may not overlap with the output, nor one packet's output with
 * another's input.
 */
struct esp_outbound {
    struct esp_sa *sa; /* outbound; any mixture of SAs may stand in a batch */
    struct octets head;
    struct octets body;
    uint8_t *to; /* where the SPI goes */
    size_t capacity;

    /* Results. */
    enum esp_seal_result result; /* what is at `to` is of no use, and may be plain, unless it is ESP_SEALED */
    uint32_t sequence;           /* the packet's sequence number */
    size_t length;               /* octets of the ESP packet, from SPI to ICV; 0 unless sealed */
};

/*
 * Seals `count` packets, any number; numbers are given in the order of the array. Selectors are not looked
 * at: the caller has chosen the SA by them. Each result is counted in the live state of the SA, sealed
 * packets with their inner octets. Returns how many were sealed.
 *
 * IVs: AES-CBC and 3DES take unpredictable ones (RFC 3602 3) from the worker's source, AES-GCM the sequence
 * number as 64 bits (RFC 4106 3.1). Before a number is used, the block it is in is reserved in
 * live->sequence_mark, so that no restart uses a number or a GCM nonce again.
 */
size_t esp_seal(struct esp_worker *worker, struct esp_outbound *packets, size_t count);

/* The counter that a result is counted in. */
enum esp_counter esp_seal_counter(enum esp_seal_result result);

#endif
