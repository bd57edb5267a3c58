#include "daemon/keeper/keys.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/secret.h"
#include "config/identity.h"
#include "ike/services/certificate_job.h"
#include "ike/services/psk.h"
#include "ike/wire/numbers.h"

/* The address that an ID is; false if it is none. */
static bool identity_address(const struct identity *id, struct ip_address *out)
{
    enum ip_family family = IP_NONE;
    if (id->type == ID_IPV4_ADDR && id->length == 4)
        family = IP_V4;
    if (id->type == ID_IPV6_ADDR && id->length == 16)
        family = IP_V6;
    if (family == IP_NONE)
        return false;
    *out = ip_address_of(family, id->value);
    return true;
}

/* The key that the tunnel uses for the peer's ID, for ours; empty if the ID is not its own, or there is none.
 */
static struct octets peer_secret(const struct key_table *keys, const struct tunnel_policy *policy,
                                 const struct identity *id)
{
    bool is_its_own = identity_equal(id, &policy->remote_id);
    return key_table_secret(keys, is_its_own ? policy->remote_key : 0);
}

key_number keys_own_number(const struct key_table *keys, const struct tunnel_policy *policy,
                           const struct identity *id)
{
    struct ip_address source;
    if (policy->local_id.type != ID_NONE)
        return identity_equal(id, &policy->local_id) ? policy->local_key : 0;
    return identity_address(id, &source) ? key_table_local(keys, &source, policy->remote_key) : 0;
}

static struct octets own_secret(const struct key_table *keys, const struct tunnel_policy *policy,
                                const struct identity *id, struct ike_auth_result *out)
{
    key_number number = keys_own_number(keys, policy, id);
    struct ip_address source;
    if (policy->local_id.type == ID_NONE && identity_address(id, &source)) { /* S17 */
        out->own_key_line = key_table_line(keys, number);
        if (key_is_of_peer(number, &source, policy))
            (void)snprintf(out->own_text, sizeof(out->own_text), PSK_STANDS_IN);
    }
    return key_table_secret(keys, number);
}

/* ---- Pre-shared keys --------------------------------------------------------------------------------- */

static enum ike_auth_fault psk_verify(const struct own_keys *keys, const struct tunnel_policy *policy,
                                      const struct ike_auth_job *job)
{
    uint8_t expected[PRF_SIZE_MAX];
    const struct octets value = job->peer.value;
    size_t length = psk_auth_value(job->prf, peer_secret(keys->shared, policy, &job->peer.identity),
                                   job->peer.signed_octets, expected);
    bool right = value.length == length && secret_equal(value.at, expected, length);
    secret_wipe(expected, sizeof(expected));
    if (length == 0)
        return IKE_AUTH_NO_PEER_KEY;
    return right ? IKE_AUTH_OK : IKE_AUTH_WRONG;
}

static enum ike_auth_fault psk_sign(const struct own_keys *keys, const struct tunnel_policy *policy,
                                    const struct ike_auth_job *job, struct ike_auth_result *out,
                                    struct own_credential *credential)
{
    (void)credential;
    size_t length = psk_auth_value(job->prf, own_secret(keys->shared, policy, &job->own.identity, out),
                                   job->own.signed_octets, out->value);
    out->value_length = (uint16_t)length;
    out->method = AUTH_METHOD_PSK;
    return length > 0 ? IKE_AUTH_OK : IKE_AUTH_NO_OWN_KEY;
}

/* ---- Certificates ------------------------------------------------------------------------------------ */

/* The certificate of the store that has issued another one; NULL if there is none. */
static struct certificate *find_issuer(const struct pki_store *store, const struct certificate *certificate)
{
    const char *issuer = certificate_facts(certificate)->issuer;
    for (size_t i = 0; i < pki_store_count(store); i++) {
        const struct pki_content *content = &pki_store_at(store, i)->content;
        for (size_t j = 0; j < content->chain_length; j++) {
            if (strcmp(certificate_facts(content->chain[j])->subject, issuer) == 0 &&
                certificate_is_issued_by(certificate, content->chain[j]))
                return content->chain[j];
        }
    }
    return NULL;
}

