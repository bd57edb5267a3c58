/*
 * S34: a negotiation that fails is told at either end, by one warning in terms of that end's config. Two
 * gateways, A (10.1.0.1, lines 11 to 31) which begins, and B (10.2.0.1, lines 111 to 131).
 */
#include "failure_case.h"
#include "ike/wire/numbers.h"
#include "invariants.h"
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The two ends before they meet; what a case does not bend fits. */
struct draft {
    struct tunnel_policy a, b;
    const char *a_local, *a_remote, *b_local, *b_remote; /* keys */
};

struct pair_case {
    const char *name;
    void (*bend)(struct draft *d);
    const char *at_a, *at_b; /* the one warning of each */
};

static struct identity key_id(const char *text)
{
    struct identity id = {.type = ID_KEY_ID, .length = (uint16_t)strlen(text)};
    memcpy(id.value, text, id.length);
    return id;
}

static algorithm_set encryption(const char *word)
{
    return ALGORITHM_SET_OF(encryption_by_word(word), encryption_algorithms);
}

static algorithm_set group(const char *word)
{
    return ALGORITHM_SET_OF(key_exchange_by_word(word), key_exchange_methods);
}

static void other_encryption(struct draft *d)
{
    d->a.ike.encryption = encryption("aes-cbc-256") | encryption("3des");
    d->b.ike.encryption = encryption("aes-gcm-256");
}

static void other_group(struct draft *d)
{
    d->a.ike.dh = group("1024-bit") | group("768-bit");
    d->b.ike.dh = group("3072-bit");
}

static void nothing_configured_here(struct draft *d)
{
    const struct tunnel_policy fresh = policy_b();
    d->a.ike.prf = ALGORITHM_SET_OF(prf_by_word("sha1"), prf_algorithms);
    d->b.ike = fresh.ike;
    d->b.ike.prf = ALGORITHM_SET_OF(prf_by_word("sha2-512"), prf_algorithms);
    memset(d->b.line, 0, sizeof d->b.line);
}

/* Nothing in one proposal, but something of each type in all. */
static void proposals_that_do_not_fit_together(struct draft *d)
{
    d->a.ike.encryption = encryption("aes-gcm-128") | encryption("3des");
    d->b.ike.encryption = encryption("3des") | encryption("aes-cbc-256");
    d->b.ike.integrity = ALGORITHM_SET_OF(integrity_by_word("sha1"), integrity_algorithms);
}

static void wrong_key_at_a(struct draft *d)
{
    d->a_local = "another secret";
}

static void wrong_key_at_b(struct draft *d)
{
    d->b_local = "another secret";
}

static void no_own_key_at_a(struct draft *d)
{
    d->a_local = "";
}

static void no_own_key_at_b(struct draft *d)
{
    d->b_local = "";
}

static void no_peers_key_at_a(struct draft *d)
{
    d->a_remote = "";
}

static void no_peers_key_at_b(struct draft *d)
{
    d->b_remote = "";
}

static void unknown_id(struct draft *d)
{
    d->a.local_id = key_id("site9");
}

static void long_unknown_id(struct draft *d)
{
    d->a.local_id.length = IDENTITY_SIZE;
    memset(d->a.local_id.value, 'x', IDENTITY_SIZE);
    d->a.local_id.value[1] = '\n';
}

static void other_responder(struct draft *d)
{
    d->a.remote_id = key_id("site9");
}

static void other_child_encryption(struct draft *d)
{
    d->a.child.encryption = encryption("aes-gcm-256") | encryption("3des");
    d->b.child.encryption = encryption("aes-cbc-192");
}

