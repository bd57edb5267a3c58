#include "daemon/show/ike_sa.h"

#include <inttypes.h>

#include "crypto/key_exchange.h"
#include "pki/distinguished_name.h"

/* ---- IDs ------------------------------------------------------------------------------------------- */

static const char *identity_type_name(uint8_t type)
{
    switch (type) {
    case ID_IPV4_ADDR:
        return "IPv4-ADDR";
    case ID_IPV6_ADDR:
        return "IPv6-ADDR";
    case ID_FQDN:
        return "FQDN";
    case ID_RFC822_ADDR:
        return "RFC822-ADDR";
    case ID_DER_ASN1_DN:
        return "DER-ASN1-DN";
    case ID_KEY_ID:
        return "KEY-ID";
    default:
        return "-";
    }
}

static bool is_printable(const uint8_t *octets, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (octets[i] < 0x20 || octets[i] > 0x7e)
            return false;
    }
    return length > 0;
}

static enum ip_family identity_family(const struct identity *id)
{
    if (id->type == ID_IPV4_ADDR && id->length == 4)
        return IP_V4;
    if (id->type == ID_IPV6_ADDR && id->length == 16)
        return IP_V6;
    return IP_NONE;
}

void show_identity(const struct identity *id, struct text *out)
{
    text_print(out, "%s ", identity_type_name(id->type));
    enum ip_family family = identity_family(id);
    if (family != IP_NONE) {
        struct ip_address address = ip_address_of(family, id->value);
        char text[IP_TEXT_SIZE];
        text_print(out, "%s", ip_address_format(&address, text));
        return;
    }
    const struct octets value = {id->value, id->length};
    if (id->type == ID_DER_ASN1_DN && dn_is_well_formed(value)) {
        char name[DN_TEXT_SIZE];
        text_print(out, "%s", dn_format(value, name));
        return;
    }
    bool is_text = id->type == ID_FQDN || id->type == ID_RFC822_ADDR || id->type == ID_KEY_ID;
    if (is_text && is_printable(id->value, id->length)) {
        text_append(out, (const char *)id->value, id->length);
    } else if (id->length > 0) {
        text_print(out, "0x");
        text_append_hex(out, id->value, id->length);
    }
}

/* ---- Parts of an IKE SA ---------------------------------------------------------------------------- */

uint64_t show_seconds_left(msec_t expires, msec_t now)
{
    return expires > now ? (expires - now) / 1000 : 0;
}

static const char *status_name(const struct ike_record *sa)
{
    switch (sa->state) {
    case IKE_SA_ESTABLISHED:
        return sa->replaced ? "rekeying" : "establish";
    case IKE_SA_DELETING:
        return "deleting";
    case IKE_SA_INITIATING:
    case IKE_SA_HALF_OPEN:
    case IKE_SA_AUTHENTICATING:
        break;
    }
    return "negotiating";
}

static void show_ends(const struct ike_record *sa, struct text *out)
{
    char text[IP_TEXT_SIZE];
    text_print(out, "    Direction : %s\n", sa->initiator ? "initiator" : "responder");
    text_print(out, "    Local Addr  : %s\n", ip_endpoint_format(&sa->local, text));
    text_print(out, "    Remote Addr : %s\n", ip_endpoint_format(&sa->remote, text));
    text_print(out, "    Local ID : ");
    show_identity(&sa->local_id, out);
    text_print(out, "\n    Peer ID  : ");
    show_identity(&sa->remote_id, out);
    text_print(out, "\n    Status : %s\n", status_name(sa));
    text_print(out, "    Local message ID : %" PRIu32 "\n", sa->request_id);
    text_print(out, "    Peer message ID  : %" PRIu32 "\n", sa->expected_id);
}

static void show_keys(const uint8_t *initiator, const uint8_t *responder, size_t size, struct text *out)
{
    text_print(out, "      initiator key : 0x");
    text_append_hex(out, initiator, size);
    text_print(out, "\n      responder key : 0x");
    text_append_hex(out, responder, size);
    text_print(out, "\n");
}

