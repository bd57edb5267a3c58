#include "check/swanctl_end.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "check/swanctl_proposal.h"
#include "config/identity.h"
#include "config/resolve.h"

/* ---- Looking for settings ---------------------------------------------------------------------------- */

static bool starts_with(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Settings that make no difference to whether two ends connect, or that the play sets itself. */
static bool is_of_no_account(const char *key)
{
    static const char *const keys[] = {
        "aggressive",    "version",      "mobike",     "dpd_",        "fragmentation", "keyingtries",
        "unique",        "rekey_",       "over_time",  "reauth_time", "rand_",         "life_",
        "start_action",  "close_action", "updown",     "policies",    "if_id_",        "mark_",
        "set_mark_",     "send_certreq", "send_cert",  "certs",       "cacerts",       "hw_offload",
        "replay_window", "copy_",        "priority",   "interface",   "tfc_padding",   "local_port",
        "remote_port",   "ocsp",         "revocation", "dscp",        "round",         "policies_fwd_out",
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (starts_with(key, keys[i]))
            return true;
    }
    return false;
}

static bool is_yes(const char *value)
{
    return strcasecmp(value, "yes") == 0 || strcmp(value, "1") == 0 || strcasecmp(value, "true") == 0;
}

/* ---- IDs and addresses ------------------------------------------------------------------------------- */

static struct identity text_identity(enum identity_type type, const char *text)
{
    struct identity id = {.type = (uint8_t)type};
    size_t length = strnlen(text, IDENTITY_SIZE);
    id.length = (uint16_t)length;
    memcpy(id.value, text, length);
    return id;
}

/* An ID as strongSwan takes it: by a prefix, else by its form. ID_NONE: any, or not supported here. */
static struct identity read_identity(const char *text)
{
    static const struct {
        const char *prefix;
        enum identity_type type;
    } prefixes[] = {{"keyid:", ID_KEY_ID},       {"fqdn:", ID_FQDN},         {"dns:", ID_FQDN},
                    {"rfc822:", ID_RFC822_ADDR}, {"email:", ID_RFC822_ADDR}, {"userfqdn:", ID_RFC822_ADDR}};
    struct ip_address address;
    if (starts_with(text, "ipv4:") || starts_with(text, "ipv6:"))
        text += 5;
    if (ip_address_parse(text, &address))
        return identity_of_address(&address);
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        if (starts_with(text, prefixes[i].prefix))
            return text_identity(prefixes[i].type, text + strlen(prefixes[i].prefix));
    }
    if (text[0] == '\0' || text[0] == '%' || strchr(text, '=') != NULL)
        return (struct identity){.type = ID_NONE};
    if (text[0] == '@')
        return text_identity(ID_FQDN, text + 1);
    return text_identity(strchr(text, '@') != NULL ? ID_RFC822_ADDR : ID_FQDN, text);
}

/* The first of a list of addresses with commas between, without what stands behind. */
static void first_word(const char *list, char out[FQDN_SIZE])
{
    list += strspn(list, " \t");
    (void)snprintf(out, FQDN_SIZE, "%.*s", (int)strcspn(list, ", \t"), list);
}

/* ---- A connection ------------------------------------------------------------------------------------ */

struct connection {
    struct pair_end *end;
    struct pair_tunnel *tunnel;
    const char *name;
    const char *child; /* the child that is read; NULL: none yet */
};

static void not_read(const struct connection *c, const struct swanctl_item *item, const char *why)
{
    diagnostics_add(&c->end->diagnostics, SEVERITY_WARNING, item->line, 0, NULL, "`%s` is not read%s",
                    item->key != NULL ? item->key : item->section[item->depth - 1], why);
}

static void hinder(const struct connection *c, const struct swanctl_item *item, const char *why)
{
    if (c->tunnel->hindrance != NULL)
        return;
    c->tunnel->hindrance = why;
    c->tunnel->hindrance_line = item->line;
    c->tunnel->policy.complete = false;
}

static void note_unusable(const struct connection *c, const struct swanctl_item *item,
                          const struct swanctl_proposals *p)
{
    if (p->unusable[0] != '\0')
        diagnostics_add(&c->end->diagnostics, SEVERITY_WARNING, item->line, 0, NULL,
                        "a proposal is not read: Musubi does not have %s", p->unusable);
    if (p->usable == 0)
        hinder(c, item, "it proposes nothing that Musubi has");
}