static const struct pair_case pair_cases[] = {
    {"encryption of the IKE SA", other_encryption,
     "Tunnel1.0: negotiation failed: the peer accepts no IKE SA proposal (NO_PROPOSAL_CHOSEN): offered enc "
     "aes-cbc-256 3des, integrity sha2-256, prf sha2-256, dh 2048-bit; lines 11, 12, 13, 14",
     "Tunnel0.0: negotiation failed: no common IKE SA proposal with 10.1.0.1:500: the peer offers enc "
     "aes-cbc-256 3des, integrity sha2-256, prf sha2-256, dh 2048-bit; accepted here enc aes-gcm-256, prf "
     "sha2-256, dh 2048-bit; line 111"},
    {"group of the IKE SA", other_group,
     "Tunnel1.0: negotiation failed: the peer accepts no IKE SA proposal (NO_PROPOSAL_CHOSEN): offered enc "
     "aes-cbc-128, integrity sha2-256, prf sha2-256, dh 1024-bit 768-bit; lines 11, 12, 13, 14",
     "Tunnel0.0: negotiation failed: no common IKE SA proposal with 10.1.0.1:500: the peer offers enc "
     "aes-cbc-128, integrity sha2-256, prf sha2-256, dh 1024-bit 768-bit; accepted here enc aes-cbc-128, "
     "integrity sha2-256, prf sha2-256, dh 3072-bit; line 114"},
    {"a responder at its defaults", nothing_configured_here,
     "Tunnel1.0: negotiation failed: the peer accepts no IKE SA proposal (NO_PROPOSAL_CHOSEN): offered enc "
     "aes-cbc-128, integrity sha2-256, prf sha1, dh 2048-bit; lines 11, 12, 13, 14",
     "Tunnel0.0: negotiation failed: no common IKE SA proposal with 10.1.0.1:500: the peer offers enc "
     "aes-cbc-128, integrity sha2-256, prf sha1, dh 2048-bit; accepted here enc aes-gcm-256 aes-gcm-128 "
     "aes-cbc-256 aes-cbc-192 aes-cbc-128 3des, integrity sha2-512 sha2-384 sha2-256 sha1, prf sha2-512, dh "
     "3072-bit 2048-bit 1536-bit 1024-bit 768-bit; the default, no line sets it"},
    {"proposals that do not fit together", proposals_that_do_not_fit_together,
     "Tunnel1.0: negotiation failed: the peer accepts no IKE SA proposal (NO_PROPOSAL_CHOSEN): offered enc "
     "aes-gcm-128 3des, integrity sha2-256, prf sha2-256, dh 2048-bit; lines 11, 12, 13, 14",
     "Tunnel0.0: negotiation failed: no common IKE SA proposal with 10.1.0.1:500: the peer offers enc "
     "aes-gcm-128, prf sha2-256, dh 2048-bit or enc 3des, integrity sha2-256, prf sha2-256, dh 2048-bit; "
     "accepted here enc aes-cbc-256 3des, integrity sha1, prf sha2-256, dh 2048-bit; line 112"},
    {"a wrong key at the initiator", wrong_key_at_a,
     "Tunnel1.0: negotiation failed: the peer does not accept KEY-ID site1 with the key configured for "
     "it, or it is not KEY-ID site2, which it was asked for (AUTHENTICATION_FAILED); lines 20, 31, 33",
     "Tunnel0.0: negotiation failed: the AUTH of KEY-ID site1 does not fit the key configured for it here: "
     "the keys of "
     "both ends differ, or one is `char` and one `hex`; lines 131, 134"},
    {"a wrong key at the responder", wrong_key_at_b,
     "Tunnel1.0: negotiation failed: the AUTH of KEY-ID site2 does not fit the key configured for it here: "
     "the keys of "
     "both ends differ, or one is `char` and one `hex`; lines 31, 34",
     "Tunnel0.0: negotiation failed: the peer does not accept KEY-ID site2 with the key configured for it "
     "(AUTHENTICATION_FAILED); lines 120, 133"},
    {"no key for the initiator's own ID", no_own_key_at_a,
     "Tunnel1.0: negotiation failed: there is no key for this end's ID KEY-ID site1; line 20",
     "Tunnel0.0: negotiation failed: 10.1.0.1:500 sent no IKE_AUTH within 30 seconds after IKE_SA_INIT was "
     "answered with AES-CBC-128/HMAC-SHA2-256-128/PRF-HMAC-SHA2-256/MODP-2048; line 131"},
    {"no key for the responder's own ID", no_own_key_at_b,
     "Tunnel1.0: negotiation failed: the peer does not accept KEY-ID site1 with the key configured for "
     "it, or it is not KEY-ID site2, which it was asked for (AUTHENTICATION_FAILED); lines 20, 31, 33",
     "Tunnel0.0: negotiation failed: there is no key for this end's ID KEY-ID site2; line 120"},
    {"no key for the responder's ID", no_peers_key_at_a,
     "Tunnel1.0: negotiation failed: there is no key for the peer's ID KEY-ID site2; line 31",
     "Tunnel0.0: negotiation failed: the peer does not accept KEY-ID site2 with the key configured for it "
     "(AUTHENTICATION_FAILED); lines 120, 133"},
    {"no key for the initiator's ID", no_peers_key_at_b,
     "Tunnel1.0: negotiation failed: the peer does not accept KEY-ID site1 with the key configured for "
     "it, or it is not KEY-ID site2, which it was asked for (AUTHENTICATION_FAILED); lines 20, 31, 33",
     "Tunnel0.0: negotiation failed: there is no key for the peer's ID KEY-ID site1; line 131"},
    {"an ID that nobody accepts", unknown_id,
     "Tunnel1.0: negotiation failed: the peer does not accept KEY-ID site9 with the key configured for "
     "it, or it is not KEY-ID site2, which it was asked for (AUTHENTICATION_FAILED); lines 20, 31, 33",
     "Tunnel0.0: negotiation failed: the peer at 10.1.0.1:500 says it is KEY-ID site9; accepted here is "
     "KEY-ID site1; line 131"},
    {"a long ID that nobody accepts", long_unknown_id,
     "Tunnel1.0: negotiation failed: the peer does not accept KEY-ID "
     "x\\x0axxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx... with the key configured for "
     "it, or it is not KEY-ID site2, which it was asked for (AUTHENTICATION_FAILED); lines 20, 31, 33",
     "Tunnel0.0: negotiation failed: the peer at 10.1.0.1:500 says it is KEY-ID "
     "x\\x0axxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...; accepted here is KEY-ID "
     "site1; line 131"},
    {"another responder than expected", other_responder,
     "Tunnel1.0: negotiation failed: the peer says it is KEY-ID site2, expected is KEY-ID site9; line 31",
     "Tunnel0.0: negotiation failed: the peer does not accept KEY-ID site2 with the key configured for it "
     "(AUTHENTICATION_FAILED): it wants to talk to KEY-ID site9, and this end is KEY-ID site2; lines 120, "
     "133"},
    {"encryption of the Child SA", other_child_encryption,
     "Tunnel1.0: negotiation failed: the peer accepts no Child SA proposal (NO_PROPOSAL_CHOSEN): offered enc "
     "aes-gcm-256 3des, integrity sha2-256; lines 15, 16",
     "Tunnel0.0: negotiation failed: no common Child SA proposal: the peer offers enc aes-gcm-256 or enc "
     "3des, integrity sha2-256; accepted here enc aes-cbc-192, integrity sha2-256; line 115"},
};

