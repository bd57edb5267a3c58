#include "daemon/keeper/used_keys.h"

#include <sys/random.h>

#include "base/secret.h"
#include "crypto/prf.h"
#include "daemon/keeper/keys.h"

static bool hash_secret(struct octets secret, const uint8_t salt[USED_KEY_SALT_SIZE],
                        uint8_t hash[USED_KEY_HASH_SIZE])
{
    const struct octets key = {salt, USED_KEY_SALT_SIZE};
    return secret.length > 0 && prf_compute(prf_by_id(PRF_HMAC_SHA2_256), key, &secret, 1, hash);
}

static struct used_key note(const struct key_table *keys, key_number number)
{
    struct used_key used = {.number = number, .line = key_table_line(keys, number)};
    if (getrandom(used.salt, sizeof(used.salt), 0) != (ssize_t)sizeof(used.salt) ||
        !hash_secret(key_table_secret(keys, number), used.salt, used.hash))
        return (struct used_key){0};
    return used;
}

void used_keys_note(struct used_keys *used, const struct key_table *keys, const struct tunnel_policy *policy,
                    const struct ike_auth_job *job)
{
    if (job->sign && policy->local_auth == AUTH_KIND_PSK)
        used->signing = note(keys, keys_own_number(keys, policy, &job->own.identity));
    else if (job->sign)
        used->signing = (struct used_key){0};
    if (!job->verify)
        return;
    used->own = used->signing;
    used->peer = policy->remote_auth == AUTH_KIND_PSK ? note(keys, policy->remote_key) : (struct used_key){0};
}

static struct old_key compare(const struct used_key *used, const struct key_table *keys)
{
    uint8_t hash[USED_KEY_HASH_SIZE];
    bool is_old = used->number != 0 && hash_secret(key_table_secret(keys, used->number), used->salt, hash) &&
                  !secret_equal(hash, used->hash, sizeof(hash));
    secret_wipe(hash, sizeof(hash));
    return (struct old_key){is_old, used->line};
}

struct old_keys used_keys_compare(const struct used_keys *used, const struct key_table *keys,
                                  const struct tunnel_policy *policy)
{
    struct old_keys old = {0};
    if (policy->local_id.type == ID_NONE || policy->local_key == used->own.number)
        old.own = compare(&used->own, keys);
    if (policy->remote_key == used->peer.number)
        old.peer = compare(&used->peer, keys);
    return old;
}
