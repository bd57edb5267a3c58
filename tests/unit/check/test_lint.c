/* The warnings that only `musubi check` gives, each with its exact text, and configs that are right and get
 * none. */
#include "support.h"

#include <stdio.h>

#include "check/lint.h"

/* A site without anything to warn of. What a case appends begins at line 12, within Tunnel0.0. */
#define SITE                                                                                                 \
    "ip route default 10.1.0.254\n"                                                                          \
    "ip route 192.168.2.0/24 Tunnel0.0\n"                                                                    \
    "ip route 192.168.2.0/24 Null0.0 distance 255\n"                                                         \
    "ikev2 authentication psk id keyid a key char b\n"                                                       \
    "interface GigaEthernet0.0\n"                                                                            \
    "  ip address 10.1.0.1/24\n"                                                                             \
    "  no shutdown\n"                                                                                        \
    "interface Tunnel0.0\n"                                                                                  \
    "  tunnel mode ipsec-ikev2\n"                                                                            \
    "  ikev2 peer 10.2.0.1 authentication psk id keyid a\n"                                                  \
    "  no shutdown\n"

/* A second Tunnel, from line 12 on, up to its peer in line 16. */
#define SECOND                                                                                               \
    "ip route 192.168.3.0/24 Tunnel1.0\n"                                                                    \
    "ip route 192.168.3.0/24 Null0.0 distance 255\n"                                                         \
    "interface Tunnel1.0\n"                                                                                  \
    "  tunnel mode ipsec-ikev2\n"

#define PEER(peer) "  ikev2 peer " peer " authentication psk id keyid a\n"

/* A centre whose Tunnel0.0, from line 12 on, has a peer on a dynamic address. */
#define CENTRE SITE PEER("any")

struct lint_case {
    const char *lines;
    const char *expected; /* "": nothing */
};

static const struct lint_case peers[] = {
    {SITE, ""},
    /* ourselves */
    {SITE PEER("10.1.0.1"), "FILE:12:3: warning: the peer of Tunnel0.0, 10.1.0.1, is this device itself: "
                            "line 6 gives it that address; name the address of the other end\n"},
    {SITE PEER("10.1.0.2"), ""},
    {SITE PEER("10.1.0.9") "interface GigaEthernet1.0\n  ip address 10.1.0.9/24\n  shutdown\n", ""},
    /* names */
    {SITE PEER("10.2.0.l"), "FILE:12:3: warning: the peer of Tunnel0.0, `10.2.0.l`, is taken as a domain "
                            "name, but looks like a mistyped address\n"},
    {SITE PEER("10.2.O.1"), "FILE:12:3: warning: the peer of Tunnel0.0, `10.2.O.1`, is taken as a domain "
                            "name, but looks like a mistyped address\n"},
    {SITE PEER("10.2.0.1a"), "FILE:12:3: warning: the peer of Tunnel0.0, `10.2.0.1a`, is taken as a domain "
                             "name, but looks like a mistyped address\n"},
    {SITE PEER("gw1.example.com"), ""},
    {SITE PEER("1.2.3.example"), ""},
    {SITE PEER("10.example.io"), ""},
    {SITE PEER("anny"), "FILE:12:3: warning: the peer of Tunnel0.0, `anny`, is taken as a domain name, but "
                        "has no dot\n"},
};

static const struct lint_case authentication[] = {
    {SITE "  ikev2 cert cacert name ca\n  ikev2 peer 10.2.0.1 authentication rsa id keyid a\n",
     "FILE:13:3: warning: Tunnel0.0 has no `local-authentication`: its peer proves itself by certificate, "
     "but "
     "this device does so by key, with its address as ID; `local-authentication rsa id …` or "
     "`local-authentication psk id …` says which is meant\n"},
    {SITE "  ikev2 cert cacert name ca\n  ikev2 peer 10.2.0.1 authentication rsa id keyid a\n"
          "  ikev2 local-authentication psk id keyid a\n",
     ""},
    {SITE "  ikev2 cert mycert name my\n",
     "FILE:12:3: warning: the certificate is not used for Tunnel0.0, which authenticates itself by key: "
     "`local-authentication rsa id …` would use it\n"},
    {SITE "  ikev2 cert mycert name my\n  ikev2 local-authentication rsa id keyid b\n", ""},
    {SITE "  ikev2 local-authentication rsa id keyid b\n  ikev2 cert mycert name my\n"
          "  no ikev2 local-authentication\n",
     "FILE:13:3: warning: the certificate is not used for Tunnel0.0, which authenticates itself by key: "
     "`local-authentication rsa id …` would use it\n"},
};

