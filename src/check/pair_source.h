/* What a file of `musubi check --pair` is made of: struct pair_end points into it. */
#ifndef MUSUBI_CHECK_PAIR_SOURCE_H
#define MUSUBI_CHECK_PAIR_SOURCE_H

#include "check/swanctl_secret.h"
#include "config/host_settings.h"
#include "config/keys.h"
#include "config/resolve.h"

struct pair_source {
    struct config *config; /* NULL: it is a swanctl.conf */
    struct key_table *keys;
    struct tunnel_policies policies;
    struct host_settings settings;
    struct swanctl_file swanctl;
    char *lines; /* its text, to be shown: HIDDEN_OCTET in place of each octet of a secret */
    size_t lines_length;
    uint8_t local_key[SWANCTL_KEY_MAX], remote_key[SWANCTL_KEY_MAX]; /* those that were asked for last */
};

#endif
