/* What the log says of refusals, in terms of the config (S34): of the peer's, and of our own. */
#ifndef MUSUBI_IKE_REASONS_REFUSAL_H
#define MUSUBI_IKE_REASONS_REFUSAL_H

#include "ike/reasons/failure.h"
#include "ike/wire/child_exchange.h"

/* ---- The peer refuses -------------------------------------------------------------------------------- */

/* What we asked for. */
struct refused {
    const char *exchange;                   /* its name */
    const struct proposal_policy *proposal; /* offered */
    const struct child_request *child;      /* of a Child SA; or NULL */
};

/* Notes that our IKE_SA_INIT was answered with an error notify. */
void refusal_note(struct ike_sa *sa, const struct ike_payload *error);

/* Warns that a protected request of ours was answered so. */
void refusal_warn(const struct ike_sa *sa, enum failure_kind kind, const struct refused *asked,
                  const struct ike_payload *error);

/* Warns that the peer's answer, which grants a Child SA, cannot be taken. */
void refusal_warn_answer(const struct ike_sa *sa, enum failure_kind kind, const struct ike_message *answer,
                         const struct child_request *request, enum child_fault fault);

/* ---- We refuse --------------------------------------------------------------------------------------- */

/*
 * Warns that the peer's IKE_SA_INIT has no proposal that a candidate accepts, or that its rekey of the IKE SA
 * has none that the tunnel accepts.
 */
void refusal_of_init(struct ike_engine *engine, const struct arrival *arrival,
                     const struct ike_payload *offer);
void refusal_of_ike_rekey(struct ike_sa *sa, const struct ike_payload *offer,
                          const struct proposal_policy *accepted);

/* Warns that no Child SA is made for the peer's request, which is answered with `notify`. */
void refusal_of_child(struct ike_sa *sa, enum failure_kind kind, const struct ike_message *request,
                      const struct proposal_policy *accepted, uint16_t notify);

#endif