static const struct lint_case routes[] = {
    /* into the tunnel that carries its own peer */
    {SITE "ip route default Tunnel0.0\nno ip route default 10.1.0.254\n",
     "FILE:12:1: warning: packets for 10.2.0.1, the peer of Tunnel0.0, would go into the tunnel itself by "
     "this route, so it stays down: `ip route 10.2.0.1/32 NEXTHOP` or `ikev2 outgoing-interface INTERFACE "
     "NEXTHOP` mends that\n"},
    {SITE "ip route default Tunnel0.0\nno ip route default 10.1.0.254\nip route 10.2.0.1/32 10.1.0.254\n",
     ""},
    {SITE "  ikev2 outgoing-interface GigaEthernet0.0 10.1.0.254\nip route default Tunnel0.0\n"
          "no ip route default 10.1.0.254\n",
     ""},
    {SITE "ip route default Tunnel0.0 distance 20\n", ""},
    {SITE "  ip address 10.2.0.2/30\n",
     "FILE:12:3: warning: packets for 10.2.0.1, the peer of Tunnel0.0, would go into the tunnel itself by "
     "this route, so it stays down: `ip route 10.2.0.1/32 NEXTHOP` or `ikev2 outgoing-interface INTERFACE "
     "NEXTHOP` mends that\n"},
    /* through each other, at lines 19 and 20 */
    {SITE SECOND PEER("10.3.0.1") "  no shutdown\n"
                                  "ip route 10.2.0.0/16 Tunnel1.0\nip route 10.3.0.0/16 Tunnel0.0\n"
                                  "no ip route default 10.1.0.254\n",
     "FILE:18:1: warning: packets for 10.2.0.1, the peer of Tunnel0.0, would go into the tunnel itself by "
     "this route, so it stays down: `ip route 10.2.0.1/32 NEXTHOP` or `ikev2 outgoing-interface INTERFACE "
     "NEXTHOP` mends that\n"
     "FILE:19:1: warning: packets for 10.3.0.1, the peer of Tunnel1.0, would go into the tunnel itself by "
     "this route, so it stays down: `ip route 10.3.0.1/32 NEXTHOP` or `ikev2 outgoing-interface INTERFACE "
     "NEXTHOP` mends that\n"},
    /* one tunnel in another */
    {SITE SECOND PEER("192.168.2.1") "  no shutdown\n", ""},
    /* out by itself, or by each other */
    {SITE "  ikev2 outgoing-interface Tunnel0.0\n",
     "FILE:12:3: warning: packets for the peer of Tunnel0.0 would go into the tunnel itself by Tunnel0.0, so "
     "it stays down: `ikev2 outgoing-interface` is to name the port towards the peer\n"},
    {SITE "  ikev2 outgoing-interface Tunnel1.0\n" SECOND PEER("10.3.0.1") "  no shutdown\n"
                                                                           "  ikev2 outgoing-interface "
                                                                           "Tunnel0.0\n",
     "FILE:12:3: warning: packets for the peer of Tunnel0.0 would go into the tunnel itself by Tunnel1.0, so "
     "it stays down: `ikev2 outgoing-interface` is to name the port towards the peer\n"
     "FILE:19:3: warning: packets for the peer of Tunnel1.0 would go into the tunnel itself by Tunnel0.0, so "
     "it stays down: `ikev2 outgoing-interface` is to name the port towards the peer\n"},
    {SITE "  ikev2 outgoing-interface Tunnel1.0\n" SECOND PEER("10.3.0.1") "  no shutdown\n", ""},
    /* next hops */
    {SITE "ip route 172.16.0.0/16 10.9.0.1\n",
     "FILE:12:1: warning: no interface in use has a network that holds the next hop 10.9.0.1: the route has "
     "no effect\n"},
    {SITE "ip route 172.16.0.0/16 10.9.0.1\ninterface GigaEthernet1.0\n  no shutdown\n", ""},
    {SITE "ip route 172.16.0.0/16 10.9.0.1\ndevice GigaEthernet1\n  linux-interface eth1\n", ""},
    {SITE "ip route 172.16.0.0/16 10.9.0.1\ninterface GigaEthernet1.0\n  ip address 10.8.0.1/32\n"
          "  no shutdown\n",
     ""},
    {SITE "ip route 172.16.0.0/16 10.1.0.1\n",
     "FILE:12:1: warning: the next hop 10.1.0.1 is this device itself: line 6 gives it that address; the "
     "route has no effect\n"},
    {SITE "  ikev2 outgoing-interface GigaEthernet0.0 10.9.0.254\n",
     "FILE:12:3: warning: GigaEthernet0.0 has no network that holds the next hop 10.9.0.254: unless a host "
     "there answers for it, tunnels that use it stay down\n"},
    {SITE "  ikev2 outgoing-interface GigaEthernet0.0 10.1.0.254\n", ""},
    /* no route */
    {SITE "no ip route 192.168.2.0/24 Tunnel0.0\n",
     "FILE:8:1: warning: no route leads into Tunnel0.0: no packet leaves by it; `ip route PREFIX Tunnel0.0` "
     "mends that\n"},
    {SITE "  ip address 10.9.9.1/30\nno ip route 192.168.2.0/24 Tunnel0.0\n",
     "FILE:8:1: warning: no route leads into Tunnel0.0: only what is for 10.9.9.0/30 leaves by it; `ip route "
     "PREFIX Tunnel0.0` mends that\n"},
    {SITE "  ip address 10.9.9.1/30\nno ip route 192.168.2.0/24 Tunnel0.0\nip route 10.8.0.0/16 10.9.9.2\n"
          "ip route 10.8.0.0/16 Null0.0 distance 255\n",
     ""},
    {SITE "  shutdown\nno ip route 192.168.2.0/24 Tunnel0.0\n", ""},
};

