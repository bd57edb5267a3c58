/*
 * Which tunnel an incoming negotiation is for (S22): by the peer's address, by where it arrives (R46), and by
 * the IDs. B answers at 10.2.0.1; the puppet begins, with the ID and from the address that a test gives it.
 */
#include "failure_case.h"
#include "ike/exchanges/nat_detection.h"
#include "invariants.h"
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { NONE = UINT32_MAX }; /* no tunnel */

/* A gateway without tunnels, and a puppet at an address. */
static struct stage stage_at(const char *address)
{
    struct stage s = {.w = world_new(5, &invariants)};
    s.b = world_add_gateway(s.w, "B", "10.2.0.1");
    s.p = puppet_new(s.w, s.b, address);
    return s;
}

/* A policy of B's, by which the puppet's algorithms are accepted. */
static struct tunnel_policy tunnel_to(uint32_t number, const char *peer, const char *local,
                                      const char *remote)
{
    struct tunnel_policy policy = world_default_policy(number, peer, local, remote);
    narrow_down(&policy);
    give_lines(&policy, 100 * number);
    return policy;
}

static void add(struct stage *s, const struct tunnel_policy *policy)
{
    gateway_set_tunnel(s->b, policy, "secret2", "secret1");
}

static void add_tunnel(struct stage *s, uint32_t number, const char *peer, const char *local,
                       const char *remote)
{
    const struct tunnel_policy policy = tunnel_to(number, peer, local, remote);
    add(s, &policy);
}

/* The tunnel that the puppet gets with these IDs, as it says who it is and whom it asks for. */
static uint32_t tunnel_of(struct stage *s, const char *idi, const char *idr)
{
    if (!puppet_do_init(s->p) || !puppet_do_auth(s->p, idi, idr, "secret1"))
        return NONE;
    const struct installed_child *child = gateway_children(s->b);
    return child == NULL ? (uint32_t)NONE : child->sa.tunnel;
}

/* The same, with the stage struck. */
static uint32_t tunnel_found(struct stage s, const char *idi, const char *idr)
{
    uint32_t found = tunnel_of(&s, idi, idr);
    stage_free(&s);
    return found;
}

/*
 * Fails unless an IKE_SA_INIT is dropped: counted, without an answer or any state (S22), and told once with
 * what keeps the tunnels from answering it.
 */
static void must_be_dropped(struct stage s, const char *reason)
{
    char address[IP_TEXT_SIZE];
    char at[IP_TEXT_SIZE];
    char warning[1024];
    (void)snprintf(warning, sizeof warning, "IKE_SA_INIT from %s:500 to %s:500 is not answered: %s",
                   ip_address_format(&s.p->address.address, address), ip_address_format(&s.p->arrives_at, at),
                   reason);
    assert_false(puppet_do_init(s.p));
    assert_int_equal(s.p->reply_count, 0);
    assert_int_equal(stage_counter(&s, IKE_COUNT_NO_TUNNEL), 1);
    assert_int_equal(gateway_record_count(s.b), 0);
    check_failure("a peer whom no tunnel means", s.b, warning);
    s.p->spi_i++;
    assert_false(puppet_do_init(s.p));
    check_failure("the same again", s.b, warning);
    assert_true(gateway_log_has(s.b, "dropped: no tunnel may answer it"));
    stage_free(&s);
}

/* ---- By the peer's address and ID -------------------------------------------------------------------- */

static void S22_a_peer_of_no_tunnel_is_dropped_and_counted(void **state)
{
    (void)state;
    struct stage s = stage_at("198.51.100.9");
    add_tunnel(&s, 0, "10.1.0.1", "site2", "site1");
    must_be_dropped(s, "no tunnel has the peer 198.51.100.9, and none has `peer any` or a name; the nearest "
                       "peers: Tunnel0.0 has 10.1.0.1 (line 31)");
    must_be_dropped(stage_at("198.51.100.9"),
                    "no tunnel has the peer 198.51.100.9, and none has `peer any` or a name");
}

