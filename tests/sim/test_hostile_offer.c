/* Hostile and odd offers in CREATE_CHILD_SA: proposals (RFC 7296 3.3) and traffic selectors (3.13). */
#include "hostile_case.h"

#include "ike/wire/selectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct octets nothing = {NULL, 0};

/* ---- Proposals of a Child SA ------------------------------------------------------------------------------
 */

static void child_of_spi(struct stage *s, struct message_writer *m, uint8_t protocol, struct octets spi)
{
    put_offer_with_spi(s, m, protocol, spi);
    put_nonce(m, HIGHEST);
    put_any_selectors(m);
}

static void spi_of_8(struct stage *s, struct message_writer *m)
{
    child_of_spi(s, m, PROTOCOL_ESP, (struct octets){some_octets, 8});
}

static void spi_of_0(struct stage *s, struct message_writer *m)
{
    child_of_spi(s, m, PROTOCOL_ESP, nothing);
}

static void spi_reserved(struct stage *s, struct message_writer *m)
{
    static const uint8_t spi[4] = {0, 0, 0, 255};
    child_of_spi(s, m, PROTOCOL_ESP, (struct octets){spi, sizeof spi});
}

static void spi_zero(struct stage *s, struct message_writer *m)
{
    static const uint8_t spi[4];
    child_of_spi(s, m, PROTOCOL_ESP, (struct octets){spi, sizeof spi});
}

static void protocol_ah(struct stage *s, struct message_writer *m)
{
    child_of_spi(s, m, PROTOCOL_AH, (struct octets){some_octets, 4});
}

static void child_of_raw_sa(struct message_writer *m, const uint8_t *at, size_t length)
{
    put_raw(m, PAYLOAD_SA, at, length);
    put_nonce(m, HIGHEST);
    put_any_selectors(m);
}

static void sa_empty(struct stage *s, struct message_writer *m)
{
    (void)s;
    child_of_raw_sa(m, NULL, 0);
}

static void sa_truncated(struct stage *s, struct message_writer *m)
{
    static const uint8_t sa[] = {0, 0, 0, 40, 1, 3, 4, 3, 0xc0, 0, 0, 2, 3, 0, 0, 12};
    (void)s;
    child_of_raw_sa(m, sa, sizeof sa);
}

/* AES-CBC-128, HMAC-SHA2-256-128 and an ESN transform, or two. */
static void esn_alone(struct stage *s, struct message_writer *m)
{
    static const uint8_t sa[] = {0,    0,  0, 40,  1, 3, 4, 3, 0xc0, 0, 0, 2,  3, 0, 0, 12, 1, 0, 0, 12,
                                 0x80, 14, 0, 128, 3, 0, 0, 8, 3,    0, 0, 12, 0, 0, 0, 8,  5, 0, 0, 1};
    (void)s;
    child_of_raw_sa(m, sa, sizeof sa);
}

static void esn_or_none(struct stage *s, struct message_writer *m)
{
    static const uint8_t sa[] = {0, 0, 0, 48, 1,    3,  4, 4,   0xc0, 0, 0, 2, 3, 0, 0, 12,
                                 1, 0, 0, 12, 0x80, 14, 0, 128, 3,    0, 0, 8, 3, 0, 0, 12,
                                 3, 0, 0, 8,  5,    0,  0, 1,   0,    0, 0, 8, 5, 0, 0, 0};
    (void)s;
    child_of_raw_sa(m, sa, sizeof sa);
}

static void gcm_with_integrity(struct stage *s, struct message_writer *m)
{
    static const uint8_t sa[] = {0,    0,  0, 40, 1, 3, 4, 3, 0xc0, 0, 0, 2,  3, 0, 0, 12, 1, 0, 0, 20,
                                 0x80, 14, 1, 0,  3, 0, 0, 8, 3,    0, 0, 12, 0, 0, 0, 8,  5, 0, 0, 0};
    (void)s;
    child_of_raw_sa(m, sa, sizeof sa);
}

static void gcm_with_integrity_none(struct stage *s, struct message_writer *m)
{
    static const uint8_t sa[] = {0,    0,  0, 40, 1, 3, 4, 3, 0xc0, 0, 0, 2, 3, 0, 0, 12, 1, 0, 0, 20,
                                 0x80, 14, 1, 0,  3, 0, 0, 8, 3,    0, 0, 0, 0, 0, 0, 8,  5, 0, 0, 0};
    (void)s;
    child_of_raw_sa(m, sa, sizeof sa);
}

