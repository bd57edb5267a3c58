/*
 * The stage, a fixture of many tests: one gateway, B, and a puppet at the address of its tunnel's peer.
 */
#ifndef MUSUBI_SIM_STAGE_H
#define MUSUBI_SIM_STAGE_H

#include "ike/sa/ike_sa.h"
#include "puppet.h"

enum { SILENCE = 0 }; /* in place of a notify: no answer, or an answer without a notify */

struct stage {
    struct world *w;
    struct gateway
        *b; /* its tunnel is 0; its ID is site2 with "secret2", the puppet's is site1 with "secret1" */
    struct puppet *p;
};

/* The policy that B has unless a test wants another. */
struct tunnel_policy stage_policy(void);

/* A new stage, with that policy or another one; stage_free when done. */
struct stage stage_new(void);
struct stage stage_new_with(const struct tunnel_policy *policy);
struct stage stage_with_store(const struct tunnel_policy *policy, const struct sim_store *store);

/* The same after IKE_SA_INIT and IKE_AUTH, with an IKE SA and a Child SA. B's next message ID is 0, the
 * puppet's 2. */
struct stage stage_established(void);
struct stage stage_established_with(const struct tunnel_policy *policy);

void stage_free(struct stage *s);

/* Lets a packet wait at B. True if B's IKE_SA_INIT comes to the puppet. */
bool stage_begins(struct stage *s);

/* The value of a counter of B's engine. */
uint64_t stage_counter(const struct stage *s, enum ike_counter c);

/* Octets for payloads whose content does not matter. */
extern const uint8_t some_octets[512];

/* Starts a chain of payloads in inner_octets, a buffer that all tests share. */
struct message_writer inner(void);
extern uint8_t inner_octets[32768];

/* Sends a chain of payloads, encrypted, as a request of the puppet with message ID `id`. */
void send_inner(struct stage *s, uint8_t exchange, uint32_t id, struct message_writer *m);

#endif
