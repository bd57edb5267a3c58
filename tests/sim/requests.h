/*
 * The puppet's requests and responses once an IKE SA is established: CREATE_CHILD_SA and DELETE.
 */
#ifndef MUSUBI_SIM_REQUESTS_H
#define MUSUBI_SIM_REQUESTS_H

#include "ike/wire/selectors.h"
#include "stage.h"

enum {
    PUPPET_CHILD = 0xc0000001, /* the puppet's inbound SPI of the Child SA of IKE_AUTH */
    SECOND_CHILD = 0xc0000002,
    THIRD_CHILD = 0xc0000003,
    FIRST_ID = 2,     /* message ID of the puppet's first request */
    PATIENCE = 60000, /* milliseconds that the puppet waits for a request of B */
};

/* The puppet's nonce: lower or higher than anything that B may choose. */
enum nonce_kind { LOWEST = 0x00, HIGHEST = 0xff };

/* Writes a nonce payload. */
void put_nonce(struct message_writer *m, enum nonce_kind kind);

/* Writes SA, nonce and selectors of all addresses for a Child SA with this SPI of the puppet, without PFS. */
void put_child(struct stage *s, struct message_writer *m, uint32_t spi, enum nonce_kind kind);

/* The same with these selectors, TSi and TSr. */
void put_child_of(struct stage *s, struct message_writer *m, uint32_t spi, enum nonce_kind kind,
                  const struct selector_list *tsi, const struct selector_list *tsr);

/* Writes a REKEY_SA notify for a Child SA. */
void put_rekey(struct message_writer *m, uint32_t spi);

/* Send whole requests with message ID `id`. */
void send_child(struct stage *s, uint32_t id, uint32_t spi, enum nonce_kind kind);
void send_child_rekey(struct stage *s, uint32_t id, uint32_t old, uint32_t spi, enum nonce_kind kind);
void send_ike_rekey(struct stage *s, uint32_t id, enum nonce_kind kind);
void send_delete(struct stage *s, uint32_t id, uint8_t protocol, uint32_t spi);

/* Accepts B's request for a Child SA, or for the rekey of one, which was read last. */
void answer_child(struct stage *s, uint32_t spi, enum nonce_kind kind);

/* Accepts B's request to rekey the IKE SA, which was read last. */
void answer_ike_rekey(struct stage *s, enum nonce_kind kind);

/* Answers the request that was read last with one notify. */
void answer_with(struct stage *s, uint16_t notify);

/*
 * A policy with these lifetimes in seconds, without PFS, and with only the puppet's algorithms.
 */
struct tunnel_policy policy_that_rekeys(uint32_t sa_lifetime, uint32_t child_lifetime);

/* Waits for a request of B with this exchange type, and fails if none comes. */
void await_request(struct stage *s, uint8_t exchange);

/* True if packets leave B by the Child SA with this SPI of the puppet. */
bool carries(const struct stage *s, uint32_t outbound_spi);

#endif
