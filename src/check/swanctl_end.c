#include "check/swanctl_end.h"

#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "check/swanctl_proposal.h"
#include "check/swanctl_secret.h"
#include "config/resolve.h"

/* ---- Looking for settings ---------------------------------------------------------------------------- */

static bool starts_with(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Settings that make no difference to whether two ends connect, or that the play sets itself. */
static bool makes_no_difference(const char *key)
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

/* ---- Addresses --------------------------------------------------------------------------------------- */

/* The first of a list of addresses with commas between, without what stands behind. */
static void first_word(const char *list, char out[FQDN_SIZE])
{
    list += strspn(list, " \t");
    (void)snprintf(out, FQDN_SIZE, "%.*s", (int)strcspn(list, ", \t"), list);
}

/* ---- A connection ------------------------------------------------------------------------------------ */

struct connection {
    struct pair_end *end;
    struct pair_tunnel *tunnel; /* NULL: none yet */
    const char *name;
    const char *child; /* the child that is read; NULL: none yet */
};

static void not_read(const struct connection *c, const struct swanctl_item *item, const char *why)
{
    diagnostics_add(&c->end->diagnostics, SEVERITY_WARNING, item->line, 0, NULL, "`%s` is not read%s",
                    item->key != NULL ? item->key : item->section[item->depth - 1], why);
}

static void hinder(struct connection *c, const struct swanctl_item *item, const char *why)
{
    if (c->tunnel->hindrance != NULL)
        return;
    c->tunnel->hindrance = why;
    c->tunnel->hindrance_line = item->line;
    c->tunnel->policy.complete = false;
}

static void note_unusable(struct connection *c, const struct swanctl_item *item,
                          const struct swanctl_proposals *p)
{
    if (p->unusable[0] != '\0')
        diagnostics_add(&c->end->diagnostics, SEVERITY_WARNING, item->line, 0, NULL,
                        "a proposal is not read: Musubi does not have %s", p->unusable);
    if (p->usable == 0)
        hinder(c, item, "it proposes nothing that Musubi has");
}

static void read_ike_proposals(struct connection *c, const struct swanctl_item *item)
{
    struct tunnel_policy *policy = &c->tunnel->policy;
    const struct swanctl_proposals p = swanctl_proposals_read(item->value);
    note_unusable(c, item, &p);
    policy->ike = (struct ike_algorithms){p.encryption, p.integrity, p.prf, p.dh};
    policy->line[SETTING_IKE_ENCRYPTION] = policy->line[SETTING_IKE_INTEGRITY] =
        policy->line[SETTING_IKE_PRF] = policy->line[SETTING_IKE_DH] = item->line;
}

static void read_esp_proposals(struct connection *c, const struct swanctl_item *item)
{
    struct tunnel_policy *policy = &c->tunnel->policy;
    const struct swanctl_proposals p = swanctl_proposals_read(item->value);
    note_unusable(c, item, &p);
    policy->child = (struct child_algorithms){p.encryption, p.integrity, p.dh, p.dh_none};
    policy->line[SETTING_CHILD_ENCRYPTION] = policy->line[SETTING_CHILD_INTEGRITY] =
        policy->line[SETTING_CHILD_PFS] = item->line;
}

static void tell_of_more_addresses(const struct connection *c, const struct swanctl_item *item)
{
    if (strchr(item->value, ',') != NULL)
        diagnostics_add(&c->end->diagnostics, SEVERITY_WARNING, item->line, 0, NULL,
                        "of the addresses in `%s` only the first is read", item->key);
}

static void read_remote_address(const struct connection *c, const struct swanctl_item *item)
{
    struct tunnel_policy *policy = &c->tunnel->policy;
    char word[FQDN_SIZE];
    first_word(item->value, word);
    tell_of_more_addresses(c, item);
    policy->line[SETTING_PEER] = c->tunnel->peer_address_line = item->line;
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
    tell_of_more_addresses(c, item);
    if (!ip_address_parse(word, &source->address))
        return;
    source->line = item->line;
    c->tunnel->is_dynamic = false;
    c->end->addresses[c->end->address_count++] = *source;
}

static void read_connection_setting(struct connection *c, const struct swanctl_item *item)
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
    else if (!makes_no_difference(item->key))
        not_read(c, item, "");
}

static enum auth_kind read_auth(struct connection *c, const struct swanctl_item *item)
{
    if (strcmp(item->value, "psk") == 0)
        return AUTH_KIND_PSK;
    if (starts_with(item->value, "eap") || starts_with(item->value, "xauth"))
        hinder(c, item, "Musubi has neither EAP nor XAuth");
    return AUTH_KIND_RSA;
}

/* ID_NONE: the own address; or, of the peer, any that has a key. */
static struct identity read_id(struct connection *c, const struct swanctl_item *item, bool local)
{
    const struct identity none = {.type = ID_NONE};
    if (!local && strchr(item->value, '*') != NULL) {
        not_read(c, item, ": it has a wildcard, and any ID is taken in its place");
        return none;
    }
    const struct identity id = swanctl_identity(item->value);
    if (id.type == ID_NONE && item->value[0] != '\0' && item->value[0] != '%')
        hinder(c, item, "its ID has a form that is not supported here");
    return id;
}

/* `local…` and `remote…` sections. */
static void read_proof(struct connection *c, const struct swanctl_item *item, bool local)
{
    struct tunnel_policy *policy = &c->tunnel->policy;
    if (strcmp(item->key, "auth") == 0) {
        *(local ? &policy->local_auth : &policy->remote_auth) = read_auth(c, item);
        *(local ? &c->tunnel->local_auth_line : &c->tunnel->remote_auth_line) = item->line;
    } else if (strcmp(item->key, "id") == 0) {
        policy->line[local ? SETTING_LOCAL_AUTHENTICATION : SETTING_PEER] = item->line;
        *(local ? &policy->local_id : &policy->remote_id) = read_id(c, item, local);
    } else if (!makes_no_difference(item->key)) {
        not_read(c, item, "");
    }
}