struct encounter {
    struct draft d;
    struct world *w;
    struct gateway *a, *b;
};

/* Two gateways with an SA, unless `apart`: then nothing of one reaches the other from the start. */
static struct encounter encounter_of(void (*bend)(struct draft *d), bool apart)
{
    struct encounter e = {{policy_a(), policy_b(), "secret1", "secret2", "secret2", "secret1"},
                          world_new(1, &invariants)};
    narrow_down(&e.d.a);
    narrow_down(&e.d.b);
    give_lines(&e.d.a, 0);
    give_lines(&e.d.b, 100);
    if (bend != NULL)
        bend(&e.d);
    e.a = world_add_gateway(e.w, "A", "10.1.0.1");
    e.b = world_add_gateway(e.w, "B", "10.2.0.1");
    gateway_set_tunnel(e.a, &e.d.a, e.d.a_local, e.d.a_remote);
    gateway_set_tunnel(e.b, &e.d.b, e.d.b_local, e.d.b_remote);
    world_set_partition(e.w, e.a, e.b, apart);
    gateway_packet_waits(e.a, 1);
    world_run(e.w, 1000);
    return e;
}

static void check_pair(const struct pair_case *c)
{
    struct encounter e = encounter_of(c->bend, false);

    world_run(e.w, 70000);

    check_failure(c->name, e.a, c->at_a);
    check_failure(c->name, e.b, c->at_b);
    if (gateway_failures(e.a, 1) != 1 || gateway_tunnel_is_up(e.a, 1) || gateway_tunnel_is_up(e.b, 0))
        fail_msg("%s: the packets that wait are told of %zu failures", c->name, gateway_failures(e.a, 1));
    world_free(e.w);
}

