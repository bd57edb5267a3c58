/* Hostile and odd messages within an IKE SA that is up, from a peer that has its keys. */
#include "hostile_case.h"

#include "crypto/cipher.h"
#include "crypto/prf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void put_auth(struct stage *s, struct message_writer *m, const char *keyid, const char *key)
{
    puppet_put_auth_payloads(s->p, m, keyid, "site2", key);
}

static void auth_after_auth(struct stage *s)
{
    struct message_writer m = inner();
    put_auth(s, &m, "site1", "secret1");
    send_inner(s, EXCHANGE_IKE_AUTH, 2, &m);
}

static void id_too_new(struct stage *s)
{
    struct message_writer m = inner();
    send_inner(s, EXCHANGE_INFORMATIONAL, 7, &m);
}

static void id_too_old(struct stage *s)
{
    struct message_writer m = inner();
    send_inner(s, EXCHANGE_INFORMATIONAL, 0, &m);
}

static void id_maximum(struct stage *s)
{
    struct message_writer m = inner();
    send_inner(s, EXCHANGE_INFORMATIONAL, UINT32_MAX, &m);
}

static void response_to_nothing(struct stage *s)
{
    struct message_writer m = inner();
    struct ike_header header = puppet_header(s->p, EXCHANGE_INFORMATIONAL, 0);
    header.flags |= IKE_FLAG_RESPONSE;
    puppet_send_sealed(s->p, &header, &m);
}

static void liveness(struct stage *s)
{
    struct message_writer m = inner();
    send_inner(s, EXCHANGE_INFORMATIONAL, 2, &m);
    assert_true(s->p->reply_length > 0);
}

static void unknown_noncritical(struct stage *s)
{
    struct message_writer m = inner();
    message_begin_payload(&m, 199);
    writer_put(&m.w, some_octets, 9);
    message_end_payload(&m);
    send_inner(s, EXCHANGE_INFORMATIONAL, 2, &m);
    assert_true(s->p->reply_length > 0);
}

static void unknown_critical(struct stage *s)
{
    struct message_writer m = inner();
    message_begin_payload(&m, 199);
    message_end_payload(&m);
    inner_octets[1] = 0x80;
    send_inner(s, EXCHANGE_INFORMATIONAL, 2, &m);
}

static void unknown_notifies(struct stage *s)
{
    struct message_writer m = inner();
    message_put_notify(&m, PROTOCOL_NONE, (struct octets){NULL, 0}, 8191, (struct octets){some_octets, 40});
    message_put_notify(&m, PROTOCOL_NONE, (struct octets){NULL, 0}, 40959, (struct octets){some_octets, 40});
    send_inner(s, EXCHANGE_INFORMATIONAL, 2, &m);
    assert_true(s->p->reply_length > 0);
}

static void payload_overruns_inside(struct stage *s)
{
    struct message_writer m = inner();
    message_begin_payload(&m, PAYLOAD_NOTIFY);
    writer_put(&m.w, some_octets, 8);
    message_end_payload(&m);
    store_u16be(inner_octets + 2, 200);
    send_inner(s, EXCHANGE_INFORMATIONAL, 2, &m);
}

static void notify_spi_overruns(struct stage *s)
{
    static const uint8_t notify[] = {PROTOCOL_ESP, 255, 0x40, 0x09, 1, 2, 3, 4};
    struct message_writer m = inner();
    message_begin_payload(&m, PAYLOAD_NOTIFY);
    writer_put(&m.w, notify, sizeof notify);
    message_end_payload(&m);
    send_inner(s, EXCHANGE_INFORMATIONAL, 2, &m);
}

static void delete_of_unknown_child(struct stage *s)
{
    static const uint32_t spi = 0x7fffffff;
    struct message_writer m = inner();
    message_put_delete(&m, PROTOCOL_ESP, &spi, 1);
    send_inner(s, EXCHANGE_INFORMATIONAL, 2, &m);
    assert_true(s->p->reply_length > 0);
}

