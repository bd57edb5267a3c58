/*
 * The wire form of IKE messages (RFC 7296 3): header, chain of payloads, and the fixed part of each payload,
 * which is described by one table, so that parser, writer and debug log agree.
 *
 * Parsing copies nothing: a message points into the datagram that it was parsed from.
 */
#ifndef MUSUBI_IKE_WIRE_MESSAGE_H
#define MUSUBI_IKE_WIRE_MESSAGE_H

#include "base/bytes.h"
#include "ike/wire/numbers.h"

#include <stdio.h>

enum {
    MESSAGE_PAYLOADS_MAX = 64, /* in one message; one with more is answered with INVALID_SYNTAX */
    NONCE_SIZE_MIN = 16,       /* RFC 7296 3.9 */
    NONCE_SIZE_MAX = 256,
    NONCE_SIZE = 32, /* of our own: half of the largest PRF's key size, RFC 7296 2.10 */
};

/* RFC 7296 3.1. */
struct ike_header {
    uint64_t spi_i, spi_r;
    uint8_t next_payload;
    uint8_t version; /* major in the high, minor in the low four bits */
    uint8_t exchange;
    uint8_t flags;
    uint32_t message_id;
    uint32_t length; /* octets of the whole message */
};

/* The fields of all payloads; a payload has those of its type. */
struct ike_payload {
    uint8_t type; /* enum payload_type */
    bool critical;
    struct octets body;    /* all behind the payload header */
    uint16_t dh_group;     /* KE */
    uint8_t id_type;       /* IDi, IDr */
    uint8_t encoding;      /* CERT, CERTREQ */
    uint8_t method;        /* AUTH */
    uint8_t protocol;      /* Notify, Delete */
    uint8_t spi_size;      /* Notify, Delete */
    uint16_t notify;       /* Notify: enum notify_type */
    uint16_t spi_count;    /* Delete */
    uint8_t ts_count;      /* TSi, TSr */
    uint16_t fragment;     /* SKF: its number, from 1 */
    uint16_t fragments;    /* SKF: how many there are */
    struct octets spi;     /* Notify */
    struct octets content; /* all behind the fixed fields */
};

struct ike_message {
    struct ike_header header;
    struct octets chain; /* of a protected message: what was inside of its SK payload */
    size_t count;
    struct ike_payload payloads[MESSAGE_PAYLOADS_MAX];
};

/* Why a message was refused. */
enum message_fault {
    MESSAGE_OK,
    MESSAGE_INVALID_SYNTAX,       /* lengths or structure wrong */
    MESSAGE_UNSUPPORTED_CRITICAL, /* an unknown payload with the critical bit (RFC 7296 2.5) */
};

/* Reads the header of a message, of which the rest need not be there. False if it is too short. */
bool ike_header_read(struct octets message, struct ike_header *out);

/* Reads the header of a datagram. False if it is too short or its length field is not the datagram's. */
bool ike_header_parse(struct octets datagram, struct ike_header *out);

/*
 * Parses the chain of payloads in `octets`, the first of which is of type `first`, and appends them to
 * `message`. SK and SKF end a chain: their content is encrypted, and their next-payload field, which names
 * the first payload inside, is returned in `*inner` (may be NULL). Payloads of unknown type are skipped, with
 * the critical bit they are a fault, and `*payload_type` (may be NULL) is their type.
 */
enum message_fault ike_payloads_parse(struct octets octets, uint8_t first, struct ike_message *message,
                                      uint8_t *inner, uint8_t *payload_type);

/*
 * A copy of a protected message, with its chain, into which it points; NULL if there is no memory.
 * ike_message_free wipes and frees it; `message` may be NULL.
 */
struct ike_message *ike_message_copy(const struct ike_message *message);
void ike_message_free(struct ike_message *message);

/* The first payload of a type; NULL if there is none. */
const struct ike_payload *ike_message_find(const struct ike_message *message, uint8_t type);

/* The first Notify payload of a kind; NULL if there is none. */
const struct ike_payload *ike_message_notify(const struct ike_message *message, uint16_t notify);

/* The first Notify that is an error (RFC 7296 3.10.1); NULL if there is none. */
const struct ike_payload *ike_message_error(const struct ike_message *message);

/* The number of payloads of a type. */
size_t ike_message_count(const struct ike_message *message, uint8_t type);

/* Prints one line on a message for the debug log: exchange, message ID, payloads with their fields. */
void ike_message_print(const struct ike_message *message, FILE *out);

/* ---- Writing --------------------------------------------------------------------------------------- */

/*
 * A message, or the content of an SK payload, being written. Payloads are chained as they come: each one's
 * type goes into the next-payload field of the one before it.
 */
struct message_writer {
    struct writer w;
    size_t next_payload_at; /* where the type of the next payload goes; SIZE_MAX: to `first_payload` */
    size_t payload_at;      /* where the payload being written starts */
    uint8_t first_payload;
};

/* Starts a message with its header (the length is set by message_finish) in `capacity` octets at `at`. */
struct message_writer message_begin(void *at, size_t capacity, const struct ike_header *header);

/* Starts a chain of payloads without a header, for an SK payload. */
struct message_writer message_begin_inner(void *at, size_t capacity);

/* Starts a payload; its body is written to `m->w`, then message_end_payload. */
void message_begin_payload(struct message_writer *m, uint8_t type);
void message_end_payload(struct message_writer *m);

/* Whole payloads with the given fields. */
void message_put_ke(struct message_writer *m, uint16_t group, struct octets share);
void message_put_id(struct message_writer *m, uint8_t type, uint8_t id_type, struct octets value);
void message_put_auth(struct message_writer *m, uint8_t method, struct octets value);
/* CERT and CERTREQ (RFC 7296 3.6, 3.7). */
void message_put_cert(struct message_writer *m, uint8_t type, uint8_t encoding, struct octets content);
void message_put_nonce(struct message_writer *m, struct octets nonce);
void message_put_notify(struct message_writer *m, uint8_t protocol, struct octets spi, uint16_t notify,
                        struct octets content);
/* Delete of an IKE SA (no SPIs) or of `count` ESP SAs. */
void message_put_delete(struct message_writer *m, uint8_t protocol, const uint32_t *spis, size_t count);

/* Sets the length of the header and returns the message; no octets if it did not fit. */
struct octets message_finish(struct message_writer *m);

#endif
