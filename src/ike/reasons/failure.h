/*
 * The one warning that a failed negotiation gives (S34), in terms of the config: the tunnel, or the possible
 * ones while it is not known; what the peer offered or claimed; what is accepted here; and the lines that say
 * so.
 *
 *     Tunnel1.0: negotiation failed: the peer says it is KEY-ID site9, expected is KEY-ID site2; line 12
 *
 * It holds nothing secret, and its length is bounded whatever the peer sends.
 */
#ifndef MUSUBI_IKE_REASONS_FAILURE_H
#define MUSUBI_IKE_REASONS_FAILURE_H

#include "base/short_text.h"
#include "config/setting_lines.h"
#include "ike/sa/candidates.h"
#include "ike/wire/identity.h"

struct ike_sa;

/* What has failed. */
enum failure_kind {
    FAILED_NEGOTIATION, /* of an IKE SA, with its first Child SA */
    FAILED_CHILD,       /* of an additional Child SA */
    FAILED_CHILD_REKEY,
    FAILED_IKE_REKEY,
};

/* Settings that belong together. */
enum {
    IKE_PROPOSAL_SETTINGS = SETTING_BIT(SETTING_IKE_ENCRYPTION) | SETTING_BIT(SETTING_IKE_INTEGRITY) |
                            SETTING_BIT(SETTING_IKE_PRF) | SETTING_BIT(SETTING_IKE_DH),
    CHILD_PROPOSAL_SETTINGS = SETTING_BIT(SETTING_CHILD_ENCRYPTION) | SETTING_BIT(SETTING_CHILD_INTEGRITY),
    SELECTOR_SETTINGS = SETTING_BIT(SETTING_LOCAL_TS) | SETTING_BIT(SETTING_REMOTE_TS),
    PEER_SETTING = SETTING_BIT(SETTING_PEER),
    LOCAL_SETTING = SETTING_BIT(SETTING_LOCAL_AUTHENTICATION),
    PEER_KEY_SETTINGS = SETTING_BIT(SETTING_PEER) | SETTING_BIT(SETTING_REMOTE_KEY),
    LOCAL_KEY_SETTINGS = SETTING_BIT(SETTING_LOCAL_AUTHENTICATION) | SETTING_BIT(SETTING_LOCAL_KEY),
};

/*
 * Warns that a negotiation of `sa` failed, with the lines of `settings` behind the text: those of its tunnel,
 * or of all candidates (S22) while it has none. No settings: no lines.
 */
__attribute__((format(printf, 4, 5))) void failure_warn(const struct ike_sa *sa, enum failure_kind kind,
                                                        setting_set settings, const char *format, ...);

/* The same for a tunnel that was found but cannot have the SA. */
__attribute__((format(printf, 4, 5))) void failure_warn_tunnel(struct ike_engine *engine,
                                                               const struct ike_tunnel *tunnel,
                                                               setting_set settings, const char *format, ...);

/* The warning for a negotiation of which no state is kept: an IKE_SA_INIT that was refused. */
__attribute__((format(printf, 4, 5))) void failure_warn_arrival(struct ike_engine *engine,
                                                                const struct arrival *arrival,
                                                                setting_set settings, const char *format,
                                                                ...);

/*
 * Notes why our IKE_SA_INIT may fail. Its answers are not authenticated, so the negotiation goes on until it
 * times out (RFC 7296 2.21.1). A later note replaces an earlier one.
 */
__attribute__((format(printf, 3, 4))) void failure_note(struct ike_sa *sa, setting_set settings,
                                                        const char *format, ...);

/* Forgets the note: a better answer has come. */
void failure_forget_note(struct ike_sa *sa);

/* Warns by the note. */
void failure_warn_noted(const struct ike_sa *sa);

/*
 * Whether a rekey of a Child SA (`spi`, inbound) or of the IKE SA (0) that failed with this notify differs
 * from the one that was logged last; notify 0: the answer could not be taken, also to the request for an
 * additional Child SA (0). A rekey is tried again until it succeeds or the SA ends, and that is
 * logged only once.
 */
bool failure_is_new(struct ike_sa *sa, enum failure_kind kind, uint32_t spi, uint16_t notify);

/*
 * Writes that the peer does not accept how this end proves its ID (AUTHENTICATION_FAILED), with what is known
 * of that: by the key configured for it, or by which certificate. The initiator asks for an ID of the peer,
 * which may be the cause too. Returns the settings that say so.
 */
setting_set failure_write_own_proof(const struct ike_sa *sa, struct short_text *text);

/* An ID as it stands in a warning, cut off where it is long: ours or a configured one; one that a peer
 * claims. */
enum { FAILURE_ID_SIZE = 80 };
const char *failure_id(const struct identity *id, char out[FAILURE_ID_SIZE]);
const char *failure_kept_id(const struct kept_identity *id, char out[FAILURE_ID_SIZE]);
const char *failure_claimed_id(const struct ike_payload *payload, char out[FAILURE_ID_SIZE]);

#endif
