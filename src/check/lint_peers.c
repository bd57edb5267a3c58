#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "check/lint_rules.h"

/* ---- Names ----------------------------------------------------------------------------------------- */

/* True if all of a label are digits, or letters that look like them. */
static bool looks_like_number(const char *label, size_t length)
{
    return length <= 3 && strspn(label, "0123456789lLiIoOsSbBzZ") >= length;
}

/* True for a word of four labels that look like numbers, of which two are (`10.2.0.l`), and for one whose
 * last label begins with a digit, as that of no domain name does (RFC 3696 2). */
static bool looks_like_address(const char *word)
{
    size_t labels = 0, alike = 0, numbers = 0;
    const char *last = word;
    for (const char *at = word; *at != '\0'; at += at[0] == '.') {
        size_t length = strcspn(at, ".");
        labels++;
        alike += looks_like_number(at, length);
        numbers += strspn(at, "0123456789") >= length;
        last = at;
        at += length;
    }
    return (labels == 4 && alike == 4 && numbers >= 2) || (labels > 1 && isdigit((unsigned char)last[0]));
}

static bool has_name(const struct lint_tunnel *tunnel)
{
    return tunnel->policy->peer_kind == PEER_FQDN && tunnel->policy->line[SETTING_PEER] != 0;
}

void lint_mistyped_address(struct linting *lint)
{
    for (size_t i = 0; i < lint->tunnel_count; i++) {
        const struct lint_tunnel *tunnel = &lint->tunnels[i];
        if (has_name(tunnel) && looks_like_address(tunnel->policy->peer_fqdn))
            lint_warn(lint, tunnel->peer, LINT_VALUES(tunnel->policy->name, tunnel->policy->peer_fqdn));
    }
}

void lint_name_without_dot(struct linting *lint)
{
    for (size_t i = 0; i < lint->tunnel_count; i++) {
        const struct lint_tunnel *tunnel = &lint->tunnels[i];
        if (has_name(tunnel) && strchr(tunnel->policy->peer_fqdn, '.') == NULL)
            lint_warn(lint, tunnel->peer, LINT_VALUES(tunnel->policy->name, tunnel->policy->peer_fqdn));
    }
}

/* ---- Ourselves ------------------------------------------------------------------------------------- */

void lint_peer_is_ourselves(struct linting *lint)
{
    for (size_t i = 0; i < lint->tunnel_count; i++) {
        const struct lint_tunnel *tunnel = &lint->tunnels[i];
        const struct tunnel_policy *policy = tunnel->policy;
        char address[IP_TEXT_SIZE], place[LINT_PLACE_SIZE];
        if (policy->peer_kind != PEER_ADDRESS)
            continue;
        const struct own_address *own = own_addresses_find(&lint->addresses, &policy->peer_address);
        if (own != NULL)
            lint_warn(lint, tunnel->peer,
                      LINT_VALUES(policy->name, ip_address_format(&policy->peer_address, address),
                                  lint_place(own->setting, place)));
    }
}

/* ---- How this device proves itself ----------------------------------------------------------------- */

/* S17: without local-authentication this device has its address as ID, and the key of that or of the peer. */
static bool is_unsaid(const struct lint_tunnel *tunnel)
{
    return tunnel->in_use && tunnel->policy->line[SETTING_LOCAL_AUTHENTICATION] == 0;
}

void lint_unsaid_authentication(struct linting *lint)
{
    for (size_t i = 0; i < lint->tunnel_count; i++) {
        const struct lint_tunnel *tunnel = &lint->tunnels[i];
        if (is_unsaid(tunnel) && tunnel->policy->remote_auth == AUTH_KIND_RSA)
            lint_warn(lint, tunnel->peer, LINT_VALUES(tunnel->policy->name));
    }
}

void lint_unused_certificate(struct linting *lint)
{
    for (size_t i = 0; i < lint->tunnel_count; i++) {
        const struct lint_tunnel *tunnel = &lint->tunnels[i];
        const struct setting *mycert = lint_setting_of(lint, tunnel, COMMAND_CERT_MYCERT);
        if (is_unsaid(tunnel) && tunnel->policy->remote_auth != AUTH_KIND_RSA && mycert != NULL)
            lint_warn(lint, mycert, LINT_VALUES(tunnel->policy->name));
    }
}