static const struct lint_case interfaces[] = {
    {SITE "  ikev2 source-address 10.1.0.7\n",
     "FILE:12:3: warning: no interface in use has the address 10.1.0.7: unless Linux has it, tunnels that "
     "send from it stay down\n"},
    {SITE "  ikev2 source-address 10.1.0.1\n", ""},
    {SITE "  ikev2 source-address 10.0.0.7\ninterface Loopback0.0\n  ip address 10.0.0.7/32\n  no shutdown\n",
     ""},
    {SITE "interface GigaEthernet1.0\n  ip address 10.1.0.2/24\n  no shutdown\n",
     "FILE:13:3: warning: the network 10.1.0.0/24 of GigaEthernet1.0 overlaps 10.1.0.0/24 of GigaEthernet0.0 "
     "(line 6): hosts in both are looked for on one of the two only\n"},
    {SITE "interface GigaEthernet1.0\n  ip address 10.1.2.2/16\n  no shutdown\n",
     "FILE:13:3: warning: the network 10.1.0.0/16 of GigaEthernet1.0 overlaps 10.1.0.0/24 of GigaEthernet0.0 "
     "(line 6): hosts in both are looked for on one of the two only\n"},
    {SITE "interface GigaEthernet1.0\n  ip address 10.1.1.2/24\n  no shutdown\n", ""},
    {SITE "interface GigaEthernet1.0\n  ip address 10.1.0.2/24\n  shutdown\n", ""},
    {SITE "interface Loopback0.0\n  ip address 10.1.0.2/32\n  no shutdown\n", ""},
    {SITE "  ip napt enable\n",
     "FILE:12:3: warning: `ip napt enable` on Tunnel0.0: packets that the peer's side sends first are "
     "dropped, and its traffic selectors have to hold the translated address; NAPT belongs on the interface "
     "to the Internet\n"},
    {SITE "interface GigaEthernet0.0\n  ip napt enable\n", ""},
    {SITE "interface GigaEthernet1.0\n  ip address 10.3.0.1/24\n",
     "FILE:12:1: warning: GigaEthernet1.0 has neither `shutdown` nor `no shutdown`: it is up\n"},
};

