/*
 * IKE_AUTH with certificates between two gateways (R2, R90, R92, S3, S32): who proves itself how, and what
 * the log says where the peer is refused (S34). West is at 10.1.0.1, East at 10.2.0.1.
 */
#include "certificate_ends.h"
#include "failure_case.h"
#include "invariants.h"
#include "pki/certificate.h"
#include "pki/material.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define WEST_FQDN "fqdn west.example.com"
#define EAST_FQDN "fqdn east.example.com"

struct certificate_case {
    const char *name;
    struct proof_of west, east;
    const char *east_cacert; /* by which East judges West; NULL: ca */
    const char *expected;    /* the ID that East expects of West; NULL: West's own */
    bool weak_allowed;
    bool expects_key; /* East expects a pre-shared key of West */
    const char *crl;
    const char *warning; /* East's; NULL: the tunnel comes up */
};

struct ends {
    struct world *w;
    struct gateway *west, *east;
};

static struct ends ends_of(const struct certificate_case *c)
{
    const struct proof_of expected = {c->expects_key ? NULL : c->west.certificate,
                                      c->expected != NULL ? c->expected : c->west.id};
    struct tunnel_policy west = certificate_policy(1, "10.2.0.1", &c->west, &c->east, "ca");
    struct tunnel_policy east = certificate_policy(0, "10.1.0.1", &c->east, &expected,
                                                   c->east_cacert != NULL ? c->east_cacert : "ca");
    const struct sim_store *store = c->crl != NULL ? certificate_store_with_crl(c->crl) : certificate_store();
    struct ends e = {.w = world_new(1, &invariants)};
    east.weak_certificates = c->weak_allowed;
    e.west = world_add_gateway(e.w, "West", "10.1.0.1");
    e.east = world_add_gateway(e.w, "East", "10.2.0.1");
    gateway_set_store(e.west, store);
    gateway_set_store(e.east, store);
    gateway_set_tunnel(e.west, &west, "secret1", "secret2");
    gateway_set_tunnel(e.east, &east, "secret2", "secret1");
    return e;
}

/* A gateway's only warning is this one, "#" in it being the serial number of West's certificate. */
static void check_warning(const struct certificate_case *c, const char *name, const struct gateway *g,
                          const char *warning)
{
    char text[PKI_REASON_SIZE];
    const char *own = c->west.certificate != NULL ? c->west.certificate : "ca";
    check_failure(name, g, material_text(warning, certificate_entry(own)->chain[0], text));
}

/* West begins, or East. */
static void begin(const struct ends *e, bool west_begins)
{
    if (west_begins)
        gateway_packet_waits(e->west, 1);
    else
        gateway_packet_waits(e->east, 0);
    world_run(e->w, 2000);
}

/* Either end begins; the outcome is the same. */
static void play(const struct certificate_case *c, bool west_begins)
{
    struct ends e = ends_of(c);
    begin(&e, west_begins);
    bool up = world_tunnel_carries(e.west, 1, e.east, 0);
    char name[160];
    (void)snprintf(name, sizeof name, "%s, %s begins", c->name, west_begins ? "West" : "East");
    if (up != (c->warning == NULL))
        fail_msg("%s: the tunnel is %s:\n%s%s", name, up ? "up" : "down", gateway_warnings(e.west),
                 gateway_warnings(e.east));
    check_warning(c, name, e.east, c->warning != NULL ? c->warning : "");
    if (world_fault(e.w) != NULL)
        fail_msg("%s: %s", name, world_fault(e.w));
    world_free(e.w);
}

static void play_all(const struct certificate_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        play(&cases[i], true);
        play(&cases[i], false);
    }
}

#define PLAY_ALL(cases) play_all(cases, sizeof(cases) / sizeof *(cases))

/* ---- Who proves itself how --------------------------------------------------------------------------- */