static void S22_the_id_selects_among_many_sites_with_any_address(void **state)
{
    (void)state;
    for (uint32_t wanted = 0; wanted < 12; wanted++) {
        char id[16];
        struct stage s = stage_at("192.0.2.7");
        for (uint32_t i = 0; i < 12; i++) {
            (void)snprintf(id, sizeof id, "site%u", i);
            add_tunnel(&s, i, "any", "centre", id);
        }
        (void)snprintf(id, sizeof id, "site%u", wanted);
        assert_int_equal(tunnel_found(s, id, "centre"), wanted);
    }
}

/* Two tunnels over one peer address, as between two devices with several lines (R47). */
static struct stage stage_with_two_at_one_address(void)
{
    struct stage s = stage_at("10.1.0.1");
    add_tunnel(&s, 0, "10.1.0.1", "centre", "site1");
    add_tunnel(&s, 1, "10.1.0.1", "centre", "site2");
    return s;
}

static void S22_the_id_selects_among_tunnels_with_one_peer_address(void **state)
{
    (void)state;
    assert_int_equal(tunnel_found(stage_with_two_at_one_address(), "site1", "centre"), 0);
    assert_int_equal(tunnel_found(stage_with_two_at_one_address(), "site2", "centre"), 1);
    assert_int_equal(tunnel_found(stage_with_two_at_one_address(), "site3", "centre"), NONE);
}

static struct stage stage_with_address_and_any(const char *address)
{
    struct stage s = stage_at(address);
    add_tunnel(&s, 0, "10.1.0.1", "centre", "site1");
    add_tunnel(&s, 1, "any", "centre", "site2");
    return s;
}

/* Where a tunnel names the address, those that name none are not asked. */
static void S22_a_tunnel_with_the_peers_address_beats_those_with_any(void **state)
{
    (void)state;
    assert_int_equal(tunnel_found(stage_with_address_and_any("10.1.0.1"), "site1", "centre"), 0);
    assert_int_equal(tunnel_found(stage_with_address_and_any("10.1.0.1"), "site2", "centre"), NONE);
    assert_int_equal(tunnel_found(stage_with_address_and_any("10.1.0.9"), "site2", "centre"), 1);
    assert_int_equal(tunnel_found(stage_with_address_and_any("10.1.0.9"), "site1", "centre"), NONE);
}

static struct stage stage_with_two_ids_of_ours(void)
{
    struct stage s = stage_at("192.0.2.7");
    add_tunnel(&s, 0, "any", "east", "site1");
    add_tunnel(&s, 1, "any", "west", "site1");
    return s;
}

static void S22_idr_breaks_ties(void **state)
{
    (void)state;
    assert_int_equal(tunnel_found(stage_with_two_ids_of_ours(), "site1", "east"), 0);
    assert_int_equal(tunnel_found(stage_with_two_ids_of_ours(), "site1", "west"), 1);
    /* Who asks for neither gets one of them: the responder may use another ID (RFC 7296 2.15). */
    assert_int_not_equal(tunnel_found(stage_with_two_ids_of_ours(), "site1", "north"), NONE);
}

/* ---- By where it arrives (R46) ----------------------------------------------------------------------- */

/* Two tunnels to one peer with the same IDs, out of interfaces 5 and 6. */
static struct stage stage_with_two_interfaces(uint32_t arrival)
{
    struct stage s = stage_at("10.1.0.1");
    for (uint32_t i = 0; i < 2; i++) {
        struct tunnel_policy policy = tunnel_to(i, "10.1.0.1", "site2", "site1");
        policy.outgoing = OUTGOING_NEXT_HOP;
        (void)snprintf(policy.out_interface, sizeof policy.out_interface, "GigaEthernet%u.0", i);
        add(&s, &policy);
        const struct peer_route route = {.usable = true,
                                         .local = gateway_address(s.b),
                                         .remote = policy.peer_address,
                                         .ifindex = 5 + i,
                                         .mark = 100 + i};
        gateway_set_route(s.b, i, &route);
    }
    s.p->arrival_ifindex = arrival;
    return s;
}

static void R46_the_arrival_interface_selects_the_tunnel(void **state)
{
    (void)state;
    assert_int_equal(tunnel_found(stage_with_two_interfaces(5), "site1", "site2"), 0);
    assert_int_equal(tunnel_found(stage_with_two_interfaces(6), "site1", "site2"), 1);
    must_be_dropped(stage_with_two_interfaces(7),
                    "Tunnel0.0 has this peer, but answers only on GigaEthernet0.0 (line 27); Tunnel1.0 has "
                    "this peer, but answers only on GigaEthernet1.0 (line 127)");
}