static const struct lint_case tunnels[] = {
    {SITE SECOND PEER("10.2.0.1") "  no shutdown\n",
     "FILE:16:3: warning: Tunnel1.0 has the same peer and the same IDs as Tunnel0.0 (line 10), so that an SA "
     "of one may come up in the other: give each IDs of its own, or an `outgoing-interface` or "
     "`source-address` of its own\n"},
    {SITE SECOND PEER("10.2.0.2") "  no shutdown\n", ""},
    {SITE SECOND PEER("10.2.0.1") "  shutdown\n", ""},
    {SITE SECOND PEER("10.2.0.1") "  ikev2 local-authentication psk id keyid a\n  no shutdown\n", ""},
    {SITE "  ikev2 outgoing-interface GigaEthernet0.0 auto\n" SECOND PEER(
         "10.2.0.1") "  ikev2 outgoing-interface GigaEthernet1.0 auto\n  no shutdown\n"
                     "interface GigaEthernet1.0\n  no shutdown\n",
     ""},
    {CENTRE SECOND PEER("any") "  no shutdown\n",
     "FILE:17:3: warning: Tunnel0.0 and Tunnel1.0 both have `peer any` and the same IDs: only one of them "
     "can be used\n"},
    {CENTRE SECOND PEER("any") "  ikev2 local-authentication psk id keyid a\n  no shutdown\n", ""},
    {CENTRE SECOND PEER("any") "  ikev2 local-authentication psk id keyid a\n"
                               "  ikev2 sa-proposal enc aes-cbc-256\n  no shutdown\n",
     "FILE:17:3: warning: the sa-proposal of Tunnel1.0 differs from that of Tunnel0.0, and both have `peer "
     "any`: the first packet does not say which one it is for\n"},
    {SITE SECOND PEER("10.2.0.1") "  ikev2 local-authentication psk id keyid a\n"
                                  "  ikev2 sa-proposal enc aes-cbc-256\n  no shutdown\n",
     "FILE:16:3: warning: the sa-proposal of Tunnel1.0 differs from that of Tunnel0.0, and both have the "
     "peer "
     "10.2.0.1: the first packet does not say which one it is for\n"},
    {SITE SECOND PEER("10.2.0.1") "  ikev2 local-authentication psk id keyid a\n"
                                  "  ikev2 negotiation-direction initiator\n"
                                  "  ikev2 sa-proposal enc aes-cbc-256\n  no shutdown\n",
     ""},
    {SITE SECOND PEER("10.2.0.2") "  ikev2 sa-proposal enc aes-cbc-256\n  no shutdown\n", ""},
};

static const struct lint_case policies[] = {
    {SITE "  ikev2 connect-type auto\n", ""},
    {SITE "  ikev2 connect-type auto\n  ikev2 negotiation-direction responder\n",
     "FILE:12:3: warning: `connect-type auto` starts nothing for Tunnel0.0, since it has "
     "`negotiation-direction responder`: it waits for the peer\n"},
    {CENTRE "  ikev2 connect-type auto\n", "FILE:13:3: warning: `connect-type auto` starts nothing for "
                                           "Tunnel0.0, since its peer is `any`: it waits "
                                           "for the peer\n"},
    {CENTRE "  ikev2 child-lifetime 3600\n",
     "FILE:13:3: warning: Tunnel0.0 has `peer any`, so it starts no rekey, and ends each Child SA after 3600 "
     "s: the peer's `child-lifetime` must not be longer, and is 28800 s unless configured\n"},
    {CENTRE "  ikev2 sa-lifetime 28800\n",
     "FILE:13:3: warning: Tunnel0.0 has `peer any`, so it starts no rekey, and ends each IKE SA after 28800 "
     "s: the peer's `sa-lifetime` must not be longer, and is 86400 s unless configured\n"},
    {CENTRE "  ikev2 child-lifetime 28800\n  ikev2 sa-lifetime 172800\n", ""},
    {SITE "  ikev2 child-lifetime 3600\n", ""},
    {SITE "  ikev2 child-lifetime 43200\n", ""},
    {SITE "  ikev2 child-lifetime 43200\ninterface GigaEthernet1.0\n  ip address dhcp\n  no shutdown\n",
     "FILE:12:3: warning: this device's address is dynamic: if the peer of Tunnel0.0 has `peer any`, it "
     "starts no rekey and ends each Child SA after its own `child-lifetime`, 28800 s unless configured, "
     "before this side rekeys it: 43200 s is too long then\n"
     "FILE:14:3: warning: this `ip address dhcp` line is not handled by Musubi: a DHCP client has to set the "
     "address on Linux, and Musubi follows it\n"},
    {SITE "  ikev2 child-lifetime 3600\ninterface GigaEthernet1.0\n  ip address dhcp\n  no shutdown\n",
     "FILE:14:3: warning: this `ip address dhcp` line is not handled by Musubi: a DHCP client has to set the "
     "address on Linux, and Musubi follows it\n"},
    {SITE "  ikev2 child-proposal enc aes-gcm-256 3des\n",
     "FILE:12:3: warning: 3des is weak (blocks of 64 bits, RFC 8221): take aes-gcm-256 or aes-cbc-256, if "
     "the "
     "peer has it\n"},
    {SITE "  ikev2 child-pfs 1024-bit\n",
     "FILE:12:3: warning: 1024-bit is weak (group 2, RFC 8247): take 2048-bit or more, if the peer has it\n"},
    {SITE "ikev2 default-profile\n  sa-proposal dh 1536-bit\n",
     "FILE:13:3: warning: 1536-bit is weak (group 5, RFC 8247): take 2048-bit or more, if the peer has it\n"},
    {SITE "  ikev2 sa-proposal integrity sha1\n  ikev2 sa-proposal dh 2048-bit\n", ""},
};