static void R2_each_direction_proves_itself_in_its_own_way(void **state)
{
    static const struct certificate_case cases[] = {
        {"RSA both ways", {"west", WEST_FQDN}, {"east", EAST_FQDN}},
        {"certificate one way", {"west", WEST_FQDN}, {NULL, EAST_FQDN}},
        {"certificate the other way", {NULL, WEST_FQDN}, {"east", EAST_FQDN}},
        {"ECDSA both ways", {"west-ec", WEST_FQDN}, {"east-ec", EAST_FQDN}},
        {"RSA and ECDSA", {"west", WEST_FQDN}, {"east-ec", EAST_FQDN}},
        {"both have the same name", {"west", WEST_FQDN}, {NULL, WEST_FQDN}},
        {"intermediate CAs", {"west-chain", WEST_FQDN}, {"east", EAST_FQDN}},
        {"intermediate CAs and a key", {"west-chain", WEST_FQDN}, {NULL, EAST_FQDN}},
        {"the CA is an intermediate one", {"west-chain", WEST_FQDN}, {"east", EAST_FQDN}, "middle"},
        {"a self-signed certificate that is the CA",
         {"west-self", WEST_FQDN},
         {NULL, EAST_FQDN},
         "west-self"},
    };
    (void)state;
    PLAY_ALL(cases);
}

static void S3_IDs_of_all_types_match_the_certificate(void **state)
{
    static const struct certificate_case cases[] = {
        {"fqdn", {"west", WEST_FQDN}, {NULL, EAST_FQDN}},
        {"fqdn in capitals", {"west", "fqdn WEST.Example.com"}, {NULL, EAST_FQDN}},
        {"rfc822", {"west", "rfc822 admin@west.example.com"}, {NULL, EAST_FQDN}},
        {"ipv4", {"west", "ipv4 10.1.0.1"}, {NULL, EAST_FQDN}},
        {"ipv6", {"west", "ipv6 2001:db8::1"}, {NULL, EAST_FQDN}},
        {"dn", {"west", "dn C=JP, O=Example, CN=west"}, {NULL, EAST_FQDN}},
        {"dn both ways", {"west", "dn C=JP, O=Example, CN=west"}, {"east", "dn C=JP, O=Example, CN=east"}},
        {"dn in another spelling",
         {"west", "dn C=JP, O=Example, CN=west"},
         {NULL, EAST_FQDN},
         .expected = "dn C=JP, O=EXAMPLE, CN=West"},
    };
    (void)state;
    PLAY_ALL(cases);
}

/* ---- Who is refused ---------------------------------------------------------------------------------- */

#define REFUSED(what) "Tunnel0.0: negotiation failed: the peer " what "; lines 31, 41"
#define OF_WEST       "FQDN west.example.com is not accepted by certificate: "

