#include "ike/reasons/unanswered.h"

#include "base/short_text.h"
#include "config/gap.h"
#include "ike/reasons/failure.h"
#include "ike/services/log.h"

#include <stdio.h>

enum {
    SHOWN_MAX = 3, /* tunnels of each kind */
    TEXT_SIZE = 1536,
};

/* ---- Which tunnels came near -------------------------------------------------------------------------- */

/* How near a tunnel's peer is to the sender of a message. */
enum nearness {
    NAMES_THE_SENDER,
    NAMES_NO_ADDRESS, /* any, or a name */
    NAMES_ANOTHER_ADDRESS,
    NEARNESS_COUNT,
    NAMES_NOBODY = NEARNESS_COUNT, /* its config has no peer, or one of the other family */
};

/* The tunnels of one kind; of those with another address, the ones that share most bits with the sender. */
struct near_tunnels {
    const struct ike_tunnel *first[SHOWN_MAX];
    size_t bits[SHOWN_MAX];
    size_t count;
};

static enum nearness nearness_of(const struct tunnel_policy *policy, const struct ip_address *sender)
{
    if (policy->peer_kind != PEER_ADDRESS)
        return NAMES_NO_ADDRESS;
    if (policy->peer_address.family != sender->family)
        return NAMES_NOBODY;
    return ip_address_equal(&policy->peer_address, sender) ? NAMES_THE_SENDER : NAMES_ANOTHER_ADDRESS;
}

static size_t common_bits(const struct ip_address *a, const struct ip_address *b)
{
    size_t bits = 8 * ip_address_size(a->family);
    for (size_t i = 0; i < bits; i++) {
        if (((a->octets[i / 8] ^ b->octets[i / 8]) & (0x80 >> i % 8)) != 0)
            return i;
    }
    return bits;
}

/* True if a tunnel stands before the one in place `at`: it shares more bits, or has a lower number. */
static bool is_before(const struct ike_tunnel *tunnel, size_t bits, const struct near_tunnels *of, size_t at)
{
    return bits > of->bits[at] ||
           (bits == of->bits[at] && tunnel->policy.tunnel < of->first[at]->policy.tunnel);
}

static void add_near(struct near_tunnels *of, const struct ike_tunnel *tunnel, size_t bits)
{
    size_t at = of->count < SHOWN_MAX ? of->count : SHOWN_MAX;
    of->count++;
    for (; at > 0 && is_before(tunnel, bits, of, at - 1); at--) {
        if (at < SHOWN_MAX) {
            of->first[at] = of->first[at - 1];
            of->bits[at] = of->bits[at - 1];
        }
    }
    if (at < SHOWN_MAX) {
        of->first[at] = tunnel;
        of->bits[at] = bits;
    }
}

static void find_near(const struct ike_engine *engine, const struct ip_address *sender,
                      struct near_tunnels near[NEARNESS_COUNT])
{
    const struct ike_tunnel *tunnel;
    LIST_FOREACH(tunnel, &engine->objects->tunnel_list, link)
    {
        enum nearness nearness = nearness_of(&tunnel->policy, sender);
        if (nearness == NAMES_NOBODY)
            continue;
        bool by_bits = nearness == NAMES_ANOTHER_ADDRESS;
        add_near(&near[nearness], tunnel, by_bits ? common_bits(&tunnel->policy.peer_address, sender) : 0);
    }
}

/* ---- What keeps each from answering ------------------------------------------------------------------- */

static void add_lines(struct short_text *text, const struct setting_lines *lines)
{
    char lines_text[SETTING_LINES_TEXT_SIZE];
    short_text_add(text, " (%s)", setting_lines_format(lines, lines_text));
}

static void add_line(struct short_text *text, const struct tunnel_policy *policy, setting_set settings)
{
    struct setting_lines lines = {0};
    setting_lines_add(&lines, policy, settings);
    add_lines(text, &lines);
}

static void add_gap(struct short_text *text, const struct tunnel_policy *policy)
{
    char gap[POLICY_GAP_TEXT_SIZE];
    struct setting_lines lines = {0};
    short_text_add(text, "is not complete: %s", policy_gap_text(policy, gap));
    setting_lines_add_line(&lines, policy->gap_line);
    if (policy->gap_line != 0)
        add_lines(text, &lines);
}

static void add_source(struct short_text *text, const struct ike_tunnel *tunnel)
{
    const struct tunnel_policy *policy = &tunnel->policy;
    char address[IP_TEXT_SIZE];
    if (policy->source_kind == SOURCE_INTERFACE)
        short_text_add(text, "answers only at the address of %s, %s", policy->source_interface,
                       ip_address_format(&tunnel->route.local, address));
    else
        short_text_add(text, "answers only at %s", ip_address_format(&policy->source_address, address));
    add_line(text, policy, SETTING_BIT(SETTING_SOURCE_ADDRESS));
}