static void R46_a_tunnel_whose_interface_is_missing_answers_on_no_other(void **state)
{
    (void)state;
    struct stage s = stage_with_two_interfaces(6);
    gateway_set_route(s.b, 1, &(struct peer_route){.usable = false});
    must_be_dropped(s,
                    "Tunnel0.0 has this peer, but answers only on GigaEthernet0.0 (line 27); Tunnel1.0 has "
                    "this peer, but has no outgoing interface: GigaEthernet1.0 is missing or down (line "
                    "127)");
}

/* Two tunnels to one peer with the same IDs, from 10.2.0.1 and 10.2.0.2. */
static struct stage stage_with_two_sources(enum source_kind kind, const char *arrives_at)
{
    static const char *const addresses[] = {"10.2.0.1", "10.2.0.2"};
    struct stage s = stage_at("10.1.0.1");
    for (uint32_t i = 0; i < 2; i++) {
        struct tunnel_policy policy = tunnel_to(i, "10.1.0.1", "site2", "site1");
        struct ip_address address;
        assert_true(ip_address_parse(addresses[i], &address));
        policy.source_kind = kind;
        (void)snprintf(policy.source_interface, sizeof policy.source_interface, "Loopback%u.0", i);
        if (kind == SOURCE_ADDRESS)
            policy.source_address = address;
        add(&s, &policy);
        const struct peer_route route = {.usable = true, .local = address, .remote = policy.peer_address};
        gateway_set_route(s.b, i, &route);
    }
    assert_true(ip_address_parse(arrives_at, &s.p->arrives_at));
    return s;
}

static void R46_the_source_address_selects_the_tunnel(void **state)
{
    (void)state;
    static const enum source_kind kinds[] = {SOURCE_ADDRESS, SOURCE_INTERFACE};
    static const char *const reasons[] = {
        "Tunnel0.0 has this peer, but answers only at 10.2.0.1 (line 26); Tunnel1.0 has this peer, but "
        "answers only at 10.2.0.2 (line 126)",
        "Tunnel0.0 has this peer, but answers only at the address of Loopback0.0, 10.2.0.1 (line 26); "
        "Tunnel1.0 has this peer, but answers only at the address of Loopback1.0, 10.2.0.2 (line 126)"};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(tunnel_found(stage_with_two_sources(kinds[i], "10.2.0.1"), "site1", "site2"), 0);
        assert_int_equal(tunnel_found(stage_with_two_sources(kinds[i], "10.2.0.2"), "site1", "site2"), 1);
        must_be_dropped(stage_with_two_sources(kinds[i], "10.2.0.3"), reasons[i]);
    }
}

static void R45_a_source_interface_that_has_lost_its_address_answers_nothing(void **state)
{
    (void)state;
    struct stage s = stage_with_two_sources(SOURCE_INTERFACE, "10.2.0.2");
    gateway_set_route(s.b, 1, &(struct peer_route){.usable = false});
    must_be_dropped(s, "Tunnel0.0 has this peer, but answers only at the address of Loopback0.0, 10.2.0.1 "
                       "(line 26); Tunnel1.0 has this peer, but has no address to answer from: Loopback1.0 "
                       "has none (line 126)");
}

static void R46_a_source_interface_selects_also_while_the_peers_name_is_not_resolved(void **state)
{
    (void)state;
    struct stage s = stage_with_two_sources(SOURCE_INTERFACE, "10.2.0.2");
    gateway_set_route(s.b, 1, &(struct peer_route){.usable = false, .local = s.p->arrives_at});
    assert_int_equal(tunnel_found(s, "site1", "site2"), 1);
}

/* ---- Who is no candidate ----------------------------------------------------------------------------- */

static void shut_down(struct tunnel_policy *p)
{
    p->shut_down = true;
}

static void initiator_only(struct tunnel_policy *p)
{
    p->direction = NEGOTIATE_INITIATOR;
}

static void not_complete(struct tunnel_policy *p)
{
    p->complete = false;
    p->gap = GAP_PROFILE;
    p->gap_line = 7;
}

