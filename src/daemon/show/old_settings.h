/*
 * What an SA was established with that the config says otherwise by now: a changed setting holds from the
 * next negotiation (R11), and until then the shows tell both.
 *
 *     established with enc aes-cbc-128; line 12 says aes-cbc-256 from the next negotiation
 *     established with the old key of line 7; the new one holds from the next negotiation
 */
#ifndef MUSUBI_DAEMON_SHOW_OLD_SETTINGS_H
#define MUSUBI_DAEMON_SHOW_OLD_SETTINGS_H

#include "config/policy.h"
#include "daemon/ipc/text.h"
#include "ike/sa/record.h"

/* A pre-shared key that an SA was established with and that is another one now. */
struct old_key {
    bool is_old;
    uint32_t line; /* where it stood, as a policy has lines */
};

struct old_keys {
    struct old_key own, peer;
};

/* What the settings are about. */
enum old_settings_part { OLD_OF_IKE_SA, OLD_OF_AUTH, OLD_OF_CHILD_SA, OLD_OF_SELECTORS, OLD_PART_COUNT };

/*
 * Appends a sentence for each setting of that part which is another one now than when the SA was established,
 * between `before` and `after`; nothing of an SA that is not established.
 */
void show_old_settings(enum old_settings_part part, const struct ike_record *sa,
                       const struct tunnel_policy *policy, const struct old_keys *keys, const char *before,
                       const char *after, struct text *out);

#endif
