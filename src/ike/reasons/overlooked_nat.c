#include "ike/reasons/overlooked_nat.h"

#include "config/setting_lines.h"
#include "ike/sa/ike_sa.h"

#include <stdio.h>

enum { SIGN_SIZE = IP_TEXT_SIZE + 64, MEND_SIZE = TUNNEL_NAME_SIZE + 160 };

static const char *side_of(const struct nat_signs *signs)
{
    if (signs->local && signs->remote)
        return "both ends";
    return signs->local ? "this end" : "the peer";
}

/* Whether there are signs of a NAT that the config overlooks; if so, writes which. */
static bool find_sign(const struct ike_sa *sa, char out[SIGN_SIZE])
{
    const struct nat_signs *signs = &sa->handshake->nat_signs;
    bool is_set = sa->tunnel->policy.nat_traversal;
    char text[IP_TEXT_SIZE];
    if (signs->peer_detects) {
        (void)snprintf(out, SIGN_SIZE, "the peer's NAT detection shows one in front of %s", side_of(signs));
        return !is_set && (signs->local || signs->remote);
    }
    if (signs->peer.port != IKE_PORT && signs->peer.port != IKE_NAT_PORT) {
        (void)snprintf(out, SIGN_SIZE, "its IKE comes from that port");
        return true;
    }
    (void)snprintf(out, SIGN_SIZE, "our address %s is private", ip_address_format(&sa->local.address, text));
    return ip_address_is_private(&sa->local.address) && !ip_address_is_private(&signs->peer.address);
}

/*
 * What is missing, and the mend. An initiator does not know whether it is set at the peer, which does NAT
 * detection only if it is asked to.
 */
static void write_mend(const struct ike_sa *sa, char out[MEND_SIZE])
{
    const struct tunnel_policy *policy = &sa->tunnel->policy;
    bool peer_detects = sa->handshake->nat_signs.peer_detects;
    const char *at_peer = sa->initiator ? " and nat-traversal at the peer, unless it is set there"
                                        : " and nat-traversal at the peer";
    if (policy->nat_traversal)
        (void)snprintf(
            out, MEND_SIZE,
            "but the peer does no NAT traversal, so ESP may not pass: set nat-traversal at the peer");
    else
        (void)snprintf(out, MEND_SIZE,
                       "but nat-traversal is %s, so ESP may not pass: set `ikev2 nat-traversal keepalive "
                       "20` in %s%s",
                       peer_detects || sa->initiator ? "not set here" : "set at neither end", policy->name,
                       peer_detects ? "" : at_peer);
}

void overlooked_nat_warn(const struct ike_sa *sa)
{
    struct ike_tunnel *tunnel = sa->tunnel;
    struct setting_lines lines = {0};
    char sign[SIGN_SIZE];
    char mend[MEND_SIZE];
    char peer[IP_TEXT_SIZE];
    char text[SETTING_LINES_TEXT_SIZE];
    if (tunnel->overlooked_nat_told || !find_sign(sa, sign))
        return;
    tunnel->overlooked_nat_told = true;
    write_mend(sa, mend);
    setting_lines_add(&lines, &tunnel->policy,
                      SETTING_BIT(SETTING_NAT_TRAVERSAL) | SETTING_BIT(SETTING_PEER));
    ike_sa_log(sa, LOG_LEVEL_WARN, LOG_IKEV2, "there seems to be a NAT between this end and %s (%s), %s; %s",
               ip_endpoint_format(&sa->handshake->nat_signs.peer, peer), sign, mend,
               setting_lines_format(&lines, text));
}