/* Keys in full: they serve to decrypt captures. An AEAD's end with its salt, as Wireshark wants it (S33). */
static void show_suite(const struct ike_record *sa, struct text *out)
{
    const struct ike_suite *suite = &sa->suite;
    if (suite->encryption != NULL) {
        text_print(out, "    Encryption alg : %s\n", suite->encryption->name);
        show_keys(sa->keys.ei, sa->keys.er, suite->encryption->key_size + suite->encryption->salt_size, out);
        text_print(out, "    Integrity alg : %s\n",
                   suite->integrity != NULL ? suite->integrity->name : "none");
        if (suite->integrity != NULL)
            show_keys(sa->keys.ai, sa->keys.ar, suite->integrity->key_size, out);
    }
    if (suite->prf != NULL)
        text_print(out, "    PRF alg  : %s\n", suite->prf->name);
    if (suite->dh != NULL)
        text_print(out, "    DH group : %s\n", suite->dh->name);
}

/* The group of the newest Child SA that was made with one, or else what the policy allows. */
static void show_pfs(const struct ike_record *sa, const struct tunnel_policy *policy, struct text *out)
{
    const struct ike_child_record *newest = NULL;
    for (size_t i = 0; i < sa->child_count; i++) {
        if (newest == NULL || sa->children[i].inbound.serial > newest->inbound.serial)
            newest = &sa->children[i];
    }
    const struct key_exchange_method *used = newest != NULL ? newest->suite.dh : NULL;
    text_print(out, "    PFS :");
    if (used != NULL) {
        text_print(out, " %s\n", used->name);
        return;
    }
    for (size_t i = 0; i < KEY_EXCHANGE_COUNT; i++) {
        if ((policy->child.pfs >> i & 1) != 0)
            text_print(out, " %s", key_exchange_methods[i].name);
    }
    text_print(out, "%s\n", policy->child.pfs == 0 ? " off" : "");
}

static const char *nat_side(const struct ike_record *sa)
{
    if (sa->nat_local && sa->nat_remote)
        return "both sides";
    if (sa->nat_local)
        return "local side";
    return sa->nat_remote ? "remote side" : "none";
}

static void show_policy(const struct ike_record *sa, const struct tunnel_policy *policy, struct text *out)
{
    show_pfs(sa, policy, out);
    if (policy->dpd_interval > 0)
        text_print(out, "    DPD : %" PRIu32 " sec\n", policy->dpd_interval);
    else
        text_print(out, "    DPD : disable\n");
    if (!sa->encapsulate)
        return;
    text_print(out, "    NAT detection : %s\n", nat_side(sa));
    text_print(out, "    NAT-T keepalive interval[sec] : %" PRIu32 "\n", policy->nat_keepalive);
}

bool show_child_is_live(const struct ike_child_record *child)
{
    return child->installed && !child->lingering;
}

const struct ike_child_record *show_live_child(const struct ike_record *sa)
{
    for (size_t i = 0; i < sa->child_count; i++) { /* newest first (S33) */
        if (show_child_is_live(&sa->children[i]))
            return &sa->children[i];
    }
    return NULL;
}

static void show_children(const struct ike_record *sa, msec_t now, struct text *out)
{
    text_print(out, "    Child\n      Prot SPI(IN)    SPI(OUT)   Lifetime[sec]\n");
    for (size_t i = 0; i < sa->child_count; i++) { /* newest first (S33) */
        const struct ike_child_record *child = &sa->children[i];
        if (show_child_is_live(child))
            text_print(out, "      ESP  0x%08" PRIx32 " 0x%08" PRIx32 " %" PRIu64 "\n", child->inbound.spi,
                       child->outbound.spi, show_seconds_left(child->expires, now));
    }
}

void show_ike_sa(const struct ike_record *sa, const struct tunnel_policy *policy, msec_t now,
                 struct text *out)
{
    text_print(out, "  SPI (I)0x%016" PRIx64 "  (R)0x%016" PRIx64 "\n", sa->spi_i, sa->spi_r);
    if (sa->expires == MSEC_NEVER)
        text_print(out, "    Remain lifetime[sec] : -\n");
    else
        text_print(out, "    Remain lifetime[sec] : %" PRIu64 "\n", show_seconds_left(sa->expires, now));
    text_print(out, "    Serial : %" PRIu32 "\n", sa->serial);
    show_ends(sa, out);
    show_suite(sa, out);
    show_policy(sa, policy, out);
    show_children(sa, now, out);
}
