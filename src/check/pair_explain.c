#include "check/pair_explain.h"

#include <stdio.h>

#include "base/short_text.h"
#include "config/gap.h"
#include "config/identity.h"

/* One side, as the findings about it are written. */
struct view {
    const struct pair_side *own, *other;
    const struct tunnel_policy *policy;
    unsigned side;
    struct pair_findings *findings;
};

static void say(const struct view *v, enum finding_kind kind, uint32_t line, const char *text)
{
    pair_findings_add(v->findings, kind, v->side, &line, 1, "%s", text);
}

static uint32_t line_of(const struct view *v, enum policy_setting setting)
{
    uint32_t line = v->policy->line[setting];
    return line != 0 ? line : v->own->tunnel->line;
}

/* ---- It cannot come up at all ------------------------------------------------------------------------ */

static void explain_state(const struct view *v)
{
    char gap[POLICY_GAP_TEXT_SIZE];
    if (v->policy->gap != GAP_NONE)
        pair_findings_add(v->findings, FINDING_FAILURE, v->side, &v->policy->gap_line, 1, "%s stays down: %s",
                          v->policy->name, policy_gap_text(v->policy, gap));
    if (v->policy->shut_down)
        pair_findings_add(v->findings, FINDING_FAILURE, v->side, (uint32_t[]){line_of(v, SETTING_SHUTDOWN)},
                          1, "%s is shut down", v->policy->name);
    if (v->own->tunnel->hindrance != NULL)
        pair_findings_add(v->findings, FINDING_FAILURE, v->side, &v->own->tunnel->hindrance_line, 1,
                          "%s can't be used: %s", v->policy->name, v->own->tunnel->hindrance);
    if (v->own->tunnel->down_interface != NULL)
        pair_findings_add(v->findings, FINDING_FAILURE, v->side, &v->own->tunnel->down_line, 1,
                          "%s, by which %s leaves, is shut down", v->own->tunnel->down_interface,
                          v->policy->name);
}

static bool can_come_up(const struct pair_side *side)
{
    return side->tunnel->policy.complete && !side->tunnel->policy.shut_down;
}

/* ---- Nobody begins, or nobody answers ---------------------------------------------------------------- */

static void explain_beginning(const struct view *v)
{
    if (v->policy->peer_kind == PEER_ANY)
        say(v, FINDING_FAILURE, line_of(v, SETTING_PEER),
            "nobody begins: with `peer any` this end waits for the other");
    else if (v->policy->direction == NEGOTIATE_RESPONDER)
        say(v, FINDING_FAILURE, line_of(v, SETTING_DIRECTION),
            "nobody begins: by its negotiation-direction this end only answers");
}

static void explain_answering(const struct view *v)
{
    if (v->policy->direction == NEGOTIATE_INITIATOR)
        say(v, FINDING_FAILURE, line_of(v, SETTING_DIRECTION),
            "nobody answers: by its negotiation-direction this end only begins");
}

/* ---- Addresses --------------------------------------------------------------------------------------- */

static void list_addresses(const struct pair_end *end, enum ip_family family, struct short_text *text)
{
    char address[IP_TEXT_SIZE];
    const char *separator = "";
    for (size_t i = 0; i < end->address_count; i++) {
        if (end->addresses[i].address.family != family)
            continue;
        short_text_add(text, "%s%s", separator, ip_address_format(&end->addresses[i].address, address));
        separator = ", ";
    }
    if (separator[0] == '\0')
        short_text_add(text, "none of IPv%d", (int)family);
}

/* It has no address from which its peer can be reached, so it sends nothing. */
static void explain_own_family(const struct view *v)
{
    const struct ip_address *peer = pair_tunnel_peer(v->own->tunnel);
    char text[IP_TEXT_SIZE];
    if (peer != NULL && peer->family != v->own->address.address.family)
        pair_findings_add(v->findings, FINDING_FAILURE, v->side, (uint32_t[]){line_of(v, SETTING_PEER)}, 1,
                          "it has no IPv%d address from which its peer, %s, could be reached",
                          (int)peer->family, ip_address_format(peer, text));
}