static void delete_with_a_lying_count(struct stage *s)
{
    static const uint8_t delete[] = {PROTOCOL_ESP, 4, 0xff, 0xff, 1, 2, 3, 4};
    struct message_writer m = inner();
    message_begin_payload(&m, PAYLOAD_DELETE);
    writer_put(&m.w, delete, sizeof delete);
    message_end_payload(&m);
    send_inner(s, EXCHANGE_INFORMATIONAL, 2, &m);
    assert_true(s->p->reply_length > 0);
}

static void delete_of_the_ike_sa(struct stage *s)
{
    struct message_writer m = inner();
    message_put_delete(&m, PROTOCOL_IKE, NULL, 0);
    send_inner(s, EXCHANGE_INFORMATIONAL, 2, &m);
    assert_true(s->p->reply_length > 0);
}

static void unknown_exchange_inside(struct stage *s)
{
    struct message_writer m = inner();
    send_inner(s, 251, 2, &m);
}

static void corrupted_icv(struct stage *s)
{
    struct message_writer m = inner();
    message_put_delete(&m, PROTOCOL_IKE, NULL, 0);
    s->p->keys.ai[0] ^= 1;
    send_inner(s, EXCHANGE_INFORMATIONAL, 2, &m);
    assert_int_equal(stage_counter(s, IKE_COUNT_INTEGRITY), 1);
}

static void in_the_clear(struct stage *s)
{
    const struct ike_header header = puppet_header(s->p, EXCHANGE_INFORMATIONAL, 2);
    struct message_writer m = message_begin(inner_octets, sizeof inner_octets, &header);
    message_put_delete(&m, PROTOCOL_IKE, NULL, 0);
    struct octets message = message_finish(&m);
    puppet_send(s->p, message.at, message.length);
}

static void sk_too_short(struct stage *s)
{
    const struct ike_header header = puppet_header(s->p, EXCHANGE_INFORMATIONAL, 2);
    struct message_writer m = message_begin(inner_octets, sizeof inner_octets, &header);
    message_begin_payload(&m, PAYLOAD_SK);
    writer_put(&m.w, some_octets, 20);
    message_end_payload(&m);
    struct octets message = message_finish(&m);
    puppet_send(s->p, message.at, message.length);
}

static void wrong_spi(struct stage *s)
{
    struct message_writer m = inner();
    message_put_delete(&m, PROTOCOL_IKE, NULL, 0);
    s->p->spi_i ^= 1;
    send_inner(s, EXCHANGE_INFORMATIONAL, 2, &m);
    s->p->spi_i ^= 1;
    assert_int_equal(stage_counter(s, IKE_COUNT_UNKNOWN_SPI), 1);
}

static void reflected_direction(struct stage *s)
{
    struct message_writer m = inner();
    message_put_delete(&m, PROTOCOL_IKE, NULL, 0);
    struct ike_header header = puppet_header(s->p, EXCHANGE_INFORMATIONAL, 2);
    header.flags = 0; /* as if we were the responder */
    puppet_send_sealed(s->p, &header, &m);
}

static void error_after_auth(struct stage *s, uint16_t notify)
{
    struct message_writer m = inner();
    message_put_notify(&m, PROTOCOL_NONE, (struct octets){NULL, 0}, notify, (struct octets){NULL, 0});
    send_inner(s, EXCHANGE_INFORMATIONAL, 2, &m);
    assert_true(s->p->reply_length > 0);
}

static void authentication_failed_after_auth(struct stage *s)
{
    error_after_auth(s, NOTIFY_AUTHENTICATION_FAILED);
}

static void invalid_syntax_after_auth(struct stage *s)
{
    error_after_auth(s, NOTIFY_INVALID_SYNTAX);
}

static void unsupported_critical_after_auth(struct stage *s)
{
    error_after_auth(s, NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD);
}

/* ---- Exchanges, message IDs, DELETE ------------------------------------------------------------------- */

static void ike_sa_init_inside(struct stage *s)
{
    struct message_writer m = inner();
    send_inner(s, EXCHANGE_IKE_SA_INIT, 2, &m);
}