static void read_ike_proposals(const struct connection *c, const struct swanctl_item *item)
{
    struct tunnel_policy *policy = &c->tunnel->policy;
    const struct swanctl_proposals p = swanctl_proposals_read(item->value);
    note_unusable(c, item, &p);
    policy->ike = (struct ike_algorithms){p.encryption, p.integrity, p.prf, p.dh};
    policy->line[SETTING_IKE_ENCRYPTION] = policy->line[SETTING_IKE_INTEGRITY] =
        policy->line[SETTING_IKE_PRF] = policy->line[SETTING_IKE_DH] = item->line;
}

static void read_esp_proposals(const struct connection *c, const struct swanctl_item *item)
{
    struct tunnel_policy *policy = &c->tunnel->policy;
    const struct swanctl_proposals p = swanctl_proposals_read(item->value);
    note_unusable(c, item, &p);
    policy->child = (struct child_algorithms){p.encryption, p.integrity, p.dh, p.dh_none};
    policy->line[SETTING_CHILD_ENCRYPTION] = policy->line[SETTING_CHILD_INTEGRITY] =
        policy->line[SETTING_CHILD_PFS] = item->line;
}

static void read_remote_address(const struct connection *c, const struct swanctl_item *item)
{
    struct tunnel_policy *policy = &c->tunnel->policy;
    char word[FQDN_SIZE];
    first_word(item->value, word);
    policy->line[SETTING_PEER] = item->line;
    policy->peer_kind = PEER_FQDN;
    if (ip_address_parse(word, &policy->peer_address))
        policy->peer_kind = PEER_ADDRESS;
    else if (word[0] == '\0' || word[0] == '%' || strchr(word, '/') != NULL)
        policy->peer_kind = PEER_ANY;
    else
        (void)snprintf(policy->peer_fqdn, sizeof policy->peer_fqdn, "%s", word);
}

static void read_local_address(const struct connection *c, const struct swanctl_item *item)
{
    struct pair_address *source = &c->tunnel->source;
    char word[FQDN_SIZE];
    first_word(item->value, word);
    if (!ip_address_parse(word, &source->address))
        return;
    source->line = item->line;
    c->tunnel->is_dynamic = false;
    c->end->addresses[c->end->address_count++] = *source;
}

static void read_connection_setting(const struct connection *c, const struct swanctl_item *item)
{
    if (strcmp(item->key, "proposals") == 0)
        read_ike_proposals(c, item);
    else if (strcmp(item->key, "remote_addrs") == 0)
        read_remote_address(c, item);
    else if (strcmp(item->key, "local_addrs") == 0)
        read_local_address(c, item);
    else if (strcmp(item->key, "encap") == 0)
        c->tunnel->policy.nat_force = is_yes(item->value);
    else if (strcmp(item->key, "version") == 0 && strcmp(item->value, "1") == 0)
        hinder(c, item, "it is IKEv1, which Musubi does not speak");
    else if (!is_of_no_account(item->key))
        not_read(c, item, "");
}

static enum auth_kind read_auth(const struct connection *c, const struct swanctl_item *item)
{
    if (strcmp(item->value, "psk") == 0)
        return AUTH_KIND_PSK;
    if (starts_with(item->value, "eap") || starts_with(item->value, "xauth"))
        hinder(c, item, "Musubi has neither EAP nor XAuth");
    return AUTH_KIND_RSA;
}

/* `local…` and `remote…` sections. */
static void read_proof(const struct connection *c, const struct swanctl_item *item, bool local)
{
    struct tunnel_policy *policy = &c->tunnel->policy;
    if (strcmp(item->key, "auth") == 0) {
        *(local ? &policy->local_auth : &policy->remote_auth) = read_auth(c, item);
    } else if (strcmp(item->key, "id") == 0) {
        const struct identity id = read_identity(item->value);
        *(local ? &policy->local_id : &policy->remote_id) = id;
        policy->line[local ? SETTING_LOCAL_AUTHENTICATION : SETTING_PEER] = item->line;
        if (id.type == ID_NONE && item->value[0] != '%')
            not_read(c, item, ": this form of an ID is not supported");
    } else if (!is_of_no_account(item->key)) {
        not_read(c, item, "");
    }
}