/* The peer that this side has is not where the other side is. */
static void explain_peer_address(const struct view *v)
{
    const struct ip_address *peer = pair_tunnel_peer(v->own->tunnel);
    const struct ip_address *place = &v->other->address.address;
    char peer_text[IP_TEXT_SIZE];
    char place_text[IP_TEXT_SIZE];
    char list[256];
    struct short_text text = short_text_in(list, sizeof list);
    if (peer == NULL || ip_address_equal(peer, place))
        return;
    (void)ip_address_format(peer, peer_text);
    (void)ip_address_format(place, place_text);
    if (pair_end_address(v->other->end, peer) != NULL) {
        pair_findings_add(v->findings, FINDING_FAILURE, v->side, (uint32_t[]){line_of(v, SETTING_PEER)}, 1,
                          "its peer is %s, and the other end sends from %s", peer_text, place_text);
        pair_findings_add(v->findings, FINDING_FAILURE, 1 - v->side, &v->other->address.line, 1,
                          "it sends from %s, and the other end's peer is %s", place_text, peer_text);
        return;
    }
    list_addresses(v->other->end, peer->family, &text);
    pair_findings_add(v->findings, FINDING_FAILURE, v->side, (uint32_t[]){line_of(v, SETTING_PEER)}, 1,
                      "its peer is %s, which is no address of the other end (%s); a NAT is not assumed",
                      peer_text, list);
    pair_findings_add(v->findings, FINDING_FAILURE, 1 - v->side, &v->other->address.line, 1,
                      "it is at %s, and the other end's peer is %s", place_text, peer_text);
}

/* The name of the peer stands for addresses of one family, and the other side has one of the other family. */
static void explain_family_of_name(const struct view *v)
{
    char text[IP_TEXT_SIZE];
    if (pair_name_fits(v->own, v->other))
        return;
    (void)ip_address_format(&v->other->address.address, text);
    pair_findings_add(v->findings, FINDING_FAILURE, v->side, (uint32_t[]){line_of(v, SETTING_PEER)}, 1,
                      "its peer is a name for IPv%d addresses, and the other end is at %s",
                      (int)v->policy->peer_family, text);
    pair_findings_add(v->findings, FINDING_FAILURE, 1 - v->side, &v->other->address.line, 1,
                      "it is at %s, and the other end's peer is a name for IPv%d addresses", text,
                      (int)v->policy->peer_family);
}

static void explain_same_address(const struct pair *pair, struct pair_findings *findings)
{
    char text[IP_TEXT_SIZE];
    if (!ip_address_equal(&pair->side[0].address.address, &pair->side[1].address.address))
        return;
    (void)ip_address_format(&pair->side[0].address.address, text);
    for (unsigned side = 0; side < 2; side++)
        pair_findings_add(findings, FINDING_FAILURE, side, &pair->side[side].address.line, 1,
                          "both ends have the address %s", text);
}

/* ---- Certificates ------------------------------------------------------------------------------------ */

bool pair_proofs_differ(const struct pair *pair)
{
    const struct tunnel_policy *a = &pair->side[0].tunnel->policy;
    const struct tunnel_policy *b = &pair->side[1].tunnel->policy;
    return a->local_auth != b->remote_auth || b->local_auth != a->remote_auth;
}

static const char *proof(enum auth_kind kind)
{
    return kind == AUTH_KIND_RSA ? "a certificate" : "a pre-shared key";
}

static void explain_proof(const struct view *v)
{
    const struct tunnel_policy *other = &v->other->tunnel->policy;
    uint32_t lines[] = {line_of(v, SETTING_LOCAL_AUTHENTICATION)};
    uint32_t other_lines[] = {other->line[SETTING_PEER]};
    if (v->policy->local_auth == other->remote_auth)
        return;
    pair_findings_add(v->findings, FINDING_FAILURE, v->side, lines, 1,
                      "it proves itself by %s, and the other end wants %s", proof(v->policy->local_auth),
                      proof(other->remote_auth));
    pair_findings_add(v->findings, FINDING_FAILURE, 1 - v->side, other_lines, 1,
                      "it wants its peer to prove itself by %s, and the peer does so by %s",
                      proof(other->remote_auth), proof(v->policy->local_auth));
}

static void tell_of_certificates(const struct view *v)
{
    uint32_t lines[] = {v->policy->line[SETTING_CERT_MYCERT], v->policy->line[SETTING_CERT_CACERT]};
    if (v->policy->local_auth == AUTH_KIND_RSA || v->policy->remote_auth == AUTH_KIND_RSA)
        pair_findings_add(v->findings, FINDING_UNCHECKED, v->side, lines, 2,
                          "its certificates are not checked, since they are in the device's store and not in "
                          "the file: a key stands in for them");
}

/* ---- What was assumed -------------------------------------------------------------------------------- */

