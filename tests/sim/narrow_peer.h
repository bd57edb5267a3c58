/*
 * The puppet as a peer that B calls, and that grants less than B proposes: what the tests of S38 do with it,
 * and what they ask of B's requests.
 */
#ifndef MUSUBI_SIM_NARROW_PEER_H
#define MUSUBI_SIM_NARROW_PEER_H

#include "requests.h"

enum {
    MINUTE = 60 * 1000,
    HOUR = 60 * MINUTE,
    NEW_CHILD = 0xc0000100, /* and the ones that follow: SPIs of the puppet's */
};

/* ---- Selectors and packets --------------------------------------------------------------------------- */

/* All addresses of some families. */
struct selector_list any_of(uint8_t families);

struct packet_flow udp(const char *source, uint16_t source_port, const char *destination,
                       uint16_t destination_port);

/* A packet from the nth host of B's LAN, over IPv4. */
struct packet_flow from_host(unsigned n);

/* B is told that it waits; what B then says is there to be read. */
void packet_waits(struct stage *s, const struct packet_flow *flow);

/* ---- The peer ---------------------------------------------------------------------------------------- */

struct tunnel_policy policy_without_rekeys(void);

/* B has begun, for the sake of a packet; its IKE_AUTH is on the way. */
struct stage stage_in_auth(const struct tunnel_policy *policy, const struct packet_flow *flow);

/* Answers IKE_AUTH with a Child SA of some families, or with a notify and none. */
void grant_in_auth(struct stage *s, uint8_t families);
void refuse_in_auth(struct stage *s, uint16_t notify);

/* The peer has granted IPv4 in IKE_AUTH, and B asks for IPv6. */
struct stage stage_that_lacks_ipv6(const struct tunnel_policy *policy);

/* The peer wants a Child SA for each pair, and has granted that of host 1. */
struct stage stage_by_pair(const struct tunnel_policy *policy);

/* Grants the CREATE_CHILD_SA that was read last, as it is asked for; a rekey's with the DELETE that follows.
 */
void grant(struct stage *s, uint32_t spi);
void grant_rekey(struct stage *s, uint32_t spi);

/* ---- B's requests ------------------------------------------------------------------------------------ */

/* B's last message asks for a additional Child SA; or does so within some time. */
void must_be_additional(struct stage *s);
void await_additional(struct stage *s);

/* B asks for a rekey of a Child SA within some time. */
void await_rekey(struct stage *s);

/* What the request that was read last proposes in a TS payload. */
struct selector_list asked_for(struct stage *s, uint8_t payload);

/* It proposes all addresses of these families; one selector of each side, with the packet's address alone. */
void must_be_whole_families(struct stage *s, uint8_t families);
void must_be_pair(struct stage *s, const struct packet_flow *flow);

/* The header of B's last message, which may be of an IKE SA that the puppet has no keys of. */
struct ike_header last_header(const struct stage *s);

/* B asks nothing for so long. */
void must_be_silent(struct stage *s, msec_t duration);

/* ---- B's packet path --------------------------------------------------------------------------------- */

/* The Child SA that leads to this SPI of the puppet's; NULL if there is none. */
const struct installed_child *installed(const struct stage *s, uint32_t outbound_spi);

/* Whether packets that none of B's Child SAs holds go on waiting. */
bool packets_outside_wait(const struct stage *s);

#endif