static void add_obstacle(struct short_text *text, const struct ike_tunnel *tunnel,
                         const struct arrival *arrival)
{
    const struct tunnel_policy *policy = &tunnel->policy;
    switch (candidate_obstacle(tunnel, arrival)) {
    case OBSTACLE_GAP:
        add_gap(text, policy);
        break;
    case OBSTACLE_SHUT_DOWN:
        short_text_add(text, "is shut down");
        add_line(text, policy, SETTING_BIT(SETTING_SHUTDOWN));
        break;
    case OBSTACLE_DIRECTION:
        short_text_add(text, "only begins negotiations, and answers none");
        add_line(text, policy, SETTING_BIT(SETTING_DIRECTION));
        short_text_add(text, ": if the peer is `initiator` too, neither answers, and one has to be `both`");
        break;
    case OBSTACLE_NO_SOURCE:
        short_text_add(text, "has no address to answer from: %s has none", policy->source_interface);
        add_line(text, policy, SETTING_BIT(SETTING_SOURCE_ADDRESS));
        break;
    case OBSTACLE_NO_INTERFACE:
        short_text_add(text, "has no outgoing interface: %s is missing or down", policy->out_interface);
        add_line(text, policy, SETTING_BIT(SETTING_OUTGOING_INTERFACE));
        break;
    case OBSTACLE_SOURCE:
        add_source(text, tunnel);
        break;
    case OBSTACLE_INTERFACE:
        short_text_add(text, "answers only on %s", policy->out_interface);
        add_line(text, policy, SETTING_BIT(SETTING_OUTGOING_INTERFACE));
        break;
    case OBSTACLE_FAMILY_OF_THE_NAME:
        short_text_add(text, "has a peer with %s addresses only",
                       policy->peer_family == IP_V4 ? "IPv4" : "IPv6");
        add_line(text, policy, PEER_SETTING);
        break;
    case OBSTACLE_NONE:
        short_text_add(text, "could not be looked up for want of memory");
        break;
    }
}

/* ---- The line ----------------------------------------------------------------------------------------- */

static size_t shown_of(const struct near_tunnels *near)
{
    return near->count < SHOWN_MAX ? near->count : SHOWN_MAX;
}

static void add_rest(struct short_text *text, const struct near_tunnels *near)
{
    if (near->count > SHOWN_MAX)
        short_text_add(text, ", and %zu more", near->count - SHOWN_MAX);
}

/* "Tunnel0.0 has this peer, but is shut down (line 9)": what keeps each tunnel of a kind. */
static void add_obstacles(struct short_text *text, const struct near_tunnels *near, const char *whose_peer,
                          const struct arrival *arrival)
{
    for (size_t i = 0; i < shown_of(near); i++) {
        short_text_add(text, "%s%s %s, but ", i > 0 ? "; " : "", near->first[i]->policy.name, whose_peer);
        add_obstacle(text, near->first[i], arrival);
    }
    add_rest(text, near);
}

/* "Tunnel0.0 has 10.1.0.2 (line 31)": the peers of tunnels with an address. */
static void add_peers(struct short_text *text, const struct near_tunnels *near)
{
    char address[IP_TEXT_SIZE];
    for (size_t i = 0; i < shown_of(near); i++) {
        const struct tunnel_policy *policy = &near->first[i]->policy;
        short_text_add(text, "%s%s has %s", i > 0 ? ", " : "", policy->name,
                       ip_address_format(&policy->peer_address, address));
        add_line(text, policy, PEER_SETTING);
    }
    add_rest(text, near);
}

static void write_reason(struct short_text *text, const struct near_tunnels near[NEARNESS_COUNT],
                         const struct arrival *arrival)
{
    char address[IP_TEXT_SIZE];
    if (near[NAMES_THE_SENDER].count > 0) {
        add_obstacles(text, &near[NAMES_THE_SENDER], "has this peer", arrival);
        if (near[NAMES_NO_ADDRESS].count == 0)
            return;
        short_text_add(text, "; ");
    } else {
        short_text_add(text, "no tunnel has the peer %s%s",
                       ip_address_format(&arrival->remote->address, address),
                       near[NAMES_NO_ADDRESS].count > 0 ? "; " : ", and none has `peer any` or a name");
    }
    add_obstacles(text, &near[NAMES_NO_ADDRESS], "has a peer without a fixed address", arrival);
    if (near[NAMES_THE_SENDER].count > 0 || near[NAMES_ANOTHER_ADDRESS].count == 0)
        return;
    short_text_add(text, "; the nearest peers: ");
    add_peers(text, &near[NAMES_ANOTHER_ADDRESS]);
}

/* True if a peer with that address, which differs from the configured one, is likely to be meant by it. */
static bool is_alike(const struct near_tunnels *near, const struct ip_address *sender)
{
    return near->count == 1 && near->bits[0] >= 4 * ip_address_size(sender->family); /* half of it */
}

/*
 * The tunnels that a negotiation from there may have been meant for, though none may answer it: those that
 * name the sender; else those without a fixed address; else the only one, if the sender's address is like its
 * peer's. NULL if there are none, or so many that no one is meant more than others.
 */