static void tell_of_address(const struct view *v)
{
    char text[IP_TEXT_SIZE];
    if (!v->own->is_assigned)
        return;
    bool is_expected = pair_tunnel_peer(v->other->tunnel) != NULL;
    pair_findings_add(v->findings, FINDING_UNCHECKED, v->side, NULL, 0,
                      "the file does not tell its address: it is taken to be at %s%s",
                      ip_address_format(&v->own->address.address, text),
                      is_expected ? ", where the other end expects it" : "");
}

static void tell_of_name(const struct view *v)
{
    char text[IP_TEXT_SIZE];
    if (v->policy->peer_kind == PEER_FQDN && pair_name_fits(v->own, v->other))
        pair_findings_add(v->findings, FINDING_UNCHECKED, v->side, (uint32_t[]){line_of(v, SETTING_PEER)}, 1,
                          "the name %s is not looked up: it is taken to have the address %s",
                          v->policy->peer_fqdn, ip_address_format(&v->other->address.address, text));
}

/* ---- All of it --------------------------------------------------------------------------------------- */

static void explain_failure(const struct pair *pair, const struct pair_result *result,
                            const struct view views[2])
{
    bool nobody_begins = !pair_may_begin(&pair->side[0]) && !pair_may_begin(&pair->side[1]);
    bool both_could = can_come_up(&pair->side[0]) && can_come_up(&pair->side[1]);
    for (unsigned side = 0; side < 2; side++) {
        const struct view *v = &views[side];
        explain_state(v);
        explain_proof(v);
        if (both_could && nobody_begins)
            explain_beginning(v);
        if (both_could && result->begin[1 - side] == BEGIN_FAILS)
            explain_answering(v);
        explain_own_family(v);
        explain_peer_address(v);
        explain_family_of_name(v);
    }
    explain_same_address(pair, views[0].findings);
}

void pair_explain(const struct pair *pair, struct pair_result *result)
{
    struct view views[2];
    for (unsigned side = 0; side < 2; side++) {
        const struct pair_side *own = &pair->side[side];
        views[side] =
            (struct view){own, &pair->side[1 - side], &own->tunnel->policy, side, &result->findings};
    }
    if (!result->connects)
        explain_failure(pair, result, views);
    for (unsigned side = 0; side < 2; side++) {
        tell_of_address(&views[side]);
        tell_of_name(&views[side]);
        tell_of_certificates(&views[side]);
    }
}

/* ---- A tunnel without a partner ---------------------------------------------------------------------- */

/* A file with errors may have the tunnel that is missed. True if there is no such file. */
static bool tell_of_unknown_tunnels(const struct pair_end *ends, size_t count, struct short_text *text)
{
    bool all_known = true;
    for (size_t i = 0; i < count; i++) {
        if (ends[i].is_sound)
            continue;
        short_text_add(text, "; the tunnels of %s are not known, since it has errors", ends[i].path);
        all_known = false;
    }
    return all_known;
}

/* Which other file has the address of the peer. */
static void tell_of_peer(const struct pair_end *ends, size_t count, const struct pair_end *end,
                         const struct ip_address *peer, bool all_known, struct short_text *text)
{
    char address[IP_TEXT_SIZE];
    const struct pair_end *holder = NULL;
    for (size_t i = 0; holder == NULL && i < count; i++) {
        if (&ends[i] != end && pair_end_address(&ends[i], peer) != NULL)
            holder = &ends[i];
    }
    (void)ip_address_format(peer, address);
    if (holder == NULL && !all_known)
        short_text_add(text, "; its peer is %s", address);
    else
        short_text_add(text, "; its peer, %s, is an address of %s", address,
                       holder != NULL ? holder->path : "none of them");
}

const char *pair_explain_alone(const struct pair_end *ends, size_t count, const struct pair_end *end,
                               const struct pair_tunnel *tunnel, char out[PAIR_REASON_SIZE])
{
    const struct tunnel_policy *policy = &tunnel->policy;
    const struct ip_address *peer = pair_tunnel_peer(tunnel);
    struct short_text text = short_text_in(out, PAIR_REASON_SIZE);
    char id[IDENTITY_WORDS_SIZE];
    short_text_add(&text, "no tunnel of the other files faces it");
    if (policy->gap == GAP_MODE || policy->gap == GAP_PEER) {
        char gap[POLICY_GAP_TEXT_SIZE];
        short_text_add(&text, ": it has %s", policy_gap_text(policy, gap));
        return out;
    }
    bool all_known = tell_of_unknown_tunnels(ends, count, &text);
    if (peer != NULL)
        tell_of_peer(ends, count, end, peer, all_known, &text);
    if (policy->remote_id.type != ID_NONE)
        short_text_add(&text, "; the ID that it expects is %s", identity_words(&policy->remote_id, id));
    return out;
}
