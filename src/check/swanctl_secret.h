/*
 * The secrets of a swanctl.conf: which of them strongSwan takes for two IDs.
 */
#ifndef MUSUBI_CHECK_SWANCTL_SECRET_H
#define MUSUBI_CHECK_SWANCTL_SECRET_H

#include "base/bytes.h"
#include "check/swanctl_file.h"
#include "config/policy.h"

enum { SWANCTL_KEY_MAX = 4096 /* octets */ };

/* A pre-shared key, and the line of its `secret`; 0: there is none. */
struct swanctl_secret {
    struct octets key;
    uint32_t line;
};

/*
 * The secret of type `ike` by which strongSwan proves `own` to `peer`. One without IDs is for all. Of those
 * that fit one of the two IDs, it takes the one that fits the peer's ID best, of these the one that fits its
 * own best, and of these the last in the file. The key points into `room`, of SWANCTL_KEY_MAX octets.
 */
struct swanctl_secret swanctl_secret_to_prove(const struct swanctl_file *file, const struct identity *own,
                                              const struct identity *peer, uint8_t room[SWANCTL_KEY_MAX]);

/* The secret by which strongSwan accepts a peer that proves itself by `proof`: any that fits one of the IDs
 * will do. If none is that key, the one of swanctl_secret_to_prove. */
struct swanctl_secret swanctl_secret_to_accept(const struct swanctl_file *file, const struct identity *own,
                                               const struct identity *peer, struct octets proof,
                                               uint8_t room[SWANCTL_KEY_MAX]);

/* Warns of what is not read of the secrets. */
void swanctl_secrets_check(const struct swanctl_file *file, struct diagnostics *diagnostics);

/* An ID as strongSwan takes it: by a prefix, else by its form. ID_NONE: any, or not supported here. */
struct identity swanctl_identity(const char *text);

#endif
