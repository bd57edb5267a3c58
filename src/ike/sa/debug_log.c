#include "ike/sa/debug_log.h"

#include "base/secret.h"
#include "ike/sa/ike_sa.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    KEY_SIZE_MAX = INTEGRITY_KEY_MAX > ENCRYPTION_KEY_MAX ? INTEGRITY_KEY_MAX : ENCRYPTION_KEY_MAX,
    KEY_TEXT_SIZE = 2 * KEY_SIZE_MAX + 1,
};

static const char *key_format(const uint8_t *key, size_t length, char out[KEY_TEXT_SIZE])
{
    out[0] = '\0';
    for (size_t i = 0; i < length; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", key[i]);
    return out;
}

/* One direction of an SA; `whose` says which one. */
static void log_keys(struct ike_engine *engine, enum log_function function, const struct ike_tunnel *tunnel,
                     const struct ike_suite *suite, const char *whose, const uint8_t *encryption,
                     const uint8_t *integrity)
{
    char encryption_text[KEY_TEXT_SIZE];
    char integrity_text[KEY_TEXT_SIZE];
    size_t integrity_size = suite->integrity != NULL ? suite->integrity->key_size : 0;
    (void)key_format(integrity, integrity_size, integrity_text);
    tunnel_log(engine, tunnel, LOG_LEVEL_DEBUG, function, "keys of %s: encryption 0x%s%s%s", whose,
               key_format(encryption, encryption_key_octets(suite->encryption), encryption_text),
               integrity_size > 0 ? ", integrity 0x" : "", integrity_text);
    secret_wipe(encryption_text, sizeof encryption_text);
    secret_wipe(integrity_text, sizeof integrity_text);
}

void key_log_ike_sa(const struct ike_sa *sa)
{
    char whose[64];
    if (!engine_logs(sa->engine, LOG_LEVEL_DEBUG))
        return;
    (void)snprintf(whose, sizeof whose, "IKE SA, serial %u, initiator", sa->serial);
    log_keys(sa->engine, LOG_IKEV2, sa->tunnel, &sa->suite, whose, sa->keys.ei, sa->keys.ai);
    (void)snprintf(whose, sizeof whose, "IKE SA, serial %u, responder", sa->serial);
    log_keys(sa->engine, LOG_IKEV2, sa->tunnel, &sa->suite, whose, sa->keys.er, sa->keys.ar);
}

static void log_direction(const struct child_sa *child, const struct child_direction *direction,
                          const char *name)
{
    const struct ike_sa *sa = child->ike_sa;
    char whose[64];
    (void)snprintf(whose, sizeof whose, "Child SA, SPI %s 0x%08" PRIx32, name, direction->spi);
    log_keys(sa->engine, LOG_IPSEC, sa->tunnel, &child->suite, whose, direction->encryption_key,
             direction->integrity_key);
}

void key_log_child_sa(const struct child_sa *child)
{
    if (!engine_logs(child->ike_sa->engine, LOG_LEVEL_DEBUG))
        return;
    log_direction(child, &child->inbound, "in");
    log_direction(child, &child->outbound, "out");
}

void ike_sa_log_message(struct ike_sa *sa, const char *direction, const struct ike_message *message)
{
    if (!engine_logs(sa->engine, LOG_LEVEL_DEBUG))
        return;
    char text[768] = "";
    FILE *out = fmemopen(text, sizeof text, "w");
    if (out == NULL)
        return;
    ike_message_print(message, out);
    (void)fclose(out);
    char endpoints[2 * IP_TEXT_SIZE];
    ike_sa_log(sa, LOG_LEVEL_DEBUG, LOG_IKEV2, "%s %s: %s", direction, ike_sa_endpoints(sa, endpoints), text);
}