/* "[tcp/80]", "[udp]", "[6/1000-2000]"; false if it has another form. */
static bool read_protocol_and_port(const char *text, struct policy_selector *out)
{
    static const struct {
        const char *name;
        uint8_t number;
    } protocols[] = {{"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}, {"icmp", IPPROTO_ICMP}};
    unsigned long number = 0;
    char *end = NULL;
    text++;
    size_t length = strcspn(text, "/]");
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++) {
        if (strlen(protocols[i].name) == length && strncmp(text, protocols[i].name, length) == 0)
            number = protocols[i].number;
    }
    if (number == 0 && ((number = strtoul(text, &end, 10)) > UINT8_MAX || end != text + length))
        return false;
    out->protocol = (uint8_t)number;
    text += length;
    if (strcmp(text, "]") == 0 || strcmp(text, "/%any]") == 0)
        return true;
    if (*text != '/' || !isdigit((unsigned char)text[1]))
        return false;
    unsigned long first = strtoul(text + 1, &end, 10);
    unsigned long last = *end == '-' ? strtoul(end + 1, &end, 10) : first;
    out->first_port = (uint16_t)first;
    out->last_port = (uint16_t)last;
    return first <= last && last <= UINT16_MAX && strcmp(end, "]") == 0;
}

/* "10.0.0.0/8", "10.0.0.1-10.0.0.9", "10.0.0.1", each perhaps with a protocol and a port. */
static bool read_selector(const char *word, struct policy_selector *out)
{
    char text[128];
    char *dash;
    struct ip_prefix prefix;
    (void)snprintf(text, sizeof text, "%.*s", (int)strcspn(word, "["), word);
    *out = (struct policy_selector){.last_port = UINT16_MAX};
    const char *filter = strchr(word, '[');
    if (filter != NULL && !read_protocol_and_port(filter, out))
        return false;
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
    bool is_dynamic = strcmp(item->value, "dynamic") == 0; /* as without: see complete_tunnel */
    char *copy = is_dynamic ? NULL : strdup(item->value);
    char *rest;
    for (char *word = copy != NULL ? strtok_r(copy, ", \t", &rest) : NULL; word != NULL;
         word = strtok_r(NULL, ", \t", &rest)) {
        if (count == POLICY_SELECTORS_MAX || !read_selector(word, &list[count])) {
            not_read(
                c, item,
                ": a selector of this form, or so many of them, are not supported here; all addresses are "
                "taken in its place");
            list[0] = (struct policy_selector){.last_port = UINT16_MAX};
            count = 1;
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
    else if (strcmp(item->key, "mode") != 0 && !makes_no_difference(item->key))
        not_read(c, item, "");
}

/* ---- The whole file ---------------------------------------------------------------------------------- */

/* `item` is the head of the connection, and its first item: those of a section that comes again follow too.
 */
static void begin_connection(struct connection *c, const struct swanctl_item *item)
{
    struct pair_end *end = c->end;
    struct tunnel_policy policy = policy_default();
    c->name = item->section[1];
    c->child = NULL;
    c->tunnel = &end->tunnels[end->tunnel_count++];
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
    if (c->tunnel == NULL || strcmp(c->name, item->section[1]) != 0)
        begin_connection(c, item);
    if (item->is_overridden || (item->key != NULL && item->value[0] == '\0')) /* as if it were not there */
        return;
    if (item->depth < 4 && item->key == NULL)
        return;
    if (item->depth == 2)
        read_connection_setting(c, item);
    else if (item->depth == 3 && (starts_with(part, "local") || starts_with(part, "remote")))
        read_proof(c, item, starts_with(part, "local"));
    else if (item->depth == 4 && strcmp(part, "children") == 0)
        read_child_setting(c, item);
    else
        not_read(c, item, "");
}

/* The selector of one address. */
static bool take_address(const struct ip_address *address, struct policy_selector *ts, uint8_t *count)
{
    if (*count > 0)
        return true;
    if (address == NULL || address->family == IP_NONE)
        return false;
    *ts = (struct policy_selector){.first = *address, .last = *address, .last_port = UINT16_MAX};
    *count = 1;
    return true;
}

/* Without a selector strongSwan means the address of the end itself. */
static void complete_tunnel(struct pair_end *end, struct pair_tunnel *tunnel)
{
    struct tunnel_policy *policy = &tunnel->policy;
    bool local = take_address(&tunnel->source.address, policy->local_ts, &policy->local_ts_count);
    bool remote = take_address(pair_tunnel_peer(tunnel), policy->remote_ts, &policy->remote_ts_count);
    if (!local || !remote)
        diagnostics_add(
            &end->diagnostics, SEVERITY_WARNING, tunnel->line, 0, NULL,
            "%s has no %s that is read, and no address that could stand for it: all addresses are "
            "taken in its place",
            policy->name,
            local    ? "remote_ts"
            : remote ? "local_ts"
                     : "local_ts and remote_ts");
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
                 strcmp(item->section[0], "secrets") != 0 && !item->is_referred_to)
            not_read(&c, item, "");
    }
    swanctl_secrets_check(file, &end->diagnostics);
    for (size_t i = 0; i < end->tunnel_count; i++)
        complete_tunnel(end, &end->tunnels[i]);
    diagnostics_sort(&end->diagnostics);
    return true;
}