static void S22_tunnels_that_may_not_respond_are_no_candidates(void **state)
{
    (void)state;
    static void (*const bends[])(struct tunnel_policy *) = {shut_down, initiator_only, not_complete};
    static const char *const reasons[] = {
        "is shut down (line 32)",
        "only begins negotiations, and answers none (line 25): if the peer is `initiator` too, neither "
        "answers, and one has to be `both`",
        "is not complete: the profile of `ikev2 binding` is not defined (line 7)",
    };
    for (size_t i = 0; i < sizeof bends / sizeof *bends; i++) {
        struct tunnel_policy policy = tunnel_to(0, "10.1.0.1", "site2", "site1");
        struct stage s = stage_at("10.1.0.1");
        char reason[256];
        (void)snprintf(reason, sizeof reason, "Tunnel0.0 has this peer, but %s", reasons[i]);
        bends[i](&policy);
        add(&s, &policy);
        must_be_dropped(s, reason);

        /* Nor those that name no address. */
        policy.peer_kind = PEER_ANY;
        policy.peer_address = (struct ip_address){.family = IP_NONE};
        s = stage_at("10.1.0.1");
        add(&s, &policy);
        (void)snprintf(
            reason, sizeof reason,
            "no tunnel has the peer 10.1.0.1; Tunnel0.0 has a peer without a fixed address, but %s",
            reasons[i]);
        must_be_dropped(s, reason);
        policy = tunnel_to(0, "10.1.0.1", "site2", "site1");
        bends[i](&policy);

        /* Nor do they keep those from being asked that name no address. */
        s = stage_at("10.1.0.1");
        add(&s, &policy);
        add_tunnel(&s, 1, "any", "site2", "site1");
        assert_int_equal(tunnel_found(s, "site1", "site2"), 1);
    }
}

/* ---- What the log says when nobody answers ----------------------------------------------------------- */

/* Of many tunnels with other addresses, those whose address is most like the sender's are told. */
static void S34_of_an_unknown_address_the_nearest_peers_are_told(void **state)
{
    (void)state;
    static const char *const peers[] = {"10.1.0.2", "198.51.100.1", "10.1.0.19", "2001:db8::1", "10.1.0.3"};
    struct stage s = stage_at("10.1.0.1");
    for (uint32_t i = 0; i < 5; i++)
        add_tunnel(&s, i, peers[i], "site2", "site1");
    must_be_dropped(s,
                    "no tunnel has the peer 10.1.0.1, and none has `peer any` or a name; the nearest peers: "
                    "Tunnel0.0 has 10.1.0.2 (line 31), Tunnel4.0 has 10.1.0.3 (line 431), Tunnel2.0 has "
                    "10.1.0.19 (line 231), and 1 more");
}

static void S34_a_name_whose_addresses_are_of_the_other_family_is_told(void **state)
{
    (void)state;
    struct tunnel_policy policy = tunnel_to(0, "any", "site2", "site1");
    struct stage s = stage_at("10.1.0.1");
    policy.peer_kind = PEER_FQDN;
    policy.peer_family = IP_V6;
    (void)snprintf(policy.peer_fqdn, sizeof policy.peer_fqdn, "site1.example.com");
    add(&s, &policy);
    must_be_dropped(s,
                    "no tunnel has the peer 10.1.0.1; Tunnel0.0 has a peer without a fixed address, but has "
                    "a peer with IPv6 addresses only (line 31)");
}

/* Lets an IKE_SA_INIT come from an address, and returns how many warnings the gateway has then. */
static size_t warnings_after_init_from(struct stage *s, uint32_t number)
{
    size_t count = 0;
    char address[32];
    (void)snprintf(address, sizeof address, "198.51.%u.%u", number / 256, number % 256);
    assert_true(ip_address_parse(address, &s->p->address.address));
    s->p->spi_i++;
    assert_false(puppet_do_init(s->p));
    for (const char *at = gateway_warnings(s->b); (at = strchr(at, '\n')) != NULL; at++)
        count++;
    return count;
}