static void S32_a_peer_whose_certificate_does_not_hold_is_refused(void **state)
{
    static const struct certificate_case cases[] = {
        {"expired",
         {"west-expired", WEST_FQDN},
         {"east", EAST_FQDN},
         .warning = REFUSED(
             OF_WEST
             "the peer's certificate, C=JP, O=Example, CN=west-expired, serial #, expired at 2026-02-01 "
             "00:00:00 UTC, and it is now 2026-09-21 14:30:00 UTC (RFC 5280 4.1.2.5)")},
        {"not yet valid",
         {"west-early", WEST_FQDN},
         {"east", EAST_FQDN},
         .warning =
             REFUSED(OF_WEST "the peer's certificate, C=JP, O=Example, CN=west-early, serial #, is not valid "
                             "before 2027-01-01 "
                             "00:00:00 UTC, and it is now 2026-09-21 14:30:00 UTC (RFC 5280 4.1.2.5)")},
        {"another CA",
         {"west-otherca", WEST_FQDN},
         {"east", EAST_FQDN},
         .warning = REFUSED(
             OF_WEST
             "the peer's certificate, C=JP, O=Example, CN=west-otherca, serial #, was issued by C=JP, "
             "O=Example, CN=otherca, which is not the configured CA, C=JP, O=Example, CN=ca, "
             "and whose certificate the peer did not send (RFC 5280 6.1)")},
        {"the CA of another",
         {"west", WEST_FQDN},
         {"east", EAST_FQDN},
         "otherca",
         .warning = REFUSED(OF_WEST
                            "the peer's certificate, C=JP, O=Example, CN=west, serial #, was issued by C=JP, "
                            "O=Example, CN=ca, which is not the configured CA, C=JP, O=Example, CN=otherca, "
                            "and whose certificate the peer did not send (RFC 5280 6.1)")},
        {"a chain that is cut off",
         {"west-low", WEST_FQDN},
         {"east", EAST_FQDN},
         .warning = REFUSED(
             OF_WEST "the peer's certificate, C=JP, O=Example, CN=west-low, serial #, was issued by C=JP, "
                     "O=Example, CN=low, which is not the configured CA, C=JP, O=Example, CN=ca, and "
                     "whose certificate the peer did not send (RFC 5280 6.1)")},
        {"self-signed",
         {"west-self", WEST_FQDN},
         {NULL, EAST_FQDN},
         .warning = REFUSED(
             OF_WEST "the peer's certificate, C=JP, O=Example, CN=west-self, serial #, is self-signed, "
                     "and not itself the configured CA certificate (RFC 5280 6.1)")},
        {"weak",
         {"west-weak", WEST_FQDN},
         {NULL, EAST_FQDN},
         .warning =
             "Tunnel0.0: negotiation failed: the peer " OF_WEST
             "the peer's certificate, C=JP, O=Example, CN=west-weak, serial #, has a weak key, RSA 1024 "
             "bits; it must have 2048 bits, unless `cert weak-allowed` is set; lines 31, 41, 43"},
        {"weak, and allowed", {"west-weak", WEST_FQDN}, {NULL, EAST_FQDN}, .weak_allowed = true},
        {"key usage",
         {"west-encipher", WEST_FQDN},
         {NULL, EAST_FQDN},
         .warning = REFUSED(
             OF_WEST "the peer's certificate, C=JP, O=Example, CN=west-encipher, serial #, may not sign: its "
                     "key usage has neither digitalSignature nor nonRepudiation (RFC 4945 5.1.3.2)")},
        {"extended key usage",
         {"west-mail", WEST_FQDN},
         {NULL, EAST_FQDN},
         .warning =
             REFUSED(OF_WEST "the peer's certificate, C=JP, O=Example, CN=west-mail, serial #, is for other "
                             "purposes than IKE: its extended key usage has neither ipsecIKE nor "
                             "anyExtendedKeyUsage, serverAuth or clientAuth (RFC 4945 5.1.3.12)")},
        {"not its name",
         {"west", "fqdn east2.example.com"},
         {NULL, EAST_FQDN},
         .warning = REFUSED(
             "FQDN east2.example.com is not accepted by certificate: the certificate of C=JP, "
             "O=Example, CN=west, serial #, is for fqdn west.example.com, rfc822 admin@west.example.com, "
             "ipv4 10.1.0.1, ipv6 2001:db8::1, not for the ID fqdn east2.example.com")},
        {"not its subject",
         {"west", "dn C=JP, O=Example, CN=east"},
         {NULL, EAST_FQDN},
         .warning = REFUSED(
             "DER-ASN1-DN C=JP, O=Example, CN=east is not accepted by certificate: the certificate's "
             "subject is C=JP, O=Example, CN=west (serial #), not the ID dn C=JP, O=Example, CN=east")},
        {"not its address",
         {"west", "ipv4 10.9.0.1"},
         {NULL, EAST_FQDN},
         .warning = REFUSED(
             "IPv4-ADDR 10.9.0.1 is not accepted by certificate: the certificate of C=JP, "
             "O=Example, CN=west, serial #, is for fqdn west.example.com, rfc822 admin@west.example.com, "
             "ipv4 10.1.0.1, ipv6 2001:db8::1, not for the ID ipv4 10.9.0.1")},
        {"not revoked",
         {"unrevoked", "dn C=JP, O=Example, CN=unrevoked"},
         {NULL, EAST_FQDN},
         "crlca",
         .crl = "crl"},
        {"revoked",
         {"revoked", "dn C=JP, O=Example, CN=revoked"},
         {NULL, EAST_FQDN},
         "crlca",
         .crl = "crl",
         .warning =
             REFUSED("DER-ASN1-DN C=JP, O=Example, CN=revoked is not accepted by certificate: the "
                     "peer's certificate, C=JP, O=Example, CN=revoked, serial #, is revoked by the CRL "
                     "of C=JP, O=Example, CN=crlca (RFC 5280 6.3)")},
        {"an expired CRL",
         {"unrevoked", "dn C=JP, O=Example, CN=unrevoked"},
         {NULL, EAST_FQDN},
         "crlca",
         .crl = "crl-expired",
         .warning =
             REFUSED("DER-ASN1-DN C=JP, O=Example, CN=unrevoked is not accepted by certificate: the peer's "
                     "certificate, C=JP, O=Example, CN=unrevoked, serial #, can't be checked: the CRL of "
                     "C=JP, O=Example, "
                     "CN=crlca expired at 2026-02-01 00:00:00 UTC; import a newer one (RFC 5280 5.1.2.5)")},
    };
    (void)state;
    PLAY_ALL(cases);
}

