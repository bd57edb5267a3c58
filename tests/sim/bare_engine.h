/*
 * An engine without a simulator around it, for tests of what it finds among its tunnels.
 */
#ifndef MUSUBI_SIM_BARE_ENGINE_H
#define MUSUBI_SIM_BARE_ENGINE_H

#include "ike/ike.h"
#include "ike/wire/message.h"

/* An engine without tunnels, whose random octets are those of random(). */
struct ike_engine *bare_engine_new(void);

/* Events that concern a tunnel; what the engine answers does not matter. */
void bare_set_policy(struct ike_engine *engine, const struct tunnel_policy *policy);
void bare_remove_tunnel(struct ike_engine *engine, uint32_t tunnel);
void bare_set_route(struct ike_engine *engine, uint32_t tunnel, const struct peer_route *route);

/* An SA payload that offers all algorithms for an IKE SA. */
const struct ike_payload *full_offer(void);

struct ip_address address_of(const char *text);
struct identity key_id_of(const char *text);

#endif