static void S34_who_sends_from_many_addresses_does_not_fill_the_log(void **state)
{
    (void)state;
    struct stage s = stage_at("198.51.100.9");
    uint32_t number = 0;
    size_t count = 0;
    for (; number < UNANSWERED_SENDERS_TOLD; number++)
        assert_int_equal(warnings_after_init_from(&s, number), ++count);

    count++;
    for (; number < 3 * UNANSWERED_SENDERS_TOLD; number++)
        assert_int_equal(warnings_after_init_from(&s, number), count);
    assert_non_null(
        strstr(gateway_warnings(s.b),
               "IKE_SA_INIT from more than 64 addresses is not answered: no other address is told "
               "at this level for an hour, each message is at level info\n"));

    world_run(s.w, UNKNOWN_SENDER_LOG_SILENCE - 60000);
    assert_int_equal(warnings_after_init_from(&s, 0), count);
    world_run(s.w, 60000);
    assert_int_equal(warnings_after_init_from(&s, 0), count + 1);
    assert_int_equal(warnings_after_init_from(&s, 0), count + 1);
    stage_free(&s);
}

static void S34_after_a_change_of_the_config_an_unanswered_peer_is_told_again(void **state)
{
    (void)state;
    struct stage s = stage_at("198.51.0.0");
    assert_int_equal(warnings_after_init_from(&s, 0), 1);
    assert_int_equal(warnings_after_init_from(&s, 0), 1);
    add_tunnel(&s, 0, "10.1.0.1", "site2", "site1");
    assert_int_equal(warnings_after_init_from(&s, 0), 2);
    stage_free(&s);
}

/* The first message of IKEv1 main mode, or a later one. */
static void send_ikev1(struct stage *s, bool first)
{
    uint8_t message[IKE_HEADER_SIZE + 8] = {[7] = 1, [16] = 1, [17] = 0x10, [18] = 2, [27] = sizeof message};
    message[15] = first ? 0 : 9;
    puppet_send(s->p, message, sizeof message);
}

static void S34_a_peer_that_speaks_ikev1_is_told_once(void **state)
{
    (void)state;
    static const char unknown[] =
        "a negotiation from 10.1.0.1:500 to 10.2.0.1:500 is not answered: the sender "
        "speaks IKEv1, and this end IKEv2 alone";
    static const char known[] =
        "a negotiation from 10.1.0.1:500 to 10.2.0.1:500 is not answered: the sender "
        "speaks IKEv1, and this end IKEv2 alone; it is the peer of Tunnel0.0 (line 31), "
        "Tunnel1.0 (line 131)";
    struct stage s = stage_at("10.1.0.1");
    send_ikev1(&s, false);
    check_failure("IKEv1 later", s.b, "");
    send_ikev1(&s, true);
    send_ikev1(&s, true);
    check_failure("IKEv1 of nobody", s.b, unknown);
    stage_free(&s);

    s = stage_at("10.1.0.1");
    add_tunnel(&s, 0, "10.1.0.1", "site2", "site1");
    add_tunnel(&s, 1, "10.1.0.1", "site2", "site3");
    send_ikev1(&s, true);
    send_ikev1(&s, true);
    check_failure("IKEv1 of a peer", s.b, known);
    assert_int_equal(s.p->reply_count, 0);
    assert_int_equal(stage_counter(&s, IKE_COUNT_IKEV1), 2);
    stage_free(&s);
}

/* A message that no tunnel may answer counts as a failure where one can say whose it was meant to be. */
static void S34_a_peer_that_is_not_answered_is_a_failure_of_the_tunnels_that_it_meant(void **state)
{
    (void)state;
    struct stage s = stage_at("10.1.0.1");
    struct tunnel_policy policy = tunnel_to(0, "10.1.0.1", "site2", "site1");
    policy.direction = NEGOTIATE_INITIATOR;
    add(&s, &policy);
    add_tunnel(&s, 1, "10.1.0.9", "site2", "site3");
    assert_false(puppet_do_init(s.p));
    send_ikev1(&s, true);
    assert_int_equal(gateway_noted_failures(s.b, 0), 2);
    assert_int_equal(gateway_noted_failures(s.b, 1), 0);
    stage_free(&s);

    s = stage_at("10.1.0.1"); /* the only tunnel, whose peer is mistyped */
    add_tunnel(&s, 0, "10.1.0.9", "site2", "site1");
    assert_false(puppet_do_init(s.p));
    s.p->spi_i++;
    assert_false(puppet_do_init(s.p));
    assert_int_equal(gateway_noted_failures(s.b, 0), 2);
    stage_free(&s);

    s = stage_at("198.51.100.9"); /* somebody else */
    add_tunnel(&s, 0, "10.1.0.9", "site2", "site1");
    assert_false(puppet_do_init(s.p));
    assert_int_equal(gateway_noted_failures(s.b, 0), 0);
    stage_free(&s);

    s = stage_at("10.1.0.1"); /* which of the two? */
    add_tunnel(&s, 0, "10.1.0.8", "site2", "site1");
    add_tunnel(&s, 1, "10.1.0.9", "site2", "site3");
    assert_false(puppet_do_init(s.p));
    assert_int_equal(gateway_noted_failures(s.b, 0) + gateway_noted_failures(s.b, 1), 0);
    stage_free(&s);
}