static const struct near_tunnels *meant_by(const struct near_tunnels near[NEARNESS_COUNT],
                                           const struct ip_address *sender)
{
    const struct near_tunnels *meant = &near[NAMES_THE_SENDER];
    if (meant->count == 0)
        meant = &near[NAMES_NO_ADDRESS];
    if (meant->count == 0 && is_alike(&near[NAMES_ANOTHER_ADDRESS], sender))
        meant = &near[NAMES_ANOTHER_ADDRESS];
    return meant->count > 0 && meant->count <= SHOWN_MAX ? meant : NULL;
}

static void note_at_each(struct ike_engine *engine, const struct near_tunnels *meant, const char *line)
{
    for (size_t i = 0; meant != NULL && i < meant->count; i++)
        engine_note_failure(engine, IKE_STEP_SA_INIT, meant->first[i]->policy.tunnel, "%s", line);
}

/* All tunnels are looked through, for a message that anybody can send. */
static bool may_look(struct ike_engine *engine)
{
    enum { LOOKS_IN_A_SECOND = 20 };
    return ike_budget_spend(&engine->objects->unanswered_looks, LOOKS_IN_A_SECOND, engine->now);
}

/* True if the log is to tell of the sender now, at level warn; else it does so at level info. */
static bool is_to_be_told(struct ike_engine *engine, struct unanswered_senders *senders,
                          const struct arrival *arrival, const char *what)
{
    char remote[IP_TEXT_SIZE];
    char local[IP_TEXT_SIZE];
    enum unanswered_notice notice = unanswered_senders_note(senders, &arrival->remote->address, engine->now);
    if (notice == UNANSWERED_REST)
        engine_log(engine, LOG_LEVEL_WARN, LOG_IKEV2,
                   "%s from more than %d addresses is not answered: no other address is told at this level "
                   "for an hour, each message is at level info",
                   what, UNANSWERED_SENDERS_TOLD);
    if (notice != UNANSWERED_NEW)
        engine_log(engine, LOG_LEVEL_INFO, LOG_IKEV2, "%s from %s to %s dropped: no tunnel may answer it",
                   what, ip_endpoint_format(arrival->remote, remote),
                   ip_endpoint_format(arrival->local, local));
    return notice == UNANSWERED_NEW;
}

void unanswered_tell(struct ike_engine *engine, const struct arrival *arrival)
{
    char at[TEXT_SIZE];
    char remote[IP_TEXT_SIZE];
    char local[IP_TEXT_SIZE];
    char line[TEXT_SIZE + 2 * IP_TEXT_SIZE + 64];
    struct near_tunnels near[NEARNESS_COUNT] = {0};
    struct short_text text = short_text_in(at, sizeof at);
    bool is_told = is_to_be_told(engine, &engine->objects->unknown_senders.ikev2, arrival, "IKE_SA_INIT");
    if (!is_told && !may_look(engine))
        return;
    find_near(engine, &arrival->remote->address, near);
    write_reason(&text, near, arrival);
    (void)snprintf(line, sizeof line, "IKE_SA_INIT from %s to %s is not answered: %s",
                   ip_endpoint_format(arrival->remote, remote), ip_endpoint_format(arrival->local, local),
                   at);
    if (is_told)
        engine_log(engine, LOG_LEVEL_WARN, LOG_IKEV2, "%s", line);
    note_at_each(engine, meant_by(near, &arrival->remote->address), line);
}

void unanswered_tell_ikev1(struct ike_engine *engine, const struct arrival *arrival)
{
    char at[TEXT_SIZE];
    char remote[IP_TEXT_SIZE];
    char local[IP_TEXT_SIZE];
    char line[TEXT_SIZE + 2 * IP_TEXT_SIZE + 128];
    struct near_tunnels near[NEARNESS_COUNT] = {0};
    struct short_text text = short_text_in(at, sizeof at);
    bool is_told = is_to_be_told(engine, &engine->objects->unknown_senders.ikev1, arrival, "IKEv1");
    if (!is_told && !may_look(engine))
        return;
    find_near(engine, &arrival->remote->address, near);
    const struct near_tunnels *same = &near[NAMES_THE_SENDER];
    for (size_t i = 0; i < shown_of(same); i++) {
        short_text_add(&text, "%s%s", i == 0 ? "; it is the peer of " : ", ", same->first[i]->policy.name);
        add_line(&text, &same->first[i]->policy, PEER_SETTING);
    }
    add_rest(&text, same);
    (void)snprintf(line, sizeof line,
                   "a negotiation from %s to %s is not answered: the sender speaks IKEv1, and this end IKEv2 "
                   "alone%s",
                   ip_endpoint_format(arrival->remote, remote), ip_endpoint_format(arrival->local, local),
                   at);
    if (is_told)
        engine_log(engine, LOG_LEVEL_WARN, LOG_IKEV2, "%s", line);
    note_at_each(engine, same->count <= SHOWN_MAX ? same : NULL, line);
}
