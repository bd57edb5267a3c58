/*
 * Shared by the tests of failures (S34): policies whose settings have lines of a config, and the one warning
 * that a gateway may have.
 */
#ifndef MUSUBI_SIM_FAILURE_CASE_H
#define MUSUBI_SIM_FAILURE_CASE_H

#include "stage.h"

/*
 * Gives the settings of a policy lines, as if they were configured: sa-proposal enc, integrity, prf and dh
 * get the lines `first` + 11 to 14, child-proposal enc, integrity and child-pfs + 15 to 17,
 * local-authentication + 20, local-ts and remote-ts + 21 and 22, ipsec-mode + 23, negotiation-direction + 25,
 * source-address + 26, outgoing-interface + 27, ikev2 peer + 31, shutdown + 32.
 */
void give_lines(struct tunnel_policy *policy, uint32_t first);

/* Leaves a policy one algorithm of each kind: AES-CBC-128, HMAC-SHA2-256, MODP-2048, no PFS. */
void narrow_down(struct tunnel_policy *policy);

/* The algorithms of such a policy, as the log shows them. */
#define NARROW_IKE   "enc aes-cbc-128, integrity sha2-256, prf sha2-256, dh 2048-bit"
#define NARROW_CHILD "enc aes-cbc-128, integrity sha2-256"

/* A stage whose B has the policy of narrow_down with the lines of give_lines from 0 on. */
struct stage stage_with_lines(void);

/* Starts the puppet's IKE_AUTH after a proper IKE_SA_INIT; adds the payloads of a proper Child SA; sends
 * it. */
struct message_writer begin_auth(struct stage *s);
void put_first_child(struct stage *s, struct message_writer *m);
void send_auth(struct stage *s, struct message_writer *m);

/* What the puppet does, and the one warning that B must log. */
struct failure_case {
    const char *name;
    void (*act)(struct stage *s);
    const char *warning;
};

/* Plays a case on stage_with_lines, and fails if the warning is another one. */
void check_failure_case(const struct failure_case *c);

/*
 * Fails unless the warnings of a gateway, apart from those about SAs that are made and deleted, are exactly
 * this line (without its end; "" for none), and its log has no key. `name` is the name of the case.
 */
void check_failure(const char *name, const struct gateway *g, const char *line);

#endif
