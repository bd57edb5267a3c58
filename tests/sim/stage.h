/*
 * The stage of hostile tests: one gateway, B, with a tunnel to the address of a puppet, and what a test asks
 * of both.
 */
#ifndef MUSUBI_SIM_STAGE_H
#define MUSUBI_SIM_STAGE_H

#include "ike/sa/ike_sa.h"
#include "puppet.h"

enum { SILENCE = 0 }; /* in place of a notify: there is no answer, or none with a notify */

struct stage {
    struct world *w;
    struct gateway *b; /* its tunnel is 0, its ID site2 with "secret2", the puppet's site1 with "secret1" */
    struct puppet *p;
};

/* The policy that B has unless a test wants another. */
struct tunnel_policy stage_policy(void);

/* A new stage, with the usual policy or another. */
struct stage stage_new(void);
struct stage stage_new_with(const struct tunnel_policy *policy);

/* The same after IKE_SA_INIT and IKE_AUTH: an IKE SA (B's message IDs from 0, the puppet's from 2), a Child
 * SA. */
struct stage stage_established(void);
struct stage stage_established_with(const struct tunnel_policy *policy);

void stage_free(struct stage *s);

/* A packet waits at B. True if B's IKE_SA_INIT comes to the puppet. */
bool stage_begins(struct stage *s);

uint64_t stage_counter(const struct stage *s, enum ike_counter c);

/* Octets for where the content does not matter. */
extern const uint8_t some_octets[512];

/* Starts a chain of payloads in one buffer that all tests share. */
struct message_writer inner(void);
extern uint8_t inner_octets[32768];

/* Sends it, protected, as a request of the puppet's with message ID `id`. */
void send_inner(struct stage *s, uint8_t exchange, uint32_t id, struct message_writer *m);

#endif