static void S34_each_end_reports_once_what_is_wrong_in_its_config(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pair_cases / sizeof *pair_cases; i++)
        check_pair(&pair_cases[i]);
}

/* ---- Later ------------------------------------------------------------------------------------------- */

static void S34_a_silent_peer_is_reported_once(void **state)
{
    (void)state;
    struct encounter e = encounter_of(NULL, true);

    world_run(e.w, 70000);

    check_failure("silence", e.a,
                  "Tunnel1.0: negotiation failed: no answer to IKE_SA_INIT, sent from 10.1.0.1:500 to "
                  "10.2.0.1:500 for 30 seconds: it does not arrive, or its answer does not; or the peer does "
                  "not answer it, and its log says why; line 31");
    check_failure("silence", e.b, "");
    world_free(e.w);
}

/* Lets IKE_SA_INIT pass, and nothing else. */
static bool drop_ike_auth(void *context, const struct flying_datagram *d)
{
    (void)context;
    return d->message.at[18] == EXCHANGE_IKE_SA_INIT;
}

static void S34_an_answer_that_could_not_be_sent_is_named_as_the_cause(void **state)
{
    (void)state;
    struct encounter e = encounter_of(NULL, true);
    gateway_set_source(e.b, NULL);
    world_set_partition(e.w, e.a, e.b, false);

    world_run(e.w, 60000);

    check_failure("an answer that could not be sent", e.b,
                  "Tunnel0.0: negotiation failed: 10.1.0.1:500 sent no IKE_AUTH within 30 seconds after "
                  "IKE_SA_INIT was answered with AES-CBC-128/HMAC-SHA2-256-128/PRF-HMAC-SHA2-256/MODP-2048, "
                  "which could not be sent: Network is unreachable; line 131");
    world_free(e.w);
}

static void S34_a_peer_that_falls_silent_in_ike_auth_is_reported_once_by_either_end(void **state)
{
    (void)state;
    struct encounter e = encounter_of(NULL, true);
    world_set_partition(e.w, e.a, e.b, false);
    world_set_hook(e.w, drop_ike_auth, NULL);

    world_run(e.w, 80000);

    check_failure(
        "silence in IKE_AUTH", e.a,
        "Tunnel1.0: negotiation failed: no answer to IKE_AUTH from 10.2.0.1:500 within 30 seconds; line 31");
    check_failure(
        "silence in IKE_AUTH", e.b,
        "Tunnel0.0: negotiation failed: 10.1.0.1:500 sent no IKE_AUTH within 30 seconds after IKE_SA_INIT "
        "was answered with AES-CBC-128/HMAC-SHA2-256-128/PRF-HMAC-SHA2-256/MODP-2048; line 131");
    world_free(e.w);
}

static void with_dpd(struct draft *d)
{
    d->a.dpd_interval = 10;
}

static void S34_a_dead_peer_is_reported_once(void **state)
{
    (void)state;
    struct encounter e = encounter_of(with_dpd, false);
    world_set_partition(e.w, e.a, e.b, true);

    world_run(e.w, 70000);

    check_failure("a dead peer", e.a,
                  "Tunnel1.0: DPD: no answer to INFORMATIONAL from 10.2.0.1:500 within 30 seconds");
    check_failure("a dead peer", e.b, "");
    world_free(e.w);
}

static void with_short_children(struct draft *d)
{
    d->a.child_lifetime = 100;
}

static void S34_silence_during_a_rekey_is_reported_once(void **state)
{
    (void)state;
    struct encounter e = encounter_of(with_short_children, false);
    world_set_partition(e.w, e.a, e.b, true);

    world_run(e.w, 90000);

    check_failure("silence during a rekey", e.a,
                  "Tunnel1.0: rekey of the Child SA failed: no answer to CREATE_CHILD_SA from 10.2.0.1:500 "
                  "within 30 seconds; line 31");
    world_free(e.w);
}