#define NOT_ACCEPTED(certificate)                                                                            \
    "Tunnel1.0: negotiation failed: the peer does not accept FQDN west.example.com with the "                \
    "certificate " certificate " (AUTHENTICATION_FAILED): C=JP, O=Example, CN=" certificate                  \
    ", serial #, issued by "
/* The initiator has asked for the peer's ID, which may be why it is refused. Returns `out`, which has `size`
 * octets. */
static const char *as_initiator(const char *warning, char *out, size_t size)
{
    static const char failed[] = " (AUTHENTICATION_FAILED)", lines[] = "lines 20, ";
    const char *at = strstr(warning, failed);
    const char *end = strstr(warning, lines);
    assert_true(at != NULL && end != NULL);
    (void)snprintf(out, size, "%.*s, or it is not FQDN east.example.com, which it was asked for%.*s%s31, %s",
                   (int)(at - warning), warning, (int)(end - at), at, lines, end + strlen(lines));
    return out;
}

#define LOG_TELLS "; the log of the peer tells why it is refused; lines 20, 42"

/* What West's log says of its being refused: which certificate, and what the peer asks for (S34). */
static void S34_the_refused_end_names_its_certificate(void **state)
{
    static const struct {
        struct certificate_case ends;
        const char *warning;
    } cases[] = {
        {{"expired", {"west-expired", WEST_FQDN}, {"east", EAST_FQDN}},
         NOT_ACCEPTED("west-expired") "C=JP, O=Example, CN=ca, signed by ECDSA with SHA2-256; it expired at "
                                      "2026-02-01 00:00:00 UTC; the peer asks for "
                                      "certificates of its CA (CERTREQ)" LOG_TELLS},
        {{"of another CA", {"west-otherca", WEST_FQDN}, {"east", EAST_FQDN}},
         NOT_ACCEPTED(
             "west-otherca") "C=JP, O=Example, CN=otherca, signed by ECDSA with SHA2-256; the peer asks "
                             "for certificates of other CAs than its own (CERTREQ)" LOG_TELLS},
        {{"of an unknown CA", {"west-low", WEST_FQDN}, {"east", EAST_FQDN}},
         NOT_ACCEPTED(
             "west-low") "C=JP, O=Example, CN=low, signed by ECDSA with SHA2-256; whether the peer asks "
                         "for certificates of its CA (CERTREQ) is not known, for the certificate of that "
                         "CA is not stored here" LOG_TELLS},
        {{"a key is expected", {"west-ec", WEST_FQDN}, {NULL, EAST_FQDN}, .expects_key = true},
         NOT_ACCEPTED(
             "west-ec") "C=JP, O=Example, CN=ca, signed by ECDSA P-256 with SHA2-256; the peer asks for "
                        "no certificate (no CERTREQ)" LOG_TELLS},
    };
    (void)state;
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        bool west_begins = i % 2 == 0;
        struct ends e = ends_of(&cases[i / 2].ends);
        if (cases[i / 2].ends.expects_key && !west_begins) {
            world_free(e.w); /* West has verified its key when East looks at the method */
            continue;
        }
        begin(&e, west_begins);
        char text[PKI_REASON_SIZE];
        const char *warning = cases[i / 2].warning;
        check_warning(&cases[i / 2].ends, cases[i / 2].ends.name, e.west,
                      west_begins ? as_initiator(warning, text, sizeof text) : warning);
        world_free(e.w);
    }
}

