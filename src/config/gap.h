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
enum { NEAR_KEY_TEXT_SIZE = 96, POLICY_GAP_TEXT_SIZE = IDENTITY_WORDS_SIZE + 64 + NEAR_KEY_TEXT_SIZE };
const char *policy_gap_text(const struct tunnel_policy *policy, char out[POLICY_GAP_TEXT_SIZE]);

/*
 * Where the key of an ID is missing, which other one is probably meant, by its line and the type of its ID:
 * "; that of line 6 is for the type fqdn"; "" if the line is 0. Returns `out`.
 */
const char *near_key_text(uint32_t line, uint8_t type, const struct identity *id,
                          char out[NEAR_KEY_TEXT_SIZE]);

#endif