/* ---- What the candidates say together ---------------------------------------------------------------- */

/* B's answer to an offer of AES-GCM-256 and AES-CBC-128. */
static void offer_both(struct stage *s, struct proposal_choice *choice)
{
    const struct proposal_policy offer = {
        .protocol = PROTOCOL_IKE,
        .encryption = ALGORITHM_SET_OF(encryption_by_word("aes-gcm-256"), encryption_algorithms) |
                      ALGORITHM_SET_OF(encryption_by_word("aes-cbc-128"), encryption_algorithms),
        .integrity = ALGORITHM_SET_OF(integrity_by_word("sha2-256"), integrity_algorithms),
        .prf = ALGORITHM_SET_OF(prf_by_word("sha2-256"), prf_algorithms),
        .dh = ALGORITHM_SET_OF(key_exchange_by_word("2048-bit"), key_exchange_methods),
    };
    uint8_t at[2048];
    struct message_writer m = puppet_begin_init(s->p, at, sizeof at);
    proposal_put_all(&m, &offer, (struct octets){NULL, 0});
    message_put_ke(&m, KE_MODP_2048, (struct octets){some_octets, 256});
    message_put_nonce(&m, (struct octets){some_octets, 32});
    struct octets message = message_finish(&m);
    puppet_send(s->p, message.at, message.length);
    assert_true(puppet_read_reply(s->p));
    const struct ike_payload *sa = ike_message_find(&s->p->message, PAYLOAD_SA);
    assert_non_null(sa);
    assert_int_equal(proposal_accept(sa, &offer, 0, choice), PROPOSAL_CHOSEN);
}

static void S22_the_most_secure_suite_that_some_candidate_allows_is_chosen(void **state)
{
    (void)state;
    for (uint32_t strong = 0; strong < 3; strong++) {
        struct proposal_choice choice;
        struct stage s = stage_at("192.0.2.7");
        for (uint32_t i = 0; i < 3; i++) {
            struct tunnel_policy policy = tunnel_to(i, "any", "centre", "site");
            if (i == strong)
                policy.ike.encryption =
                    ALGORITHM_SET_OF(encryption_by_word("aes-gcm-256"), encryption_algorithms);
            add(&s, &policy);
        }

        offer_both(&s, &choice);

        assert_string_equal(choice.suite.encryption->word, "aes-gcm-256");
        stage_free(&s);
    }
}

/* An address that some tunnel names leaves no say to those that name none. */
static void S22_the_policy_of_tunnels_that_are_no_candidates_does_not_count(void **state)
{
    (void)state;
    struct proposal_choice choice;
    struct stage s = stage_at("10.1.0.1");
    struct tunnel_policy other = tunnel_to(1, "any", "centre", "site2");
    other.ike.encryption = ALGORITHM_SET_OF(encryption_by_word("aes-gcm-256"), encryption_algorithms);
    add_tunnel(&s, 0, "10.1.0.1", "centre", "site1");
    add(&s, &other);

    offer_both(&s, &choice);

    assert_string_equal(choice.suite.encryption->word, "aes-cbc-128");
    stage_free(&s);
}

/* A site2 with NAT traversal calls a centre that has tunnels to site1 and site2. */
struct star {
    struct world *w;
    struct gateway *centre, *site;
};