/* "10.0.0.0/8", "10.0.0.1-10.0.0.9", "10.0.0.1", each perhaps with "[tcp/80]". */
static bool read_selector(const char *word, struct policy_selector *out)
{
    char text[128];
    char *dash;
    struct ip_prefix prefix;
    unsigned port = 0;
    (void)snprintf(text, sizeof text, "%.*s", (int)strcspn(word, "["), word);
    *out = (struct policy_selector){.last_port = UINT16_MAX};
    const char *filter = strchr(word, '[');
    if (filter != NULL) {
        out->protocol = starts_with(filter, "[tcp") ? 6 : starts_with(filter, "[udp") ? 17 : 0;
        if (out->protocol == 0)
            return false;
        if (sscanf(filter + 4, "/%u]", &port) == 1)
            out->first_port = out->last_port = (uint16_t)port;
    }
    if (ip_prefix_parse(text, &prefix)) {
        out->first = ip_prefix_first(&prefix);
        out->last = ip_prefix_last(&prefix);
        return true;
    }
    if ((dash = strchr(text, '-')) != NULL) {
        *dash = '\0';
        return ip_address_parse(text, &out->first) && ip_address_parse(dash + 1, &out->last);
    }
    if (!ip_address_parse(text, &out->first))
        return false;
    out->last = out->first;
    return true;
}

static void read_selectors(const struct connection *c, const struct swanctl_item *item, bool local)
{
    struct tunnel_policy *policy = &c->tunnel->policy;
    struct policy_selector *list = local ? policy->local_ts : policy->remote_ts;
    uint8_t count = 0;
    char *copy = strdup(item->value);
    char *rest;
    for (char *word = copy != NULL ? strtok_r(copy, ", \t", &rest) : NULL; word != NULL;
         word = strtok_r(NULL, ", \t", &rest)) {
        if (count == POLICY_SELECTORS_MAX || !read_selector(word, &list[count])) {
            not_read(c, item, ": a selector of this form, or so many of them, are not supported here");
            count = 0;
            break;
        }
        count++;
    }
    free(copy);
    *(local ? &policy->local_ts_count : &policy->remote_ts_count) = count;
    policy->line[local ? SETTING_LOCAL_TS : SETTING_REMOTE_TS] = item->line;
}

static void read_child_setting(struct connection *c, const struct swanctl_item *item)
{
    const char *child = item->section[3];
    if (c->child == NULL)
        c->child = child;
    if (strcmp(c->child, child) != 0) {
        if (item->key == NULL)
            diagnostics_add(&c->end->diagnostics, SEVERITY_WARNING, item->line, 0, NULL,
                            "the child `%s` is not read: only the first one of a connection is", child);
        return;
    }
    if (item->key == NULL)
        return;
    if (strcmp(item->key, "esp_proposals") == 0)
        read_esp_proposals(c, item);
    else if (strcmp(item->key, "local_ts") == 0)
        read_selectors(c, item, true);
    else if (strcmp(item->key, "remote_ts") == 0)
        read_selectors(c, item, false);
    else if (strcmp(item->key, "ah_proposals") == 0)
        hinder(c, item, "Musubi has no AH");
    else if (strcmp(item->key, "mode") == 0 && strcmp(item->value, "tunnel") != 0)
        hinder(c, item, "it wants another mode than tunnel mode");
    else if (strcmp(item->key, "mode") != 0 && !is_of_no_account(item->key))
        not_read(c, item, "");
}

/* ---- The whole file ---------------------------------------------------------------------------------- */

static void begin_connection(struct connection *c, const struct swanctl_item *item)
{
    struct pair_end *end = c->end;
    struct tunnel_policy policy = policy_default();
    c->tunnel = &end->tunnels[end->tunnel_count++];
    c->name = item->section[1];
    c->child = NULL;
    (void)snprintf(policy.name, sizeof policy.name, "%s", c->name);
    policy.tunnel = ((uint32_t)end->tunnel_count << 16) + 1;
    policy.defined = policy.complete = true;
    policy.peer_kind = PEER_ANY;
    policy.local_auth = policy.remote_auth = AUTH_KIND_RSA;
    policy.nat_traversal = true;
    *c->tunnel = (struct pair_tunnel){
        .policy = policy, .line = item->line, .mtu = PAIR_MTU_DEFAULT, .is_dynamic = true};
}

static void read_connection_item(struct connection *c, const struct swanctl_item *item)
{
    const char *part = item->section[2];
    if (item->depth == 2 && item->key == NULL)
        begin_connection(c, item);
    else if (item->depth == 2)
        read_connection_setting(c, item);
    else if (item->depth == 3 && item->key == NULL)
        return;
    else if (item->depth == 3 && (starts_with(part, "local") || starts_with(part, "remote")))
        read_proof(c, item, starts_with(part, "local"));
    else if (item->depth == 4 && strcmp(part, "children") == 0)
        read_child_setting(c, item);
    else
        not_read(c, item, "");
}