static void pfs_at_a_alone(struct draft *d)
{
    d->a.child.pfs = group("2048-bit") | group("1536-bit");
    d->a.child.pfs_none = false;
    d->a.child_lifetime = d->b.child_lifetime = 100;
}

static void pfs_at_b_alone(struct draft *d)
{
    d->b.child.pfs = group("3072-bit");
    d->b.child.pfs_none = false;
    d->a.child_lifetime = 100;
}

static void S11_a_pfs_mismatch_is_reported_at_the_first_rekey_with_the_line(void **state)
{
    (void)state;
    static const char at_a[] = "Tunnel1.0: rekey of the Child SA failed: the peer accepts no Child SA "
                               "proposal (NO_PROPOSAL_CHOSEN): offered enc aes-cbc-128, integrity sha2-256, "
                               "pfs 2048-bit 1536-bit (all but child-pfs was accepted before); line 17";
    static const char at_b[] = "Tunnel0.0: rekey of the Child SA failed: no common Child SA proposal: the "
                               "peer offers enc aes-cbc-128, integrity sha2-256, pfs 2048-bit 1536-bit; "
                               "accepted here enc aes-cbc-128, integrity sha2-256, pfs off; line 117";
    struct encounter e = encounter_of(pfs_at_a_alone, false);
    check_failure("before the rekey", e.a, "");

    world_run(e.w, 45000);
    check_failure("the first rekey", e.a, at_a);
    check_failure("the first rekey", e.b, at_b);
    world_run(e.w, 60000); /* it is tried again by both, until the Child SA ends */

    check_failure("later rekeys", e.a, at_a);
    check_failure("later rekeys", e.b, at_b);
    assert_false(gateway_tunnel_is_up(e.a, 1));
    world_free(e.w);
}

static void S11_a_responder_that_wants_pfs_names_the_line_too(void **state)
{
    (void)state;
    struct encounter e = encounter_of(pfs_at_b_alone, false);

    world_run(e.w, 105000);

    check_failure("PFS of the responder", e.a,
                  "Tunnel1.0: rekey of the Child SA failed: the peer accepts no Child SA proposal "
                  "(NO_PROPOSAL_CHOSEN): offered enc aes-cbc-128, integrity sha2-256, pfs off (all but "
                  "child-pfs was accepted before); line 17");
    check_failure("PFS of the responder", e.b,
                  "Tunnel0.0: rekey of the Child SA failed: no common Child SA proposal: the peer offers enc "
                  "aes-cbc-128, integrity sha2-256, pfs off; accepted here enc aes-cbc-128, integrity "
                  "sha2-256, pfs 3072-bit; line 117");
    world_free(e.w);
}

static void with_short_ike_sas(struct draft *d)
{
    d->a.sa_lifetime = 100;
}

/* A changed policy holds from the next negotiation (R11), and that is the rekey. */
static void S34_a_rekey_of_the_ike_sa_without_a_common_proposal_is_reported_once_by_either_end(void **state)
{
    (void)state;
    struct encounter e = encounter_of(with_short_ike_sas, false);
    e.d.b.ike.dh = group("3072-bit");
    gateway_set_tunnel(e.b, &e.d.b, "secret2", "secret1");

    world_run(e.w, 105000);

    check_failure(
        "rekey of the IKE SA", e.a,
        "Tunnel1.0: rekey of the IKE SA failed: the peer accepts no IKE SA proposal (NO_PROPOSAL_CHOSEN): "
        "offered enc aes-cbc-128, integrity sha2-256, prf sha2-256, dh 2048-bit; lines 11, 12, 13, 14");
    check_failure("rekey of the IKE SA", e.b,
                  "Tunnel0.0: rekey of the IKE SA failed: no common proposal: the peer offers enc "
                  "aes-cbc-128, integrity sha2-256, prf sha2-256, dh 2048-bit; accepted here enc "
                  "aes-cbc-128, integrity sha2-256, prf sha2-256, dh 3072-bit; line 114");
    world_free(e.w);
}