static struct star star_of(const struct tunnel_policy *to_site1, const struct tunnel_policy *to_site2)
{
    struct star s = {.w = world_new(3, &invariants)};
    struct tunnel_policy to_centre = world_default_policy(0, "10.2.0.1", "site2", "centre");
    to_centre.nat_traversal = true;
    s.centre = world_add_gateway(s.w, "centre", "10.2.0.1");
    s.site = world_add_gateway(s.w, "site", "192.0.2.7");
    gateway_set_tunnel(s.centre, to_site1, "secret-c", "secret-1");
    gateway_set_tunnel(s.centre, to_site2, "secret-c", "secret-2");
    gateway_set_tunnel(s.site, &to_centre, "secret-2", "secret-c");
    gateway_packet_waits(s.site, 0);
    world_run(s.w, 1000);
    assert_true(gateway_tunnel_is_up(s.centre, 1) && !gateway_tunnel_is_up(s.centre, 0));
    return s;
}

/* `nat-traversal force` shows whether it is answered: the site believes then that there is a NAT. */
static void S22_nat_detection_is_answered_if_any_candidate_has_it(void **state)
{
    (void)state;
    const struct tunnel_policy without1 = world_default_policy(0, "any", "centre", "site1");
    const struct tunnel_policy without2 = world_default_policy(1, "any", "centre", "site2");
    struct tunnel_policy with1 = without1;
    struct tunnel_policy with2 = without2;
    with1.nat_traversal = with1.nat_force = with2.nat_traversal = with2.nat_force = true;

    struct star s = star_of(&without1, &without2);
    assert_false(gateway_children(s.site)->sa.destination.encapsulated);
    world_free(s.w);

    s = star_of(&without1, &with2);
    assert_true(gateway_children(s.site)->sa.destination.encapsulated);
    assert_true(gateway_children(s.centre)->sa.destination.encapsulated);
    world_free(s.w);

    /* The peer sends ESP in UDP, since another candidate's `force` says that there is a NAT. */
    with2.nat_force = false;
    s = star_of(&with1, &with2);
    assert_true(gateway_children(s.site)->sa.destination.encapsulated);
    assert_true(gateway_children(s.centre)->sa.destination.encapsulated);
    world_free(s.w);

    s = star_of(&with1, &without2);
    assert_true(gateway_children(s.site)->sa.destination.encapsulated);
    assert_false(gateway_children(s.centre)
                     ->sa.destination.encapsulated); /* from the ID on, the tunnel's own settings hold */
    world_free(s.w);
}

static void S22_fragmentation_is_answered(void **state)
{
    (void)state;
    struct stage s = stage_at("192.0.2.7");
    add_tunnel(&s, 0, "any", "centre", "site1");
    s.p->fragmentation = true;
    assert_true(puppet_do_init(s.p));
    assert_true(puppet_read_reply(s.p));
    assert_non_null(ike_message_notify(&s.p->message, NOTIFY_IKEV2_FRAGMENTATION_SUPPORTED));
    stage_free(&s);
}

/* One tunnel has a pinned route, the other follows the routing table; both fit the arrival. */
static void S22_the_route_is_that_of_the_selected_tunnel(void **state)
{
    (void)state;
    static const char *const ids[] = {"pinned", "routed"};
    for (uint32_t i = 0; i < 2; i++) {
        struct stage s = stage_at("192.0.2.7");
        struct tunnel_policy pinned = tunnel_to(0, "any", "centre", "pinned");
        pinned.outgoing = OUTGOING_NEXT_HOP;
        add(&s, &pinned);
        add_tunnel(&s, 1, "any", "centre", "routed");
        const struct peer_route route = {
            .usable = true, .local = gateway_address(s.b), .ifindex = 5, .mark = 77};
        gateway_set_route(s.b, 0, &route);
        s.p->arrival_ifindex = 5;

        assert_int_equal(tunnel_of(&s, ids[i], "centre"), i);

        assert_int_equal(gateway_children(s.b)->sa.destination.mark, i == 0 ? 77 : 0);
        assert_int_equal(gateway_children(s.b)->sa.destination.ifindex, i == 0 ? 5 : 0);
        stage_free(&s);
    }
}

/* ---- IDs that are not configured --------------------------------------------------------------------- */

static struct identity address_id(const char *text)
{
    struct ip_address address;
    assert_true(ip_address_parse(text, &address));
    struct identity id = {.type = ID_IPV4_ADDR, .length = 4};
    memcpy(id.value, address.octets, 4);
    return id;
}