/* Finds what signs. */
static enum ike_auth_fault certificate_sign(const struct own_keys *keys, const struct tunnel_policy *policy,
                                            const struct ike_auth_job *job, struct ike_auth_result *out,
                                            struct own_credential *credential)
{
    (void)out;
    const struct pki_entry *entry =
        keys->certificates != NULL ? pki_store_find(keys->certificates, policy->mycert) : NULL;
    bool is_ours = identity_equal(&job->own.identity, &policy->local_id);
    if (!is_ours || entry == NULL || entry->content.key == NULL || entry->content.chain_length == 0)
        return IKE_AUTH_NO_OWN_KEY;
    credential->key = private_key_hold(entry->content.key);
    credential->chain_length = entry->content.chain_length;
    for (size_t i = 0; i < credential->chain_length; i++)
        credential->chain[i] = certificate_hold(entry->content.chain[i]);
    struct certificate *issuer =
        find_issuer(keys->certificates, credential->chain[credential->chain_length - 1]);
    if (issuer != NULL)
        credential->issuer = certificate_hold(issuer);
    return IKE_AUTH_OK;
}

void keys_sign(const struct own_credential *credential, const struct ike_auth_job *job,
               struct ike_auth_result *out, struct writer *certificates)
{
    const struct certificate_signer signer = {credential->key, credential->chain, credential->chain_length,
                                              credential->issuer, time(NULL)};
    certificate_job_sign(job, &signer, out, certificates);
}

size_t own_credential_octets(const struct own_credential *credential)
{
    size_t size = 0;
    for (size_t i = 0; i < credential->chain_length; i++)
        size += sizeof(uint16_t) + certificate_der(credential->chain[i]).length;
    return size;
}

void own_credential_release(struct own_credential *credential)
{
    private_key_release(credential->key);
    certificate_release(credential->issuer);
    for (size_t i = 0; i < credential->chain_length; i++)
        certificate_release(credential->chain[i]);
    *credential = (struct own_credential){0};
}

/* ---- Methods ----------------------------------------------------------------------------------------- */

/* A way to prove an identity: the enum auth_kind of policies, the AUTH method of RFC 7296 3.8. */
static const struct auth_row {
    enum auth_kind kind;
    uint8_t method; /* enum auth_method, of a peer that is verified here */
    /* NULL: it is not done here */
    enum ike_auth_fault (*verify)(const struct own_keys *keys, const struct tunnel_policy *policy,
                                  const struct ike_auth_job *job);
    /* Sets the AUTH and its method, or the credential. */
    enum ike_auth_fault (*sign)(const struct own_keys *keys, const struct tunnel_policy *policy,
                                const struct ike_auth_job *job, struct ike_auth_result *out,
                                struct own_credential *credential);
} rows[] = {
    {AUTH_KIND_PSK, AUTH_METHOD_PSK, psk_verify, psk_sign},
    {AUTH_KIND_RSA, 0, NULL, certificate_sign},
};

/* The row of a kind; NULL if there is none. */
static const struct auth_row *row_of(enum auth_kind kind)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].kind == kind)
            return &rows[i];
    }
    return NULL;
}

void keys_authenticate(const struct own_keys *keys, const struct tunnel_policy *policy,
                       const struct ike_auth_job *job, struct ike_auth_result *out,
                       struct own_credential *credential)
{
    const struct auth_row *of_peer = row_of(policy->remote_auth);
    const struct auth_row *of_us = row_of(policy->local_auth);
    *out = (struct ike_auth_result){.fault = IKE_AUTH_OK};
    *credential = (struct own_credential){0};
    if (job->verify) {
        bool known = of_peer != NULL && of_peer->verify != NULL && of_peer->method == job->peer.method;
        out->fault = known ? of_peer->verify(keys, policy, job) : IKE_AUTH_NO_PEER_KEY;
    }
    if (!job->sign || out->fault != IKE_AUTH_OK)
        return;
    out->fault = of_us != NULL ? of_us->sign(keys, policy, job, out, credential) : IKE_AUTH_NO_OWN_KEY;
    if (out->fault != IKE_AUTH_OK)
        out->method = 0;
}
