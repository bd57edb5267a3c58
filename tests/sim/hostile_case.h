/*
 * Cases for tables of hostile and unusual messages. Each is one message, with the section of RFC 7296 (or of
 * the document that it names) that says how B has to react, and the reaction that the test expects. Also the
 * parts that such messages are made of.
 */
#ifndef MUSUBI_SIM_HOSTILE_CASE_H
#define MUSUBI_SIM_HOSTILE_CASE_H

#include "requests.h"

/* ---- IKE_SA_INIT ------------------------------------------------------------------------------------- */

enum { ANSWERED = UINT16_MAX };          /* in place of a notify: a response as to a proper request */
enum { NO_COUNTER = IKE_COUNTER_COUNT }; /* the test looks at no counter */

/* A proper IKE_SA_INIT request in a buffer, which a case spoils. */
struct draft {
    uint8_t at[16384];
    size_t length; /* octets */
};

/* B answers as expected, counts the message, and keeps no state unless the request is ANSWERED. */
struct init_case {
    const char *name;
    const char *section;
    void (*spoil)(struct stage *s, struct draft *d);
    uint16_t answer; /* notify, SILENCE or ANSWERED */
    int counted;     /* the enum ike_counter that must be 1, or NO_COUNTER */
};

/* Sends the request to a new stage, and fails if the reaction is not the expected one. */
void check_init_case(const struct init_case *c);

/* Sets the length in the header. */
void draft_set_length(struct draft *d, size_t length);

/* Starts the request anew, with payloads of the test's choice; and ends it. */
struct message_writer draft_rewrite(struct stage *s, struct draft *d);
void draft_finish(struct draft *d, struct message_writer *m);

/* Write a proper SA payload, and KE and nonce payloads with `length` octets of content. */
void put_ike_offer(struct stage *s, struct message_writer *m);
void put_ke_of(struct message_writer *m, uint16_t group, size_t length);
void put_nonce_of(struct message_writer *m, size_t length);

/* ---- Messages within an IKE SA ----------------------------------------------------------------------- */

/* A message from a peer that has the keys of the IKE SA. */
struct sealed_case {
    const char *name;
    const char *section;
    bool after_auth; /* the IKE SA is established; else B expects IKE_AUTH */
    void (*send)(struct stage *s);
    uint16_t answer; /* error notify; SILENCE: no error, and `send` looks at whether there is an answer */
    bool survives;   /* the IKE SA stays */
};

/* Sends the message to a new stage, and fails if the reaction is not the expected one. */
void check_sealed_case(const struct sealed_case *c);

/* ---- CREATE_CHILD_SA --------------------------------------------------------------------------------- */

enum { MADE = UINT16_MAX }; /* in place of a notify: B accepts the request */

struct create_case {
    const char *name;
    const char *section;
    void (*write)(struct stage *s, struct message_writer *m);
    uint16_t answer;
    bool survives; /* the IKE SA stays; INVALID_SYNTAX ends it (2.21.3) */
};

/* Sends the request to a new stage, and fails if the reaction is not the expected one. */
void check_create_case(const struct create_case *c);

/* Writes an SA payload for ESP with the puppet's algorithms and, if it is not NULL, a group. */
void put_esp_offer(struct stage *s, struct message_writer *m, uint32_t spi, const char *group);

/* Writes an SA payload for any protocol, with an SPI of any size. */
void put_offer_with_spi(struct stage *s, struct message_writer *m, uint8_t protocol, struct octets spi);

/* Writes a payload with this content of `length` octets. */
void put_raw(struct message_writer *m, uint8_t type, const uint8_t *at, size_t length);

/* Writes TSi and TSr of all addresses. */
void put_any_selectors(struct message_writer *m);

#endif