/* Of two negotiations that both ends begin at once one is given up; its other end waits in vain (S7). */
static void S34_a_negotiation_that_is_no_longer_needed_is_no_failure(void **state)
{
    (void)state;
    size_t given_up = 0;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct tunnel_policy at_a = policy_a();
        struct tunnel_policy at_b = policy_b();
        at_a.connect_type = at_b.connect_type = CONNECT_AUTO;
        at_a.tunnel = at_b.tunnel; /* their checks are at the same time */
        struct pair p = pair_with_seed(seed, &at_a, &at_b);
        *world_conditions(p.w) = (struct network_conditions){.delay_min = 5, .delay_max = 400};

        world_run(p.w, 70000);

        check_failure("both at once", p.a, "");
        check_failure("both at once", p.b, "");
        given_up +=
            gateway_log_has(p.a, "negotiation not needed") + gateway_log_has(p.b, "negotiation not needed");
        world_free(p.w);
    }
    assert_true(given_up > 0); /* else the test shows nothing */
}

/* ---- Again and again --------------------------------------------------------------------------------- */

enum { HOUR = 3600 * 1000 };

/* How many warnings of a gateway have a text. */
static unsigned warned(const struct gateway *g, const char *text)
{
    unsigned count = 0;
    for (const char *at = gateway_warnings(g); (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

/* A tries to have its packets carried for so long, in milliseconds. */
static void insist(const struct encounter *e, msec_t time)
{
    enum { INTERVAL = 5000 };
    for (msec_t passed = 0; passed < time; passed += INTERVAL) {
        gateway_packet_waits(e->a, 1);
        world_run(e->w, INTERVAL);
    }
}

static const struct refused_case {
    const char *name;
    void (*bend)(struct draft *d);
    unsigned child_sas; /* that B tells of */
    const char *end;    /* how B tells of the end of each IKE SA */
} refused_cases[] = {
    {"AUTH passes at B and fails at A", wrong_key_at_b, 1, "refused by the peer"},
    {"A expects another ID of B", other_responder, 1, "refused by the peer"},
    {"B grants no Child SA", other_child_encryption, 0, "no Child SA could be made"},
};

/* B makes an IKE SA each time. It tells of the first one, and of one an hour later. */
static void S34_ike_sas_that_the_peer_refuses_at_once_are_told_once_an_hour(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused_cases / sizeof *refused_cases; i++) {
        const struct refused_case *c = &refused_cases[i];
        char end[128];
        struct encounter e = encounter_of(c->bend, false);
        (void)snprintf(end, sizeof end, ": %s\n", c->end);

        insist(&e, HOUR - 60000);

        unsigned made = (unsigned)gateway_log_count(e.b, "IKE SA created");
        if (made < 10 || warned(e.b, "IKE SA created") != 1 || warned(e.b, end) != 1 ||
            warned(e.b, "IKE SA deleted") != 1 || warned(e.b, "Child SA created") != c->child_sas)
            fail_msg("%s: %u IKE SAs are made, and it is told:\n%s", c->name, made, gateway_warnings(e.b));
        insist(&e, 2 * 60000);
        (void)snprintf(end, sizeof end, ": %s (and ", c->end);
        if (warned(e.b, "IKE SA created") != 2 || warned(e.b, "IKE SA deleted") != 2 ||
            warned(e.b, end) != 1 || warned(e.b, " times more since this was told last)\n") < 1)
            fail_msg("%s: told after an hour:\n%s", c->name, gateway_warnings(e.b));
        world_free(e.w);
    }
}

static void S34_an_ike_sa_that_stays_is_told_though_the_peer_refused_those_before(void **state)
{
    (void)state;
    struct encounter e = encounter_of(wrong_key_at_b, false);
    insist(&e, 60000);
    assert_int_equal(warned(e.b, "IKE SA created"), 1);

    gateway_set_tunnel(e.a, &e.d.a, e.d.a_local, e.d.b_local); /* A takes the key of B */
    gateway_packet_waits(e.a, 1);
    world_run(e.w, 20000);

    assert_true(gateway_tunnel_is_up(e.b, 0));
    assert_int_equal(warned(e.b, "IKE SA created"), 2);
    gateway_clear(e.a, 1);
    world_run(e.w, 1000);
    assert_int_equal(warned(e.b, "IKE SA deleted"), 2);
    gateway_packet_waits(e.a, 1);
    world_run(e.w, 1000);
    assert_int_equal(warned(e.b, "IKE SA created"), 3); /* at once */
    world_free(e.w);
}

static void with_child_sas_that_are_rekeyed_at_once(struct draft *d)
{
    d->a.child_lifetime = d->b.child_lifetime = 35;
}

/* Both ends begin at once. One of the two IKE SAs is deleted, which refuses nothing: the other one stays. */
static void S34_what_follows_is_told_though_one_of_two_ike_sas_was_deleted(void **state)
{
    (void)state;
    struct encounter e = encounter_of(with_child_sas_that_are_rekeyed_at_once, true);
    world_set_partition(e.w, e.a, e.b, false);
    *world_conditions(e.w) = (struct network_conditions){.delay_min = 1500, .delay_max = 1500};
    gateway_packet_waits(e.b, 0);

    world_run(e.w, 60000);

    const struct gateway *const ends[] = {e.a, e.b};
    for (size_t i = 0; i < 2; i++) {
        size_t made = gateway_log_count(ends[i], "Child SA created");
        assert_int_equal(gateway_log_count(ends[i], "IKE SA created"), 2);
        assert_int_equal(gateway_log_count(ends[i], "IKE SA deleted"), 1);
        if (made < 3 || warned(ends[i], "Child SA created") != made)
            fail_msg("end %zu: %zu Child SAs are made, and it is told:\n%s", i, made,
                     gateway_warnings(ends[i]));
    }
    world_free(e.w);
}

static void with_an_ike_sa_that_is_rekeyed_at_once(struct draft *d)
{
    d->a.sa_lifetime = 35;
}

/* The DELETE of a young IKE SA that was rekeyed is no refusal of it, so that of its successor is told. */
static void S34_the_end_of_an_ike_sa_is_told_though_it_was_rekeyed_just_before(void **state)
{
    (void)state;
    struct encounter e = encounter_of(with_an_ike_sa_that_is_rekeyed_at_once, false);
    world_run(e.w, 8000);
    assert_int_equal(gateway_log_count(e.b, "IKE SA deleted, serial 1: "), 1);
    assert_int_equal(gateway_log_count(e.b, "IKE SA rekeyed"), 1);

    gateway_clear(e.a, 1);
    world_run(e.w, 500);

    assert_int_equal(warned(e.b, "IKE SA deleted"), 1);
    world_free(e.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S34_ike_sas_that_the_peer_refuses_at_once_are_told_once_an_hour),
        cmocka_unit_test(S34_the_end_of_an_ike_sa_is_told_though_it_was_rekeyed_just_before),
        cmocka_unit_test(S34_an_ike_sa_that_stays_is_told_though_the_peer_refused_those_before),
        cmocka_unit_test(S34_what_follows_is_told_though_one_of_two_ike_sas_was_deleted),
        cmocka_unit_test(S34_each_end_reports_once_what_is_wrong_in_its_config),
        cmocka_unit_test(S34_a_silent_peer_is_reported_once),
        cmocka_unit_test(S34_an_answer_that_could_not_be_sent_is_named_as_the_cause),
        cmocka_unit_test(S34_a_peer_that_falls_silent_in_ike_auth_is_reported_once_by_either_end),
        cmocka_unit_test(S34_a_dead_peer_is_reported_once),
        cmocka_unit_test(S34_silence_during_a_rekey_is_reported_once),
        cmocka_unit_test(S11_a_pfs_mismatch_is_reported_at_the_first_rekey_with_the_line),
        cmocka_unit_test(S11_a_responder_that_wants_pfs_names_the_line_too),
        cmocka_unit_test(S34_a_rekey_of_the_ike_sa_without_a_common_proposal_is_reported_once_by_either_end),
        cmocka_unit_test(S34_a_negotiation_that_is_no_longer_needed_is_no_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