static void aes_without_integrity(struct stage *s, struct message_writer *m)
{
    static const uint8_t sa[] = {0, 0, 0, 32, 1,    3,  4, 2,   0xc0, 0, 0, 2, 3, 0, 0, 12,
                                 1, 0, 0, 12, 0x80, 14, 0, 128, 0,    0, 0, 8, 5, 0, 0, 0};
    (void)s;
    child_of_raw_sa(m, sa, sizeof sa);
}

static void prf_for_esp(struct stage *s, struct message_writer *m)
{
    static const uint8_t sa[] = {0, 0, 0, 48, 1,    3,  4, 4,   0xc0, 0, 0, 2, 3, 0, 0, 12,
                                 1, 0, 0, 12, 0x80, 14, 0, 128, 3,    0, 0, 8, 3, 0, 0, 12,
                                 3, 0, 0, 8,  2,    0,  0, 5,   0,    0, 0, 8, 5, 0, 0, 0};
    (void)s;
    child_of_raw_sa(m, sa, sizeof sa);
}

/* ---- Selectors --------------------------------------------------------------------------------------------
 */

static void child_of_tsi(struct stage *s, struct message_writer *m, const uint8_t *at, size_t length)
{
    const struct selector_list any = selectors_of_policy(NULL, 0);
    put_esp_offer(s, m, SECOND_CHILD, NULL);
    put_nonce(m, HIGHEST);
    put_raw(m, PAYLOAD_TSI, at, length);
    selectors_put(m, PAYLOAD_TSR, &any);
}

static void ts_none(struct stage *s, struct message_writer *m)
{
    static const uint8_t ts[] = {0, 0, 0, 0};
    child_of_tsi(s, m, ts, sizeof ts);
}

static void ts_inverted(struct stage *s, struct message_writer *m)
{
    static const uint8_t ts[] = {1, 0, 0, 0, 7, 0, 0, 16, 0, 0, 0xff, 0xff, 10, 0, 0, 9, 10, 0, 0, 1};
    child_of_tsi(s, m, ts, sizeof ts);
}

static void ts_ports_inverted(struct stage *s, struct message_writer *m)
{
    static const uint8_t ts[] = {1, 0, 0, 0, 7, 17, 0, 16, 0, 9, 0, 1, 10, 0, 0, 1, 10, 0, 0, 9};
    child_of_tsi(s, m, ts, sizeof ts);
}

static void ts_opaque_ports(struct stage *s, struct message_writer *m)
{
    static const uint8_t ts[] = {1, 0, 0, 0, 7, 17, 0, 16, 0xff, 0xff, 0, 0, 10, 0, 0, 1, 10, 0, 0, 9};
    child_of_tsi(s, m, ts, sizeof ts);
}

static void ts_overruns(struct stage *s, struct message_writer *m)
{
    static const uint8_t ts[] = {1, 0, 0, 0, 7, 0, 0xff, 0xff, 0, 0, 0xff, 0xff, 10, 0, 0, 1, 10, 0, 0, 9};
    child_of_tsi(s, m, ts, sizeof ts);
}

static void ts_of_length_4(struct stage *s, struct message_writer *m)
{
    static const uint8_t ts[] = {1, 0, 0, 0, 7, 0, 0, 4};
    child_of_tsi(s, m, ts, sizeof ts);
}

static void ts_count_lies(struct stage *s, struct message_writer *m)
{
    static const uint8_t ts[] = {200, 0, 0, 0, 7, 0, 0, 16, 0, 0, 0xff, 0xff, 10, 0, 0, 1, 10, 0, 0, 9};
    child_of_tsi(s, m, ts, sizeof ts);
}

static void ts_count_too_low(struct stage *s, struct message_writer *m)
{
    static const uint8_t ts[] = {1, 0, 0, 0, 7, 0,  0, 16, 0,    0,    0xff, 0xff, 10, 0, 0,  1, 10, 0,
                                 0, 9, 7, 0, 0, 16, 0, 0,  0xff, 0xff, 10,   0,    1,  1, 10, 0, 1,  9};
    child_of_tsi(s, m, ts, sizeof ts);
}

static void ts_count_0(struct stage *s, struct message_writer *m)
{
    static const uint8_t ts[] = {0, 0, 0, 0};
    child_of_tsi(s, m, ts, sizeof ts);
}

