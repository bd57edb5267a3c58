/*
 * What the tests of failures (S34) share: policies whose settings come from lines of a config, and the one
 * warning that a gateway may have.
 */
#ifndef MUSUBI_SIM_FAILURE_CASE_H
#define MUSUBI_SIM_FAILURE_CASE_H

#include "stage.h"

/*
 * Gives a policy lines, as if all that matters were configured: sa-proposal enc, integrity, prf, dh stand on
 * `first` + 11 to 14, child-proposal enc, integrity and child-pfs on 15 to 17, local-authentication on 20,
 * local-ts and remote-ts on 21 and 22, ipsec-mode on 23, ikev2 peer on 31.
 */
void give_lines(struct tunnel_policy *policy, uint32_t first);

/* Lets a policy have but one algorithm of each kind: AES-CBC-128, HMAC-SHA2-256, MODP-2048, no PFS. */
void narrow_down(struct tunnel_policy *policy);

/* Text of what is narrowed down, as the log has it. */
#define NARROW_IKE   "enc aes-cbc-128, integrity sha2-256, prf sha2-256, dh 2048-bit"
#define NARROW_CHILD "enc aes-cbc-128, integrity sha2-256"

/* The stage with B's policy narrowed down and its lines given from 0 on. */
struct stage stage_with_lines(void);

/* Starts the puppet's IKE_AUTH after a proper IKE_SA_INIT; a proper Child SA for it; sends it. */
struct message_writer begin_auth(struct stage *s);
void put_first_child(struct stage *s, struct message_writer *m);
void send_auth(struct stage *s, struct message_writer *m);

/* What the puppet does, and the one warning that B has then. */
struct failure_case {
    const char *name;
    void (*act)(struct stage *s);
    const char *warning;
};

/* Plays a case on a stage with lines. */
void check_failure_case(const struct failure_case *c);

/*
 * Fails unless the warnings of a gateway, but for those on SAs that are made and deleted, are exactly this
 * line (without its end; "" for none), and no key stands in its log. `name` says which case it is.
 */
void check_failure(const char *name, const struct gateway *g, const char *line);

#endif
