/* What a config of `musubi check --pair` is made of: struct pair_end points into it. */
#ifndef MUSUBI_CHECK_PAIR_SOURCE_H
#define MUSUBI_CHECK_PAIR_SOURCE_H

#include "config/host_settings.h"
#include "config/keys.h"
#include "config/resolve.h"

struct pair_source {
    struct config *config;
    struct key_table *keys;
    struct tunnel_policies policies;
    struct host_settings settings;
};

#endif
