/*
 * An engine without a simulator around it, for tests of what it finds among its tunnels.
 */
#ifndef MUSUBI_SIM_BARE_ENGINE_H
#define MUSUBI_SIM_BARE_ENGINE_H

#include "ike/ike.h"
#include "ike/wire/message.h"

/* An engine that has been told of all its tunnels: none. Its random octets are those of random(). */
struct ike_engine *bare_engine_new(void);

/* Events that concern a tunnel; what the engine answers does not matter. */
void bare_set_policy(struct ike_engine *engine, const struct tunnel_policy *policy);
void bare_remove_tunnel(struct ike_engine *engine, uint32_t tunnel);
void bare_set_route(struct ike_engine *engine, uint32_t tunnel, const struct peer_route *route);

/* An SA payload that offers all algorithms for an IKE SA. */
const struct ike_payload *full_offer(void);

enum { COOKIE_SIZE_MAX = 64 };

/*
 * Sends a proper IKE_SA_INIT with `more` octets of another payload from an address, with a cookie if there is
 * one, and returns the answer.
 */
const struct ike_effects *bare_send_init(struct ike_engine *engine, const char *from, uint64_t spi_i,
                                         struct octets cookie, size_t more);

/* The datagram that alone makes up an answer, which must be a COOKIE; copies the cookie. */
const struct ike_action *bare_must_be_cookie(const struct ike_effects *effects,
                                             uint8_t cookie[COOKIE_SIZE_MAX], size_t *length);

struct ip_address address_of(const char *text);
struct identity key_id_of(const char *text);

#endif