/* West proves itself by RSA, and is refused when it begins; then East begins. */
static void S34_the_refused_end_tells_the_padding_that_comes_next(void **state)
{
    static const struct certificate_case unexpected = {
        "unexpected", {"west", WEST_FQDN}, {NULL, EAST_FQDN}, "otherca"};
    (void)state;
    for (int west_begins = 0; west_begins < 2; west_begins++) {
        struct ends e = ends_of(&unexpected);
        begin(&e, west_begins != 0);
        char text[PKI_REASON_SIZE];
        static const char warning[] =
            NOT_ACCEPTED("west") "C=JP, O=Example, CN=ca, signed by RSA PSS with SHA2-256; the peer asks "
                                 "for certificates of other CAs than its own (CERTREQ); the next attempt "
                                 "signs by PKCS#1 v1.5" LOG_TELLS;
        check_warning(&unexpected, "unexpected", e.west,
                      west_begins ? as_initiator(warning, text, sizeof text) : warning);
        world_free(e.w);
    }
}

static void S34_a_key_that_the_peer_does_not_know_is_told(void **state)
{
    static const struct certificate_case unknown = {
        "unknown", {"west-ed", WEST_FQDN}, {NULL, EAST_FQDN}, .expects_key = true};
    (void)state;
    struct ends e = ends_of(&unknown);
    begin(&e, true);
    check_failure(
        "unknown", e.west,
        "Tunnel1.0: negotiation failed: the key of this end's certificate west-ed can sign by none of "
        "the algorithms that the peer knows (RFC 7427): the key is Ed25519, and the peer names no hash "
        "algorithms; lines 20, 42");
    world_free(e.w);
}

static void S34_a_certificate_without_a_key_is_told(void **state)
{
    static const struct certificate_case keyless = {"keyless", {"keyless", WEST_FQDN}, {"east", EAST_FQDN}};
    (void)state;
    for (int west_begins = 0; west_begins < 2; west_begins++) {
        struct ends e = ends_of(&keyless);
        begin(&e, west_begins != 0);
        check_failure(
            "keyless", e.west,
            "Tunnel1.0: negotiation failed: there is no certificate keyless with a private key for this "
            "end; lines 20, 42");
        assert_false(gateway_tunnel_is_up(e.east, 0));
        world_free(e.w);
    }
}

static void S34_an_AUTH_that_could_not_be_computed_is_not_told_as_a_missing_key(void **state)
{
    static const struct certificate_case sound = {"sound", {"west", WEST_FQDN}, {"east", EAST_FQDN}};
    (void)state;
    for (int west_begins = 0; west_begins < 2; west_begins++) {
        struct ends e = ends_of(&sound);
        world_conditions(e.w)->overloaded = e.west;
        begin(&e, west_begins != 0);
        check_failure(
            "sound", e.west,
            "Tunnel1.0: negotiation failed: the AUTH could not be computed: memory ran out, too many "
            "computations wait, or the tunnel has just been changed");
        assert_false(gateway_tunnel_is_up(e.east, 0));
        world_free(e.w);
    }
}

/* East has two tunnels with West, which differ by its own ID and certificate alone. */
static void S22_the_ID_that_the_initiator_asks_for_picks_the_certificate(void **state)
{
    static const struct proof_of west = {"west", WEST_FQDN};
    static const struct proof_of easts[] = {{"east", "dn C=JP, O=Example, CN=east"},
                                            {"east-ec", "dn C=JP, O=Example, CN=east-ec"}};
    (void)state;
    for (uint32_t asked = 0; asked < 2; asked++) {
        struct world *w = world_new(1, &invariants);
        struct gateway *a = world_add_gateway(w, "West", "10.1.0.1");
        struct gateway *b = world_add_gateway(w, "East", "10.2.0.1");
        const struct tunnel_policy at_west = certificate_policy(1, "10.2.0.1", &west, &easts[asked], "ca");
        gateway_set_store(a, certificate_store());
        gateway_set_store(b, certificate_store());
        gateway_set_tunnel(a, &at_west, "", "");
        for (uint32_t i = 0; i < 2; i++) {
            const struct tunnel_policy policy =
                certificate_policy(10 + i, "10.1.0.1", &easts[i], &west, "ca");
            gateway_set_tunnel(b, &policy, "", "");
        }

        gateway_packet_waits(a, 1);
        world_run(w, 2000);

        if (!world_tunnel_carries(a, 1, b, 10 + asked))
            fail_msg("%s: not up: %s%s", easts[asked].id, gateway_warnings(a), gateway_warnings(b));
        world_free(w);
    }
}