static void ts_ipv6_in_the_size_of_ipv4(struct stage *s, struct message_writer *m)
{
    static const uint8_t ts[] = {1, 0, 0, 0, 8, 0, 0, 16, 0, 0, 0xff, 0xff, 10, 0, 0, 1, 10, 0, 0, 9};
    child_of_tsi(s, m, ts, sizeof ts);
}

static void ts_of_an_unknown_type(struct stage *s, struct message_writer *m)
{
    static const uint8_t ts[] = {1, 0, 0, 0, 9, 0, 0, 16, 0, 0, 0xff, 0xff, 10, 0, 0, 1, 10, 0, 0, 9};
    child_of_tsi(s, m, ts, sizeof ts);
}

static void tsr_inverted(struct stage *s, struct message_writer *m)
{
    static const uint8_t ts[] = {1, 0, 0, 0, 7, 0, 0, 16, 0, 0, 0xff, 0xff, 10, 0, 0, 9, 10, 0, 0, 1};
    const struct selector_list any = selectors_of_policy(NULL, 0);
    put_esp_offer(s, m, SECOND_CHILD, NULL);
    put_nonce(m, HIGHEST);
    selectors_put(m, PAYLOAD_TSI, &any);
    put_raw(m, PAYLOAD_TSR, ts, sizeof ts);
}

/* As many as the count can tell. */
static void ts_255(struct stage *s, struct message_writer *m)
{
    enum { COUNT = 255, SIZE = 16 };
    static const uint8_t one[SIZE] = {7, 0, 0, SIZE, 0, 0, 0xff, 0xff, 10, 0, 0, 1, 10, 0, 0, 9};
    uint8_t ts[4 + COUNT * SIZE] = {COUNT};
    for (size_t i = 0; i < COUNT; i++)
        memcpy(ts + 4 + i * SIZE, one, SIZE);
    child_of_tsi(s, m, ts, sizeof ts);
}

static void ts_reserved_octets(struct stage *s, struct message_writer *m)
{
    static const uint8_t ts[] = {1, 9, 9, 9, 7, 0, 0, 16, 0, 0, 0xff, 0xff, 10, 0, 0, 1, 10, 0, 0, 9};
    child_of_tsi(s, m, ts, sizeof ts);
}

/* AES-CBC-128 and HMAC-SHA2-256, with reserved octets that are not zero, behind 300 proposals for AH. */
static void three_hundred_proposals(struct stage *s, struct message_writer *m)
{
    enum { OTHERS = 300, SIZE = 12 };
    static const uint8_t other[SIZE] = {2, 0, 0, SIZE, 1, PROTOCOL_AH, 4, 0, 0xc0, 0, 0, 2};
    static const uint8_t last[] = {0, 9, 0, 32, 1,    3,  4, 2,   0xc0, 0, 0, 2, 3, 9, 0, 12,
                                   1, 9, 0, 12, 0x80, 14, 0, 128, 0,    9, 0, 8, 3, 9, 0, 12};
    static uint8_t sa[OTHERS * SIZE + sizeof last];
    (void)s;
    for (size_t i = 0; i < OTHERS; i++)
        memcpy(sa + i * SIZE, other, SIZE);
    memcpy(sa + OTHERS * SIZE, last, sizeof last);
    child_of_raw_sa(m, sa, sizeof sa);
}

static void key_length_twice(struct stage *s, struct message_writer *m)
{
    static const uint8_t sa[] = {0, 0,  0,    36, 1, 3,   4,    2,  0xc0, 0,   0, 2, 3, 0, 0, 16, 1, 0,
                                 0, 12, 0x80, 14, 0, 128, 0x80, 14, 0,    128, 0, 0, 0, 8, 3, 0,  0, 12};
    (void)s;
    child_of_raw_sa(m, sa, sizeof sa);
}

static void spi_that_overruns(struct stage *s, struct message_writer *m)
{
    static const uint8_t sa[] = {0, 0, 0, 32, 1,    3,  255, 2,   0xc0, 0, 0, 2, 3, 0, 0, 12,
                                 1, 0, 0, 12, 0x80, 14, 0,   128, 0,    0, 0, 8, 3, 0, 0, 12};
    (void)s;
    child_of_raw_sa(m, sa, sizeof sa);
}

static void another_order(struct stage *s, struct message_writer *m)
{
    put_any_selectors(m);
    put_nonce(m, HIGHEST);
    put_esp_offer(s, m, SECOND_CHILD, NULL);
}

