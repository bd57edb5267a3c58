/*
 * For the tests of S38: the puppet as a responder that accepts less than B proposes, and checks of B's
 * requests.
 */
#ifndef MUSUBI_SIM_NARROW_PEER_H
#define MUSUBI_SIM_NARROW_PEER_H

#include "requests.h"

enum {
    MINUTE = 60 * 1000,
    HOUR = 60 * MINUTE,
    NEW_CHILD = 0xc0000100, /* and following: SPIs of the puppet */
};

/* ---- Selectors and packets --------------------------------------------------------------------------- */

/* All addresses of some families. */
struct selector_list any_of(uint8_t families);

struct packet_flow udp(const char *source, uint16_t source_port, const char *destination,
                       uint16_t destination_port);

/* A packet from the nth host of B's LAN, over IPv4. */
struct packet_flow from_host(unsigned n);

/* Tells B that a packet waits; B's message, if any, can then be read. */
void packet_waits(struct stage *s, const struct packet_flow *flow);

/* ---- The peer ---------------------------------------------------------------------------------------- */

/* A policy with lifetimes so long that B does not rekey during a test. */
struct tunnel_policy policy_without_rekeys(void);

/* A stage in which B has initiated because of a packet, and the puppet has read its IKE_AUTH. */
struct stage stage_in_auth(const struct tunnel_policy *policy, const struct packet_flow *flow);

/* Answers IKE_AUTH with a Child SA for some families, or with a notify and no Child SA. */
void grant_in_auth(struct stage *s, uint8_t families);
void refuse_in_auth(struct stage *s, uint16_t notify);

/* A stage in which the peer has accepted only IPv4 in IKE_AUTH, and B requests IPv6. */
struct stage stage_that_lacks_ipv6(const struct tunnel_policy *policy);

/* A stage in which the peer wants a Child SA for each pair of addresses, and has accepted that of host 1. */
struct stage stage_by_pair(const struct tunnel_policy *policy);

/* Accepts the CREATE_CHILD_SA request that was read last, as proposed; grant_rekey also answers the DELETE
 * that follows a rekey. */
void grant(struct stage *s, uint32_t spi);
void grant_rekey(struct stage *s, uint32_t spi);

/* ---- B's requests ------------------------------------------------------------------------------------ */

/* Fail unless B's last message requests an additional Child SA; or B sends such a request within some
 * time. */
void must_be_additional(struct stage *s);
void await_additional(struct stage *s);

/* Fails unless B requests a rekey of a Child SA within some time. */
void await_rekey(struct stage *s);

/* The selectors that the request that was read last proposes in a TS payload. */
struct selector_list asked_for(struct stage *s, uint8_t payload);

/* Fail unless it proposes all addresses of these families; or on each side only the packet's address. */
void must_be_whole_families(struct stage *s, uint8_t families);
void must_be_pair(struct stage *s, const struct packet_flow *flow);

/* The header of B's last message, also if the puppet has no keys of its IKE SA. */
struct ike_header last_header(const struct stage *s);

/* Fails if B sends anything within `duration` ms. */
void must_be_silent(struct stage *s, msec_t duration);

/* How often a text stands in B's log at level warn or above. */
size_t warnings_with(const struct stage *s, const char *text);

/* ---- B's packet path --------------------------------------------------------------------------------- */

/* B's Child SA with this SPI of the puppet; NULL if there is none. */
const struct installed_child *installed(const struct stage *s, uint32_t outbound_spi);

/* True if packets that match none of B's Child SAs keep waiting. */
bool packets_outside_wait(const struct stage *s);

#endif