/* The answer to the first one comes again, and what the second one asks for is not done. */
static void another_request_with_the_same_id(struct stage *s)
{
    uint8_t first[256];
    struct message_writer m = inner();
    send_inner(s, EXCHANGE_INFORMATIONAL, 2, &m);
    size_t length = s->p->reply_length;
    assert_true(length > 0 && length <= sizeof first);
    memcpy(first, s->p->reply, length);
    m = inner();
    message_put_delete(&m, PROTOCOL_IKE, NULL, 0);
    send_inner(s, EXCHANGE_INFORMATIONAL, 2, &m);
    assert_int_equal(s->p->reply_length, length);
    assert_memory_equal(s->p->reply, first, length);
}

static void error_notify_in_a_request(struct stage *s)
{
    struct message_writer m = inner();
    message_put_notify(&m, PROTOCOL_NONE, (struct octets){NULL, 0}, NOTIFY_NO_PROPOSAL_CHOSEN,
                       (struct octets){NULL, 0});
    send_inner(s, EXCHANGE_INFORMATIONAL, 2, &m);
    assert_true(s->p->reply_length > 0);
}

static void sixty_five_payloads(struct stage *s)
{
    struct message_writer m = inner();
    for (int i = 0; i < 65; i++) {
        message_begin_payload(&m, PAYLOAD_VENDOR);
        message_end_payload(&m);
    }
    send_inner(s, EXCHANGE_INFORMATIONAL, 2, &m);
}

/* DELETE with SPIs of a size, for a protocol. */
static void raw_delete(struct stage *s, uint8_t protocol, uint8_t spi_size)
{
    struct message_writer m = inner();
    message_begin_payload(&m, PAYLOAD_DELETE);
    writer_put_u8(&m.w, protocol);
    writer_put_u8(&m.w, spi_size);
    writer_put_u16be(&m.w, 1);
    writer_put_u32be(&m.w, 0xc0000001);
    writer_put(&m.w, some_octets, spi_size > 4 ? spi_size - 4U : 0U);
    message_end_payload(&m);
    send_inner(s, EXCHANGE_INFORMATIONAL, 2, &m);
    assert_true(s->p->reply_length > 0);
}

static void delete_of_ah(struct stage *s)
{
    raw_delete(s, PROTOCOL_AH, 4);
}

static void delete_with_spis_of_8(struct stage *s)
{
    raw_delete(s, PROTOCOL_ESP, 8);
}

/* ---- Padding ------------------------------------------------------------------------------------------- */

/* An INFORMATIONAL request whose encrypted part is one block: of what, but for its last octet, the pad
 * length. */
static void send_block(struct stage *s, uint8_t fill, uint8_t pad_length)
{
    enum { BLOCK = 16, ICV = 16 };
    const struct ike_header header = puppet_header(s->p, EXCHANGE_INFORMATIONAL, 2);
    struct message_writer m = message_begin(inner_octets, sizeof inner_octets, &header);
    message_begin_payload(&m, PAYLOAD_SK);
    uint8_t *iv = writer_reserve(&m.w, BLOCK);
    uint8_t *block = writer_reserve(&m.w, BLOCK);
    uint8_t *icv = writer_reserve(&m.w, ICV);
    memset(iv, 3, BLOCK);
    memset(block, fill, BLOCK - 1);
    block[BLOCK - 1] = pad_length;
    message_end_payload(&m);
    struct octets message = message_finish(&m);
    struct octets covered = {message.at, message.length - ICV};
    assert_true(cipher_encrypt(s->p->suite.encryption, s->p->keys.ei, iv, block, BLOCK));
    assert_true(integrity_compute(s->p->suite.integrity, s->p->keys.ai, &covered, 1, icv));
    puppet_send(s->p, message.at, message.length);
}

static void padding_of_any_octets(struct stage *s)
{
    send_block(s, 0xd7, 15);
    assert_true(s->p->reply_length > 0);
}

static void padding_longer_than_all(struct stage *s)
{
    send_block(s, 0, 16);
    assert_int_equal(s->p->reply_length, 0);
    send_block(s, 0, 255);
    assert_int_equal(s->p->reply_length, 0);
}