static const struct {
    const struct lint_case *cases;
    size_t count;
} groups[] = {
#define GROUP(cases)                                                                                         \
    {                                                                                                        \
        cases, sizeof cases / sizeof *cases                                                                  \
    }
    GROUP(peers), GROUP(authentication), GROUP(routes), GROUP(interfaces), GROUP(tunnels), GROUP(policies),
};

static void assert_all_said(const struct lint_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool good;
        char *said = said_of(cases[i].lines, &good);
        if (strcmp(said, cases[i].expected) != 0 || !good)
            fail_msg("case %zu:\n%ssaid:\n%sexpected:\n%s", i, cases[i].lines, said, cases[i].expected);
        free(said);
    }
}

static void a_peer_that_cannot_be_meant_is_told(void **state)
{
    (void)state;
    assert_all_said(peers, sizeof peers / sizeof *peers);
}

static void R90_a_certificate_that_is_not_used_is_told(void **state)
{
    (void)state;
    assert_all_said(authentication, sizeof authentication / sizeof *authentication);
}

static void S37_routes_that_lead_nowhere_are_told(void **state)
{
    (void)state;
    assert_all_said(routes, sizeof routes / sizeof *routes);
}

static void addresses_that_cannot_be_right_are_told(void **state)
{
    (void)state;
    assert_all_said(interfaces, sizeof interfaces / sizeof *interfaces);
}

static void S22_tunnels_that_may_be_confused_are_told(void **state)
{
    (void)state;
    assert_all_said(tunnels, sizeof tunnels / sizeof *tunnels);
}

static void R49_policies_that_do_not_do_what_they_say_are_told(void **state)
{
    (void)state;
    assert_all_said(policies, sizeof policies / sizeof *policies);
}

/* True if the text has the pieces of the words that stand outside of angle brackets, in order. */
static bool has_words(const char *text, const char *words)
{
    char piece[512];
    while (*words != '\0') {
        size_t length = strcspn(words, "<");
        (void)snprintf(piece, sizeof piece, "%.*s", (int)length, words);
        text = strstr(text, piece);
        if (text == NULL)
            return false;
        text += length;
        words += length;
        words += *words == '<' ? strcspn(words, ">") + 1 : 0;
    }
    return true;
}

static void each_warning_is_tested(void **state)
{
    (void)state;
    for (size_t rule = 0; lint_words(rule) != NULL; rule++) {
        bool tested = false;
        for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
            for (size_t i = 0; i < groups[g].count; i++)
                tested = tested || has_words(groups[g].cases[i].expected, lint_words(rule));
        }
        if (!tested)
            fail_msg("no case for: %s", lint_words(rule));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_that_cannot_be_meant_is_told),
        cmocka_unit_test(R90_a_certificate_that_is_not_used_is_told),
        cmocka_unit_test(S37_routes_that_lead_nowhere_are_told),
        cmocka_unit_test(addresses_that_cannot_be_right_are_told),
        cmocka_unit_test(S22_tunnels_that_may_be_confused_are_told),
        cmocka_unit_test(R49_policies_that_do_not_do_what_they_say_are_told),
        cmocka_unit_test(each_warning_is_tested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