/* ---- Engines that end, paths that lose --------------------------------------------------------------- */

static const struct certificate_case both = {"both", {"west-chain", WEST_FQDN}, {"east", EAST_FQDN}};

/* Wherever an engine ends in the middle of IKE_AUTH, the next one comes up with the same peer. */
static void R2_an_engine_may_end_anywhere_in_ike_auth(void **state)
{
    enum { ACTIONS = 16, PATIENCE = 120000 };
    (void)state;
    for (unsigned actions = 0; actions < ACTIONS; actions++) {
        for (int of_west = 0; of_west < 2; of_west++) {
            struct ends e = ends_of(&both);
            gateway_resume_after(of_west ? e.west : e.east, actions, false);
            gateway_packet_waits(e.west, 1);
            for (msec_t waited = 0; waited < PATIENCE && !world_tunnel_carries(e.west, 1, e.east, 0);
                 waited += 1000) {
                world_run(e.w, 1000);
                if (!gateway_tunnel_is_up(e.west, 1))
                    gateway_packet_waits(e.west, 1); /* packets go on to come */
            }
            if (!world_tunnel_carries(e.west, 1, e.east, 0) || world_fault(e.w) != NULL)
                fail_msg("%s ends after %u actions: %s\n%s%s", of_west ? "West" : "East", actions,
                         world_fault(e.w) != NULL ? world_fault(e.w) : "not up", gateway_warnings(e.west),
                         gateway_warnings(e.east));
            world_free(e.w);
        }
    }
}

/* No datagram of IKE_AUTH is longer than a path of 1280 octets takes, and the tunnel comes up through loss.
 */
static bool note_length(void *context, const struct flying_datagram *d)
{
    size_t *longest = context;
    *longest = d->message.length > *longest ? d->message.length : *longest;
    return true;
}

static void S32_chains_go_in_fragments(void **state)
{
    enum { LONGEST = 1280 - 40 - 8 - 4 }; /* without the headers of IPv6 and UDP, and the non-ESP marker */
    static const struct certificate_case long_chains = {
        "long", {"west-chain", WEST_FQDN}, {"east", EAST_FQDN}};
    (void)state;
    for (unsigned loss = 0; loss <= 20; loss += 20) {
        size_t longest = 0;
        struct ends e = ends_of(&long_chains);
        world_set_hook(e.w, note_length, &longest);
        world_conditions(e.w)->loss_percent = loss;
        gateway_packet_waits(e.west, 1);
        world_run(e.w, 60000);
        assert_true(world_tunnel_carries(e.west, 1, e.east, 0));
        assert_in_range(longest, 1000, LONGEST);
        world_free(e.w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R2_each_direction_proves_itself_in_its_own_way),
        cmocka_unit_test(S3_IDs_of_all_types_match_the_certificate),
        cmocka_unit_test(S32_a_peer_whose_certificate_does_not_hold_is_refused),
        cmocka_unit_test(S34_the_refused_end_names_its_certificate),
        cmocka_unit_test(S34_the_refused_end_tells_the_padding_that_comes_next),
        cmocka_unit_test(S34_a_key_that_the_peer_does_not_know_is_told),
        cmocka_unit_test(S34_a_certificate_without_a_key_is_told),
        cmocka_unit_test(S34_an_AUTH_that_could_not_be_computed_is_not_told_as_a_missing_key),
        cmocka_unit_test(S22_the_ID_that_the_initiator_asks_for_picks_the_certificate),
        cmocka_unit_test(R2_an_engine_may_end_anywhere_in_ike_auth),
        cmocka_unit_test(S32_chains_go_in_fragments),
    };
    return cmocka_run_group_tests(tests, NULL, certificate_store_free);
}