/* The pad length says that 15 octets are payloads; they are none. */
static void padding_too_short(struct stage *s)
{
    send_block(s, 0xd7, 0);
}

static const struct sealed_case sealed_cases[] = {
    {"IKE_AUTH again", "1.2", true, auth_after_auth, NOTIFY_INVALID_SYNTAX, false},
    {"AUTHENTICATION_FAILED right after IKE_AUTH", "2.21.2", true, authentication_failed_after_auth, SILENCE,
     false},
    {"INVALID_SYNTAX right after IKE_AUTH", "2.21.2", true, invalid_syntax_after_auth, SILENCE, false},
    {"UNSUPPORTED_CRITICAL_PAYLOAD right after IKE_AUTH", "2.21.2", true, unsupported_critical_after_auth,
     SILENCE, false},
    {"a message ID beyond the window", "2.3", true, id_too_new, SILENCE, true},
    {"a message ID before the window", "2.3", true, id_too_old, SILENCE, true},
    {"a message ID of 2^32 - 1", "2.2", true, id_maximum, SILENCE, true},
    {"a response to no request", "2.1", true, response_to_nothing, SILENCE, true},
    {"a liveness check", "2.4", true, liveness, SILENCE, true},
    {"an unknown payload that is not critical", "2.5", true, unknown_noncritical, SILENCE, true},
    {"an unknown critical payload", "2.5", true, unknown_critical, NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD, true},
    {"unknown notifies, status and error", "3.10.1", true, unknown_notifies, SILENCE, true},
    {"an inner payload that overruns", "3.2", true, payload_overruns_inside, NOTIFY_INVALID_SYNTAX, false},
    {"a notify whose SPI overruns", "3.10", true, notify_spi_overruns, NOTIFY_INVALID_SYNTAX, false},
    {"DELETE of an unknown Child SA", "1.4.1", true, delete_of_unknown_child, SILENCE, true},
    {"DELETE with a count that lies", "3.11", true, delete_with_a_lying_count, SILENCE, true},
    {"DELETE of the IKE SA", "1.4.1", true, delete_of_the_ike_sa, SILENCE, false},
    {"an exchange type that nobody knows", "3.1", true, unknown_exchange_inside, NOTIFY_INVALID_SYNTAX,
     false},
    {"an encrypted IKE_SA_INIT", "1.2", true, ike_sa_init_inside, SILENCE, true},
    {"another request with the message ID of the last", "2.1", true, another_request_with_the_same_id,
     SILENCE, true},
    {"an error notify in a request", "2.21", true, error_notify_in_a_request, SILENCE, true},
    {"65 payloads", "3.2", true, sixty_five_payloads, NOTIFY_INVALID_SYNTAX, false},
    {"DELETE of AH", "3.11", true, delete_of_ah, SILENCE, true},
    {"DELETE of ESP with SPIs of 8 octets", "3.11", true, delete_with_spis_of_8, SILENCE, true},
    {"padding of any octets", "3.14", true, padding_of_any_octets, SILENCE, true},
    {"padding longer than all there is", "3.14", true, padding_longer_than_all, SILENCE, true},
    {"padding that leaves no payloads", "3.14", true, padding_too_short, NOTIFY_INVALID_SYNTAX, false},
    {"a wrong ICV", "2.4", true, corrupted_icv, SILENCE, true},
    {"DELETE in the clear", "2.4", true, in_the_clear, SILENCE, true},
    {"an SK payload that is too short", "3.14", true, sk_too_short, SILENCE, true},
    {"a wrong initiator's SPI", "2.21.4", true, wrong_spi, NOTIFY_INVALID_IKE_SPI, true},
    {"a message with the wrong direction", "3.1", true, reflected_direction, NOTIFY_INVALID_IKE_SPI, true},
};

static void S9_unusual_protected_messages_get_the_right_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sealed_cases / sizeof *sealed_cases; i++)
        check_sealed_case(&sealed_cases[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S9_unusual_protected_messages_get_the_right_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