/* What the policy gives where a config has no IDs: the peer's address, and for this end nothing. */
static void S17_without_ids_the_addresses_are_the_ids(void **state)
{
    (void)state;
    struct tunnel_policy a = policy_a();
    struct tunnel_policy b = policy_b();
    a.local_id = b.local_id = (struct identity){.type = ID_NONE};
    a.remote_id = address_id("10.2.0.1");
    b.remote_id = address_id("10.1.0.1");
    struct pair p = pair_of(&a, &b);

    gateway_packet_waits(p.a, 1);
    world_run(p.w, 1000);

    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    assert_true(gateway_log_has(p.a, "with IPv4-ADDR 10.2.0.1 on"));
    assert_true(gateway_log_has(p.b, "with IPv4-ADDR 10.1.0.1 on"));
    world_free(p.w);
}

/* ---- While a gateway starts -------------------------------------------------------------------------- */

/* The tunnel that is meant is not known yet when another one of the same peer is. */
static void S22_nobody_is_answered_until_all_tunnels_are_told(void **state)
{
    (void)state;
    struct stage s = stage_at("10.1.0.1");
    add_tunnel(&s, 1, "10.1.0.1", "site2", "site1");
    gateway_begin_again(s.b);
    add_tunnel(&s, 2, "10.1.0.1", "site2", "site9");

    assert_false(puppet_do_init(s.p));
    assert_int_equal(s.p->reply_count, 0);
    assert_int_equal(stage_counter(&s, IKE_COUNT_TOO_EARLY), 1);
    check_failure("a peer who comes early", s.b, "");

    add_tunnel(&s, 1, "10.1.0.1", "site2", "site1");
    gateway_handle(s.b, &(struct ike_event){.kind = IKE_EVENT_TUNNELS_TOLD});
    assert_int_equal(tunnel_of(&s, "site1", "site2"), 1);
    stage_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S22_a_peer_of_no_tunnel_is_dropped_and_counted),
        cmocka_unit_test(S22_the_id_selects_among_many_sites_with_any_address),
        cmocka_unit_test(S22_the_id_selects_among_tunnels_with_one_peer_address),
        cmocka_unit_test(S22_a_tunnel_with_the_peers_address_beats_those_with_any),
        cmocka_unit_test(S22_idr_breaks_ties),
        cmocka_unit_test(R46_the_arrival_interface_selects_the_tunnel),
        cmocka_unit_test(R46_a_tunnel_whose_interface_is_missing_answers_on_no_other),
        cmocka_unit_test(R46_the_source_address_selects_the_tunnel),
        cmocka_unit_test(R46_a_source_interface_selects_also_while_the_peers_name_is_not_resolved),
        cmocka_unit_test(R45_a_source_interface_that_has_lost_its_address_answers_nothing),
        cmocka_unit_test(S22_tunnels_that_may_not_respond_are_no_candidates),
        cmocka_unit_test(S22_the_most_secure_suite_that_some_candidate_allows_is_chosen),
        cmocka_unit_test(S34_of_an_unknown_address_the_nearest_peers_are_told),
        cmocka_unit_test(S34_a_name_whose_addresses_are_of_the_other_family_is_told),
        cmocka_unit_test(S34_who_sends_from_many_addresses_does_not_fill_the_log),
        cmocka_unit_test(S34_a_peer_that_is_not_answered_is_a_failure_of_the_tunnels_that_it_meant),
        cmocka_unit_test(S34_after_a_change_of_the_config_an_unanswered_peer_is_told_again),
        cmocka_unit_test(S34_a_peer_that_speaks_ikev1_is_told_once),
        cmocka_unit_test(S22_the_policy_of_tunnels_that_are_no_candidates_does_not_count),
        cmocka_unit_test(S22_nat_detection_is_answered_if_any_candidate_has_it),
        cmocka_unit_test(S22_fragmentation_is_answered),
        cmocka_unit_test(S22_the_route_is_that_of_the_selected_tunnel),
        cmocka_unit_test(S17_without_ids_the_addresses_are_the_ids),
        cmocka_unit_test(S22_nobody_is_answered_until_all_tunnels_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
