/*
 * A peer that sends what a test tells it to. It can do IKE_SA_INIT and IKE_AUTH properly, as initiator or
 * responder, and send any message at any time, protected with the right keys or not. It answers nothing by
 * itself.
 */
#ifndef MUSUBI_SIM_PUPPET_H
#define MUSUBI_SIM_PUPPET_H

#include "ike/sa/keys.h"
#include "ike/wire/proposal.h"
#include "ike/wire/protect.h"
#include "ike/wire/selectors.h"
#include "sim/world.h"

enum { PUPPET_BUFFER = 65535 };

struct puppet {
    struct world *world;
    struct gateway *target;
    struct ip_endpoint address;
    struct ip_address arrives_at; /* the target's address and interface that our messages arrive at */
    uint32_t arrival_ifindex;
    bool responder; /* of the IKE SA: the target initiated it */
    uint64_t spi_i, spi_r;
    uint8_t nonce_i[NONCE_SIZE];
    uint8_t nonce_r[NONCE_SIZE_MAX];
    size_t nonce_r_length;
    struct ike_suite suite;
    struct ike_keys keys;
    uint8_t request[2048], response[2048]; /* IKE_SA_INIT */
    size_t request_length, response_length;
    uint32_t child_spi; /* the target's inbound SPI */
    bool fragmentation; /* announced in IKE_SA_INIT (RFC 7383 2.3) */
    const uint8_t
        *hash_notify; /* content of SIGNATURE_HASH_ALGORITHMS in IKE_SA_INIT, or NULL: there is none */
    size_t hash_notify_length;
    uint8_t number;      /* of the proposal in our answers; 0: the right one */
    uint8_t id_reserved; /* the three reserved octets of our ID payload */

    uint8_t reply[PUPPET_BUFFER]; /* the last datagram that the target sent us */
    size_t reply_length;
    size_t reply_count;
    struct ike_message message; /* the reply, parsed and decrypted */
};

/* A puppet at `address`, for a target that has a tunnel to that address. puppet_free when done. */
struct puppet *puppet_new(struct world *world, struct gateway *target, const char *address);
void puppet_free(struct puppet *p);

/* Hands octets to the target and lets 100 ms pass, in which its jobs are done. Keeps the last reply. */
void puppet_send(struct puppet *p, const void *at, size_t length);

/* The header of a proper request of ours. */
struct ike_header puppet_header(const struct puppet *p, uint8_t exchange, uint32_t message_id);

/* Starts a proper IKE_SA_INIT request, and writes its payloads: MODP-2048, AES-CBC-128, SHA2-256. */
struct message_writer puppet_begin_init(struct puppet *p, void *at, size_t capacity);
void puppet_put_init_payloads(struct puppet *p, struct message_writer *m);

/* Our share of the key exchange of our suite: always the same one. */
void puppet_share(const struct puppet *p, uint8_t out[KEY_EXCHANGE_SHARE_MAX]);

/* The number of the proposal of the target's request, which was read last, that has our suite,
 * else 1; or `number`. */
uint8_t puppet_proposal_number(const struct puppet *p);

/* Does the whole IKE_SA_INIT exchange; and the whole IKE_AUTH exchange. False if the target refuses. */
bool puppet_do_init(struct puppet *p);
bool puppet_do_auth(struct puppet *p, const char *keyid, const char *peer_keyid, const char *key);

/* Write the payloads of a proper IKE_AUTH request, with selectors of all addresses or with these. */
void puppet_put_auth_payloads(struct puppet *p, struct message_writer *m, const char *keyid,
                              const char *peer_keyid, const char *key);
void puppet_put_auth_payloads_of(struct puppet *p, struct message_writer *m, const char *keyid,
                                 const char *peer_keyid, const char *key,
                                 const struct selector_list *selectors);

/* What our end signs (RFC 7296 2.15) if this is the ID that it sends. Written to `out`. */
struct octets puppet_signed_octets(const struct puppet *p, uint8_t id_type, struct octets id, uint8_t *out,
                                   size_t capacity);

/*
 * As responder: waits for the target's IKE_SA_INIT; answers it properly, and reads the IKE_AUTH request that
 * follows to `message`; or both. False if the target does not send them.
 */
bool puppet_await_init(struct puppet *p);
bool puppet_answer_init(struct puppet *p);
bool puppet_accept_init(struct puppet *p);

/* As responder: starts an answer to IKE_SA_INIT, for any payloads; and sends it. */
struct message_writer puppet_begin_init_answer(struct puppet *p, void *at, size_t capacity);
void puppet_send_init_answer(struct puppet *p, struct message_writer *m);

/* As responder: answers IKE_SA_INIT with one notify; or with INVALID_KE_PAYLOAD for this group. */
void puppet_notify_init(struct puppet *p, uint16_t notify, struct octets content);
void puppet_want_group(struct puppet *p, uint16_t group);

/* As responder: write payloads of a proper IKE_AUTH answer: IDr and AUTH; SA, TSi and TSr. */
void puppet_put_auth_answer(struct puppet *p, struct message_writer *m, const char *keyid, const char *key);
void puppet_put_child_answer(struct puppet *p, struct message_writer *m);

/* Seals a chain of payloads with our keys and sends it under `header`. */
void puppet_send_sealed(struct puppet *p, const struct ike_header *header,
                        const struct message_writer *inner);

/* Seals one fragment of a chain of payloads and sends it. */
void puppet_send_fragment(struct puppet *p, const struct ike_header *header, const struct protect_text *text);

/* Waits up to `patience` milliseconds for a datagram of the target, and reads it. False if none comes. */
bool puppet_await(struct puppet *p, msec_t patience);

/* Answers the request that was read last with a chain of payloads. */
void puppet_answer(struct puppet *p, const struct message_writer *inner);

/* Decrypts and parses the last reply to `message`. False if there is none or it cannot be read. */
bool puppet_read_reply(struct puppet *p);

/* The notify of the last reply, in the clear or protected; 0 if it has none. */
uint16_t puppet_reply_notify(struct puppet *p);

#endif