/* Without a selector strongSwan means the address of the end itself. */
static void complete_tunnel(struct pair_end *end, struct pair_tunnel *tunnel)
{
    struct tunnel_policy *policy = &tunnel->policy;
    if (policy->local_ts_count == 0 || policy->remote_ts_count == 0)
        diagnostics_add(
            &end->diagnostics, SEVERITY_WARNING, tunnel->line, 0, NULL,
            "%s has no local_ts, or no remote_ts, that is read: all addresses are taken in its place",
            policy->name);
}

bool swanctl_end_read(struct pair_end *end, const struct swanctl_file *file)
{
    struct connection c = {.end = end};
    end->tunnels = calloc(file->count + 1, sizeof *end->tunnels);
    end->addresses = calloc(file->count + 1, sizeof *end->addresses);
    if (end->tunnels == NULL || end->addresses == NULL)
        return false;
    for (size_t i = 0; i < file->count; i++) {
        const struct swanctl_item *item = &file->items[i];
        bool is_connection = item->depth >= 2 && strcmp(item->section[0], "connections") == 0;
        if (is_connection)
            read_connection_item(&c, item);
        else if (item->depth == 1 && item->key == NULL && strcmp(item->section[0], "connections") != 0 &&
                 strcmp(item->section[0], "secrets") != 0)
            not_read(&c, item, "");
    }
    for (size_t i = 0; i < end->tunnel_count; i++)
        complete_tunnel(end, &end->tunnels[i]);
    diagnostics_sort(&end->diagnostics);
    return true;
}

/* ---- Secrets ----------------------------------------------------------------------------------------- */

/* What one secret names. */
struct named {
    bool own, peer, any;
    const char *secret;
};

static unsigned points_of(const struct named *n)
{
    if (n->secret == NULL || (n->any && !n->own && !n->peer))
        return 0;
    return 1U + n->own + n->peer;
}

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

/* "0x…", "0s…", or characters. */
static struct octets decode_secret(const char *secret, uint8_t room[SWANCTL_KEY_MAX])
{
    size_t length = 0;
    unsigned octet;
    if (starts_with(secret, "0x")) {
        for (secret += 2; length < SWANCTL_KEY_MAX && sscanf(secret, "%2x", &octet) == 1; secret += 2)
            room[length++] = (uint8_t)octet;
    } else if (starts_with(secret, "0s")) {
        uint32_t bits = 0;
        unsigned count = 0;
        for (secret += 2; length < SWANCTL_KEY_MAX && base64_digit(*secret) >= 0; secret++) {
            bits = bits << 6 | (uint32_t)base64_digit(*secret);
            count += 6;
            if (count < 8)
                continue;
            count -= 8;
            room[length++] = (uint8_t)(bits >> count);
        }
    } else {
        length = strnlen(secret, SWANCTL_KEY_MAX);
        memcpy(room, secret, length);
    }
    return (struct octets){room, length};
}

static void note_named(struct named *n, const struct swanctl_item *item, const struct identity *own,
                       const struct identity *peer)
{
    if (strcmp(item->key, "secret") == 0) {
        n->secret = item->value;
        return;
    }
    const struct identity id = read_identity(item->value);
    n->any = true;
    n->own = n->own || identity_equal(&id, own);
    n->peer = n->peer || identity_equal(&id, peer);
}

struct octets swanctl_key(const struct swanctl_file *file, const struct identity *own,
                          const struct identity *peer, uint8_t room[SWANCTL_KEY_MAX])
{
    struct named best = {0};
    struct named now = {0};
    for (size_t i = 0; i <= file->count; i++) {
        const struct swanctl_item *item = i < file->count ? &file->items[i] : NULL;
        if (item == NULL || item->key == NULL) {
            best = points_of(&now) > points_of(&best) ? now : best;
            now = (struct named){0};
        } else if (item->depth == 2 && strcmp(item->section[0], "secrets") == 0 &&
                   starts_with(item->section[1], "ike") &&
                   (strcmp(item->key, "secret") == 0 || starts_with(item->key, "id"))) {
            note_named(&now, item, own, peer);
        }
    }
    return points_of(&best) > 0 ? decode_secret(best.secret, room) : (struct octets){NULL, 0};
}