/* Behind a proper request the same payloads again, all of them wrong. */
static void everything_twice(struct stage *s, struct message_writer *m)
{
    put_child(s, m, SECOND_CHILD, HIGHEST);
    put_raw(m, PAYLOAD_SA, NULL, 0);
    put_raw(m, PAYLOAD_NONCE, some_octets, 1);
    put_raw(m, PAYLOAD_TSI, some_octets, 4);
    put_raw(m, PAYLOAD_TSR, some_octets, 4);
}

static const struct create_case offer_cases[] = {
    {"an ESP SPI of 8 octets", "3.3.1", spi_of_8, NOTIFY_NO_PROPOSAL_CHOSEN, true},
    {"an ESP proposal without SPI", "3.3.1", spi_of_0, NOTIFY_NO_PROPOSAL_CHOSEN, true},
    {"an ESP SPI of 255", "RFC 4303 2.1", spi_reserved, NOTIFY_NO_PROPOSAL_CHOSEN, true},
    {"an ESP SPI of 0", "RFC 4303 2.1", spi_zero, NOTIFY_NO_PROPOSAL_CHOSEN, true},
    {"AH", "3.3.1", protocol_ah, NOTIFY_NO_PROPOSAL_CHOSEN, true},
    {"an empty SA payload", "3.3", sa_empty, NOTIFY_INVALID_SYNTAX, false},
    {"an SA payload that ends too early", "3.3", sa_truncated, NOTIFY_INVALID_SYNTAX, false},
    {"extended sequence numbers alone", "R17", esn_alone, NOTIFY_NO_PROPOSAL_CHOSEN, true},
    {"extended sequence numbers or not", "R17", esn_or_none, MADE, true},
    {"AES-GCM with an integrity algorithm", "RFC 5282 8", gcm_with_integrity, NOTIFY_NO_PROPOSAL_CHOSEN,
     true},
    {"AES-GCM with integrity NONE", "RFC 5282 8", gcm_with_integrity_none, MADE, true},
    {"AES-CBC without an integrity algorithm", "3.3.3", aes_without_integrity, NOTIFY_NO_PROPOSAL_CHOSEN,
     true},
    {"a PRF for ESP", "3.3.3", prf_for_esp, NOTIFY_NO_PROPOSAL_CHOSEN, true},
    {"300 proposals of which the last can be used", "3.3", three_hundred_proposals, MADE, true},
    {"a key length twice", "3.3.5", key_length_twice, NOTIFY_NO_PROPOSAL_CHOSEN, true},
    {"an SPI longer than its proposal", "3.3.1", spi_that_overruns, NOTIFY_INVALID_SYNTAX, false},
    {"payloads in another order", "2.5", another_order, MADE, true},
    {"payloads that come twice: the first counts", "1.3.1", everything_twice, MADE, true},
    {"255 selectors: as many as there is room for", "2.9", ts_255, MADE, true},
    {"reserved octets of a TS payload", "3.13", ts_reserved_octets, MADE, true},
    {"TSr upside down", "3.13.1", tsr_inverted, NOTIFY_INVALID_SYNTAX, false},
    {"TSi without selectors", "3.13", ts_none, NOTIFY_INVALID_SYNTAX, false},
    {"a range of addresses upside down", "3.13.1", ts_inverted, NOTIFY_INVALID_SYNTAX, false},
    {"a range of ports upside down", "3.13.1", ts_ports_inverted, NOTIFY_INVALID_SYNTAX, false},
    {"OPAQUE ports", "3.13.1", ts_opaque_ports, MADE, true},
    {"a selector that overruns", "3.13.1", ts_overruns, NOTIFY_INVALID_SYNTAX, false},
    {"a selector of 4 octets", "3.13.1", ts_of_length_4, NOTIFY_INVALID_SYNTAX, false},
    {"fewer selectors counted than there are", "3.13", ts_count_too_low, NOTIFY_INVALID_SYNTAX, false},
    {"no selectors", "3.13", ts_count_0, NOTIFY_INVALID_SYNTAX, false},
    {"a number of selectors that lies", "3.13", ts_count_lies, NOTIFY_INVALID_SYNTAX, false},
    {"an IPv6 selector in the size of IPv4", "3.13.1", ts_ipv6_in_the_size_of_ipv4, NOTIFY_INVALID_SYNTAX,
     false},
    {"a selector of a type that nobody knows", "3.13.1", ts_of_an_unknown_type, NOTIFY_TS_UNACCEPTABLE, true},
};

static void S9_unusual_proposals_get_the_right_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof offer_cases / sizeof *offer_cases; i++)
        check_create_case(&offer_cases[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S9_unusual_proposals_get_the_right_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
