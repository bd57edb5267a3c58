/*
 * What a tunnel's config lacks, so that it can't come up: the first thing that the survey finds (R51, S12,
 * S14).
 */
#ifndef MUSUBI_CONFIG_GAP_H
#define MUSUBI_CONFIG_GAP_H

#include "config/identity.h"
#include "config/policy.h"

/* Notes that something is missing, seen at a line of the config. Only the first one counts. */
void policy_note_gap(struct tunnel_policy *policy, enum policy_gap gap, uint32_t line);

/* What is missing in words, as `show interfaces` prints it: "no `ikev2 peer`". Cut if it is too long. Returns
 * `out`; "" if nothing is missing. */
enum { POLICY_GAP_TEXT_SIZE = IDENTITY_WORDS_SIZE + 64 };
const char *policy_gap_text(const struct tunnel_policy *policy, char out[POLICY_GAP_TEXT_SIZE]);

#endif
