#include "certificate_ends.h"

#include "config/identity.h"
#include "failure_case.h"
#include "pki/distinguished_name.h"
#include "pki/material.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { CHAIN_MAX = 3 };

/* A name in the store, the files of its chain, and whether it has a key. */
static const struct source {
    const char *name;
    const char *files[CHAIN_MAX];
    bool has_key;
} sources[] = {
    {"ca", {"ca"}, false},
    {"otherca", {"otherca"}, false},
    {"middle", {"middle"}, false},
    {"west", {"west", "ca"}, true},
    {"east", {"east"}, true},
    {"west-ec", {"west-ec"}, true},
    {"east-ec", {"east-ec"}, true},
    {"west-ed", {"west-ed"}, true},
    {"west-chain", {"west-low", "low", "middle"}, true},
    {"west-low", {"west-low"}, true},
    {"west-early", {"west-early"}, true},
    {"west-expired", {"west-expired"}, true},
    {"west-weak", {"west-weak"}, true},
    {"west-encipher", {"west-encipher"}, true},
    {"west-mail", {"west-mail"}, true},
    {"west-otherca", {"west-otherca"}, true},
    {"west-self", {"west-self"}, true},
    {"crlca", {"crlca"}, false},
    {"revoked", {"revoked"}, true},
    {"unrevoked", {"unrevoked"}, true},
    {"keyless", {"west"}, false},
};
enum { SOURCE_COUNT = sizeof sources / sizeof *sources };

static struct {
    bool read;
    struct certificate *chains[SOURCE_COUNT][CHAIN_MAX];
    struct private_key *keys[SOURCE_COUNT];
    struct sim_certificate entries[SOURCE_COUNT];
    struct crl *crl;
    struct sim_store store;
} kept;

static void read_source(size_t i)
{
    size_t length = 0;
    while (length < CHAIN_MAX && sources[i].files[length] != NULL) {
        kept.chains[i][length] = material_certificate(sources[i].files[length]);
        length++;
    }
    if (sources[i].has_key)
        kept.keys[i] = material_key(sources[i].files[0]);
    kept.entries[i] = (struct sim_certificate){sources[i].name, kept.chains[i], length, kept.keys[i]};
}

const struct sim_store *certificate_store(void)
{
    for (size_t i = 0; i < SOURCE_COUNT && !kept.read; i++)
        read_source(i);
    kept.read = true;
    crl_release(kept.crl);
    kept.crl = NULL;
    kept.store = (struct sim_store){kept.entries, SOURCE_COUNT, &kept.crl, 0};
    return &kept.store;
}

const struct sim_store *certificate_store_with_crl(const char *name)
{
    (void)certificate_store();
    kept.crl = material_crl(name);
    kept.store.crl_count = 1;
    return &kept.store;
}

int certificate_store_free(void **state)
{
    (void)state;
    (void)certificate_store();
    for (size_t i = 0; i < SOURCE_COUNT; i++) {
        for (size_t j = 0; j < CHAIN_MAX; j++)
            certificate_release(kept.chains[i][j]);
        private_key_release(kept.keys[i]);
    }
    memset(&kept, 0, sizeof kept);
    return 0;
}

const struct sim_certificate *certificate_entry(const char *name)
{
    (void)certificate_store();
    for (size_t i = 0; i < SOURCE_COUNT; i++) {
        if (strcmp(sources[i].name, name) == 0)
            return &kept.entries[i];
    }
    fail_msg("no certificate %s in the store", name);
    return NULL;
}

/* ---- Policies ---------------------------------------------------------------------------------------- */

/* An ID as it is written in the config. */
static struct identity identity_of(const char *words)
{
    struct identity id = {.type = ID_NONE};
    char type[16];
    const char *value = strchr(words, ' ') + 1;
    (void)snprintf(type, sizeof type, "%.*s", (int)(value - words - 1), words);
    struct ip_address address;
    static const struct {
        const char *word;
        uint8_t type;
    } types[] = {{"fqdn", ID_FQDN}, {"rfc822", ID_RFC822_ADDR}, {"keyid", ID_KEY_ID}};
    if (ip_address_parse(value, &address))
        return identity_of_address(&address);
    if (strcmp(type, "dn") == 0) {
        id.type = ID_DER_ASN1_DN;
        id.length = (uint16_t)dn_parse(value, id.value, sizeof id.value, NULL);
        assert_int_not_equal(id.length, 0);
        return id;
    }
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(types[i].word, type) == 0)
            id.type = types[i].type;
    }
    assert_int_not_equal(id.type, ID_NONE);
    id.length = (uint16_t)strlen(value);
    memcpy(id.value, value, id.length);
    return id;
}

struct tunnel_policy certificate_policy(uint32_t tunnel, const char *peer_address, const struct proof_of *own,
                                        const struct proof_of *peer, const char *cacert)
{
    struct tunnel_policy policy = world_default_policy(tunnel, peer_address, "unused", "unused");
    narrow_down(&policy);
    give_lines(&policy, 0);
    policy.line[SETTING_CERT_CACERT] = 41;
    policy.line[SETTING_CERT_MYCERT] = 42;
    policy.line[SETTING_CERT_WEAK] = 43;
    policy.local_id = identity_of(own->id);
    policy.remote_id = identity_of(peer->id);
    policy.local_auth = own->certificate != NULL ? AUTH_KIND_RSA : AUTH_KIND_PSK;
    policy.remote_auth = peer->certificate != NULL ? AUTH_KIND_RSA : AUTH_KIND_PSK;
    if (own->certificate != NULL)
        (void)snprintf(policy.mycert, sizeof policy.mycert, "%s", own->certificate);
    if (peer->certificate != NULL)
        (void)snprintf(policy.cacert, sizeof policy.cacert, "%s", cacert);
    return policy;
}
