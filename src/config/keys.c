#include "config/keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/secret.h"
#include "config/identity.h"

struct key {
    struct identity id;
    struct key *next;
    uint32_t line; /* of the config; or POLICY_LINE_TYPED */
    size_t length;
    uint8_t secret[];
};

struct key_table {
    struct map by_number;
    struct key *first;
};

static unsigned hex_digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* One octet of a key, which is written in characters, or in pairs of digits that value.c has checked. */
static uint8_t key_octet(const char *word, bool hex, size_t index)
{
    if (!hex)
        return (uint8_t)word[index];
    return (uint8_t)(hex_digit(word[2 * index]) << 4 | hex_digit(word[2 * index + 1]));
}

static struct key *key_new(const char *word, bool hex)
{
    size_t length = strlen(word) / (hex ? 2 : 1);
    struct key *key = malloc(sizeof *key + length);
    if (key == NULL)
        return NULL;
    key->length = length;
    for (size_t i = 0; i < length; i++)
        key->secret[i] = key_octet(word, hex, i);
    return key;
}

static bool add_key(struct key_table *keys, const struct setting *setting)
{
    const struct command_line *line = &setting->line;
    struct identity id;
    if (line_has(line, "secret") || !identity_of_line(line, &id))
        return true;
    struct key *key = key_new(line_argument(line, "key"), line_has(line, "hex"));
    if (key == NULL)
        return false;
    key->id = id;
    key->line = setting->source.line;
    key->next = keys->first;
    keys->first = key;
    key_number number = identity_hash(&id);
    while (number == 0 || map_find(&keys->by_number, number) != NULL)
        number++;
    return map_put(&keys->by_number, number, key);
}

struct key_table *key_table_new(const struct config *config)
{
    struct key_table *keys = calloc(1, sizeof *keys);
    if (keys == NULL)
        return NULL;
    keys->by_number = map_with_seed(0);
    const struct setting *s = section_setting(config_global(config), COMMAND_IKEV2_AUTHENTICATION);
    for (; s != NULL; s = setting_next_of_row(s)) {
        if (!add_key(keys, s)) {
            key_table_free(keys);
            return NULL;
        }
    }
    return keys;
}

void key_table_free(struct key_table *keys)
{
    if (keys == NULL)
        return;
    struct key *next;
    for (struct key *key = keys->first; key != NULL; key = next) {
        next = key->next;
        secret_free(key, sizeof *key + key->length);
    }
    map_free(&keys->by_number);
    free(keys);
}

bool config_has_keys(const struct config *config)
{
    const struct setting *s = section_setting(config_global(config), COMMAND_IKEV2_AUTHENTICATION);
    while (s != NULL && line_has(&s->line, "secret"))
        s = setting_next_of_row(s);
    return s != NULL;
}

key_number key_table_find(const struct key_table *keys, const struct identity *id)
{
    key_number number = identity_hash(id);
    const struct key *key;
    while ((key = map_find(&keys->by_number, number)) != NULL) {
        if (identity_equal(&key->id, id))
            return number;
        number++;
    }
    return 0;
}

struct octets key_table_secret(const struct key_table *keys, key_number number)
{
    const struct key *key = map_find(&keys->by_number, number);
    return key == NULL ? (struct octets){0} : (struct octets){key->secret, key->length};
}

uint32_t key_table_line(const struct key_table *keys, key_number number)
{
    const struct key *key = map_find(&keys->by_number, number);
    return key == NULL ? 0 : key->line;
}

key_number key_table_local(const struct key_table *keys, const struct ip_address *source,
                           key_number remote_key)
{
    struct identity id = identity_of_address(source);
    key_number own = key_table_find(keys, &id);
    return own != 0 ? own : remote_key;
}

bool key_is_of_peer(key_number own, const struct ip_address *source, const struct tunnel_policy *policy)
{
    const struct identity id = identity_of_address(source);
    return own != 0 && own == policy->remote_key && !identity_equal(&id, &policy->remote_id);
}
