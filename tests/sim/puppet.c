#include "puppet.h"

#include "crypto/prf.h"
#include "sim/arithmetic.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static bool note_reply(void *context, const struct flying_datagram *d)
{
    struct puppet *p = context;
    if (ip_endpoint_equal(&d->to, &p->address)) {
        memcpy(p->reply, d->message.at, d->message.length);
        p->reply_length = d->message.length;
        p->reply_count++;
    }
    return true;
}

struct puppet *puppet_new(struct world *world, struct gateway *target, const char *address)
{
    struct puppet *p = calloc(1, sizeof *p);
    assert(p != NULL);
    p->world = world;
    p->target = target;
    bool parsed = ip_address_parse(address, &p->address.address);
    assert(parsed);
    (void)parsed;
    p->address.port = IKE_PORT;
    p->arrives_at = gateway_address(target);
    p->arrival_ifindex = 1;
    p->spi_i = UINT64_C(0x1122334455667788);
    memset(p->nonce_i, 0x5a, sizeof p->nonce_i);
    p->suite = (struct ike_suite){.encryption = encryption_by_word("aes-cbc-128"),
                                  .integrity = integrity_by_word("sha2-256"),
                                  .prf = prf_by_word("sha2-256"),
                                  .dh = key_exchange_by_word("2048-bit")};
    world_set_hook(world, note_reply, p);
    return p;
}

void puppet_free(struct puppet *p)
{
    world_set_hook(p->world, NULL, NULL);
    free(p);
}

void puppet_send(struct puppet *p, const void *at, size_t length)
{
    p->reply_length = 0;
    gateway_receive_at(p->target, &p->arrives_at, p->arrival_ifindex, &p->address,
                       (struct octets){at, length});
    world_run(p->world, 100);
}

struct ike_header puppet_header(const struct puppet *p, uint8_t exchange, uint32_t message_id)
{
    return (struct ike_header){.spi_i = p->spi_i,
                               .spi_r = p->spi_r,
                               .exchange = exchange,
                               .flags = p->responder ? 0 : IKE_FLAG_INITIATOR,
                               .message_id = message_id};
}

struct message_writer puppet_begin_init(struct puppet *p, void *at, size_t capacity)
{
    p->spi_r = 0;
    const struct ike_header header = puppet_header(p, EXCHANGE_IKE_SA_INIT, 0);
    return message_begin(at, capacity, &header);
}

static struct key_exchange_result key_exchange(const struct puppet *p, enum key_exchange_operation operation,
                                               const uint8_t *peer_share)
{
    struct key_exchange_job job = {.method = p->suite.dh->id, .operation = operation};
    struct key_exchange_result result;
    memset(job.random, 0x17, sizeof job.random);
    memset(job.private_state, 0x17, sizeof job.private_state);
    if (peer_share != NULL)
        memcpy(job.peer_share, peer_share, p->suite.dh->responder_share_size);
    bool ok = arithmetic_answer(&job, false, &result);
    assert(ok);
    (void)ok;
    return result;
}

void puppet_share(const struct puppet *p, uint8_t out[KEY_EXCHANGE_SHARE_MAX])
{
    const struct key_exchange_result result = key_exchange(p, KEY_EXCHANGE_GENERATE, NULL);
    memcpy(out, result.share, sizeof result.share);
}

uint8_t puppet_proposal_number(const struct puppet *p)
{
    const struct ike_payload *sa = ike_message_find(&p->message, PAYLOAD_SA);
    if (p->number != 0)
        return p->number;
    if (sa == NULL || (p->message.header.flags & IKE_FLAG_RESPONSE) != 0)
        return 1;
    uint8_t protocol = proposal_protocol(sa);
    bool ike = protocol == PROTOCOL_IKE;
    const struct proposal_policy ours = {
        .protocol = protocol,
        .encryption = ALGORITHM_SET_OF(p->suite.encryption, encryption_algorithms),
        .integrity = ALGORITHM_SET_OF(p->suite.integrity, integrity_algorithms),
        .prf = ike ? ALGORITHM_SET_OF(p->suite.prf, prf_algorithms) : 0,
        .dh = ike ? ALGORITHM_SET_OF(p->suite.dh, key_exchange_methods) : 0,
        .dh_ignore = !ike,
    };
    size_t spi_size = !ike ? 4 : p->message.header.exchange == EXCHANGE_IKE_SA_INIT ? 0 : 8;
    struct proposal_choice choice;
    return proposal_choose(sa, &ours, spi_size, &choice) == PROPOSAL_CHOSEN ? choice.number : 1;
}

static void put_init_payloads(struct puppet *p, struct message_writer *m, struct octets nonce)
{
    uint8_t share[KEY_EXCHANGE_SHARE_MAX];
    puppet_share(p, share);
    proposal_put_choice(m, PROTOCOL_IKE, p->responder ? puppet_proposal_number(p) : 1,
                        (struct octets){NULL, 0}, &p->suite);
    message_put_ke(m, p->suite.dh->id, (struct octets){share, p->suite.dh->initiator_share_size});
    message_put_nonce(m, nonce);
    if (p->fragmentation)
        message_put_notify(m, PROTOCOL_NONE, (struct octets){NULL, 0}, NOTIFY_IKEV2_FRAGMENTATION_SUPPORTED,
                           (struct octets){NULL, 0});
    if (p->hash_notify != NULL)
        message_put_notify(m, PROTOCOL_NONE, (struct octets){NULL, 0}, NOTIFY_SIGNATURE_HASH_ALGORITHMS,
                           (struct octets){p->hash_notify, p->hash_notify_length});
}

void puppet_put_init_payloads(struct puppet *p, struct message_writer *m)
{
    put_init_payloads(p, m, (struct octets){p->nonce_i, sizeof p->nonce_i});
}

static bool derive_keys(struct puppet *p, const struct ike_payload *ke)
{
    const struct key_exchange_result result = key_exchange(p, KEY_EXCHANGE_FINISH, ke->content.at);
    return ike_keys_derive(&p->suite, (struct octets){result.secret, p->suite.dh->secret_size},
                           (struct octets){p->nonce_i, sizeof p->nonce_i},
                           (struct octets){p->nonce_r, p->nonce_r_length}, p->spi_i, p->spi_r, &p->keys);
}

bool puppet_do_init(struct puppet *p)
{
    struct message_writer m = puppet_begin_init(p, p->request, sizeof p->request);
    puppet_put_init_payloads(p, &m);
    p->request_length = message_finish(&m).length;
    puppet_send(p, p->request, p->request_length);
    struct octets reply = {p->reply, p->reply_length};
    struct ike_message message = {.count = 0};
    if (!ike_header_parse(reply, &message.header) || p->reply_length > sizeof p->response)
        return false;
    struct octets payloads = {reply.at + IKE_HEADER_SIZE, reply.length - IKE_HEADER_SIZE};
    if (ike_payloads_parse(payloads, message.header.next_payload, &message, NULL, NULL) != MESSAGE_OK)
        return false;
    const struct ike_payload *ke = ike_message_find(&message, PAYLOAD_KE);
    const struct ike_payload *nonce = ike_message_find(&message, PAYLOAD_NONCE);
    if (ke == NULL || nonce == NULL)
        return false;
    memcpy(p->response, reply.at, reply.length);
    p->response_length = reply.length;
    memcpy(p->nonce_r, nonce->content.at, nonce->content.length);
    p->nonce_r_length = nonce->content.length;
    p->spi_r = message.header.spi_r;
    return derive_keys(p, ke);
}

/* The AUTH value of our end (RFC 7296 2.15). */
static void auth_value(struct puppet *p, const char *keyid, const char *key, uint8_t *out)
{
    const uint8_t id_header[4] = {ID_KEY_ID, p->id_reserved, p->id_reserved, p->id_reserved};
    const struct octets id_body[] = {{id_header, 4}, {(const uint8_t *)keyid, strlen(keyid)}};
    uint8_t maced_id[PRF_SIZE_MAX];
    uint8_t padded[PRF_SIZE_MAX];
    static const uint8_t pad[] = "Key Pad for IKEv2";
    const struct octets pad_octets = {pad, sizeof pad - 1};
    size_t size = p->suite.prf->size;
    const struct octets of_initiator[] = {
        {p->request, p->request_length}, {p->nonce_r, p->nonce_r_length}, {maced_id, size}};
    const struct octets of_responder[] = {
        {p->response, p->response_length}, {p->nonce_i, sizeof p->nonce_i}, {maced_id, size}};
    const struct octets *octets = p->responder ? of_responder : of_initiator;
    const struct octets key_of_id = {p->responder ? p->keys.pr : p->keys.pi, size};
    bool ok = prf_compute(p->suite.prf, key_of_id, id_body, 2, maced_id) &&
              prf_compute(p->suite.prf, (struct octets){(const uint8_t *)key, strlen(key)}, &pad_octets, 1,
                          padded) &&
              prf_compute(p->suite.prf, (struct octets){padded, size}, octets, 3, out);
    assert(ok);
    (void)ok;
}

struct octets puppet_signed_octets(const struct puppet *p, uint8_t id_type, struct octets id, uint8_t *out,
                                   size_t capacity)
{
    const uint8_t id_header[4] = {id_type};
    const struct octets id_body[] = {{id_header, 4}, id};
    const struct octets key_of_id = {p->responder ? p->keys.pr : p->keys.pi, p->suite.prf->size};
    uint8_t maced_id[PRF_SIZE_MAX];
    struct writer w = writer_to(out, capacity);
    bool ok = prf_compute(p->suite.prf, key_of_id, id_body, 2, maced_id);
    writer_put(&w, p->responder ? p->response : p->request,
               p->responder ? p->response_length : p->request_length);
    writer_put(&w, p->responder ? p->nonce_i : p->nonce_r,
               p->responder ? sizeof p->nonce_i : p->nonce_r_length);
    writer_put(&w, maced_id, p->suite.prf->size);
    assert(ok && !w.failed);
    (void)ok;
    return writer_octets(&w);
}

static void put_own_id(const struct puppet *p, struct message_writer *m, uint8_t type, const char *keyid)
{
    message_begin_payload(m, type);
    writer_put_u8(&m->w, ID_KEY_ID);
    for (int i = 0; i < 3; i++)
        writer_put_u8(&m->w, p->id_reserved);
    writer_put(&m->w, keyid, strlen(keyid));
    message_end_payload(m);
}

void puppet_put_auth_payloads(struct puppet *p, struct message_writer *m, const char *keyid,
                              const char *peer_keyid, const char *key)
{
    const struct selector_list any = selectors_of_policy(NULL, 0);
    puppet_put_auth_payloads_of(p, m, keyid, peer_keyid, key, &any);
}

void puppet_put_auth_payloads_of(struct puppet *p, struct message_writer *m, const char *keyid,
                                 const char *peer_keyid, const char *key,
                                 const struct selector_list *selectors)
{
    uint8_t auth[PRF_SIZE_MAX];
    auth_value(p, keyid, key, auth);
    static const uint8_t spi[] = {0xc0, 0, 0, 1};
    const struct ike_suite child = {.encryption = p->suite.encryption, .integrity = p->suite.integrity};
    put_own_id(p, m, PAYLOAD_IDI, keyid);
    message_put_id(m, PAYLOAD_IDR, ID_KEY_ID,
                   (struct octets){(const uint8_t *)peer_keyid, strlen(peer_keyid)});
    message_put_auth(m, AUTH_METHOD_PSK, (struct octets){auth, p->suite.prf->size});
    proposal_put_choice(m, PROTOCOL_ESP, 1, (struct octets){spi, sizeof spi}, &child);
    selectors_put(m, PAYLOAD_TSI, selectors);
    selectors_put(m, PAYLOAD_TSR, selectors);
}

bool puppet_do_auth(struct puppet *p, const char *keyid, const char *peer_keyid, const char *key)
{
    uint8_t chain[2048];
    struct message_writer m = message_begin_inner(chain, sizeof chain);
    puppet_put_auth_payloads(p, &m, keyid, peer_keyid, key);
    const struct ike_header header = puppet_header(p, EXCHANGE_IKE_AUTH, 1);
    puppet_send_sealed(p, &header, &m);
    if (!puppet_read_reply(p))
        return false;
    const struct ike_payload *sa = ike_message_find(&p->message, PAYLOAD_SA);
    if (sa == NULL)
        return false;
    p->child_spi = load_u32be(sa->content.at + 8);
    return ike_message_find(&p->message, PAYLOAD_AUTH) != NULL;
}

static struct ike_protection protection(const struct puppet *p, bool of_initiator)
{
    return (struct ike_protection){.encryption = p->suite.encryption,
                                   .integrity = p->suite.integrity,
                                   .encryption_key = of_initiator ? p->keys.ei : p->keys.er,
                                   .integrity_key = of_initiator ? p->keys.ai : p->keys.ar};
}

static void send_text(struct puppet *p, const struct ike_header *header, const struct protect_text *text)
{
    static const uint8_t iv[16] = {1, 2, 3};
    static uint8_t out[PUPPET_BUFFER];
    const struct ike_protection keys = protection(p, !p->responder);
    struct octets message = protect_seal(&keys, header, text, iv, out, sizeof out);
    assert(message.length > 0);
    puppet_send(p, message.at, message.length);
}

void puppet_send_sealed(struct puppet *p, const struct ike_header *header, const struct message_writer *inner)
{
    const struct protect_text text = protect_whole(inner);
    send_text(p, header, &text);
}

void puppet_send_fragment(struct puppet *p, const struct ike_header *header, const struct protect_text *text)
{
    send_text(p, header, text);
}

/* ---- As responder ------------------------------------------------------------------------------------ */

bool puppet_await_init(struct puppet *p)
{
    enum { PATIENCE = 5000 };
    p->responder = true;
    if (!puppet_await(p, PATIENCE) || p->message.header.exchange != EXCHANGE_IKE_SA_INIT)
        return false;
    const struct ike_payload *nonce = ike_message_find(&p->message, PAYLOAD_NONCE);
    assert(nonce != NULL && nonce->content.length == sizeof p->nonce_i &&
           p->reply_length <= sizeof p->request);
    memcpy(p->nonce_i, nonce->content.at, sizeof p->nonce_i);
    memcpy(p->request, p->reply, p->reply_length);
    p->request_length = p->reply_length;
    p->spi_i = p->message.header.spi_i;
    p->spi_r = UINT64_C(0x1122334455667788);
    return true;
}

struct message_writer puppet_begin_init_answer(struct puppet *p, void *at, size_t capacity)
{
    struct ike_header header = puppet_header(p, EXCHANGE_IKE_SA_INIT, 0);
    header.flags |= IKE_FLAG_RESPONSE;
    return message_begin(at, capacity, &header);
}

void puppet_send_init_answer(struct puppet *p, struct message_writer *m)
{
    struct octets message = message_finish(m);
    puppet_send(p, message.at, message.length);
}

void puppet_notify_init(struct puppet *p, uint16_t notify, struct octets content)
{
    uint8_t at[512];
    struct message_writer m = puppet_begin_init_answer(p, at, sizeof at);
    message_put_notify(&m, PROTOCOL_NONE, (struct octets){NULL, 0}, notify, content);
    puppet_send_init_answer(p, &m);
}

void puppet_want_group(struct puppet *p, uint16_t group)
{
    uint8_t content[2];
    store_u16be(content, group);
    puppet_notify_init(p, NOTIFY_INVALID_KE_PAYLOAD, (struct octets){content, sizeof content});
}

bool puppet_answer_init(struct puppet *p)
{
    const struct ike_payload *ke = ike_message_find(&p->message, PAYLOAD_KE);
    if (ke == NULL || ke->dh_group != p->suite.dh->id)
        return false;
    p->nonce_r_length = NONCE_SIZE;
    memset(p->nonce_r, 0x5a, p->nonce_r_length);
    struct message_writer m = puppet_begin_init_answer(p, p->response, sizeof p->response);
    put_init_payloads(p, &m, (struct octets){p->nonce_r, p->nonce_r_length});
    p->response_length = message_finish(&m).length;
    if (!derive_keys(p, ke))
        return false;
    puppet_send(p, p->response, p->response_length);
    return puppet_read_reply(p) && p->message.header.exchange == EXCHANGE_IKE_AUTH;
}

bool puppet_accept_init(struct puppet *p)
{
    return puppet_await_init(p) && puppet_answer_init(p);
}

void puppet_put_auth_answer(struct puppet *p, struct message_writer *m, const char *keyid, const char *key)
{
    uint8_t auth[PRF_SIZE_MAX];
    auth_value(p, keyid, key, auth);
    put_own_id(p, m, PAYLOAD_IDR, keyid);
    message_put_auth(m, AUTH_METHOD_PSK, (struct octets){auth, p->suite.prf->size});
}

void puppet_put_child_answer(struct puppet *p, struct message_writer *m)
{
    static const uint8_t spi[] = {0xc0, 0, 0, 1};
    const struct ike_suite child = {.encryption = p->suite.encryption, .integrity = p->suite.integrity};
    const struct selector_list any = selectors_of_policy(NULL, 0);
    proposal_put_choice(m, PROTOCOL_ESP, puppet_proposal_number(p), (struct octets){spi, sizeof spi}, &child);
    selectors_put(m, PAYLOAD_TSI, &any);
    selectors_put(m, PAYLOAD_TSR, &any);
}

/* ---- Reading and answering --------------------------------------------------------------------------- */

bool puppet_await(struct puppet *p, msec_t patience)
{
    enum { STEP = 10 };
    p->reply_length = 0;
    for (msec_t waited = 0; waited < patience && p->reply_length == 0; waited += STEP)
        world_run(p->world, STEP);
    return puppet_read_reply(p);
}

void puppet_answer(struct puppet *p, const struct message_writer *inner)
{
    struct ike_header header = puppet_header(p, p->message.header.exchange, p->message.header.message_id);
    header.flags |= IKE_FLAG_RESPONSE;
    puppet_send_sealed(p, &header, inner);
}

bool puppet_read_reply(struct puppet *p)
{
    struct octets reply = {p->reply, p->reply_length};
    p->message = (struct ike_message){.count = 0};
    if (p->reply_length < IKE_HEADER_SIZE || !ike_header_parse(reply, &p->message.header))
        return false;
    struct octets payloads = {reply.at + IKE_HEADER_SIZE, reply.length - IKE_HEADER_SIZE};
    struct ike_message outer = {.count = 0};
    uint8_t first = PAYLOAD_NONE;
    if (ike_payloads_parse(payloads, p->message.header.next_payload, &outer, &first, NULL) != MESSAGE_OK)
        return false;
    const struct ike_payload *sk = ike_message_find(&outer, PAYLOAD_SK);
    if (sk == NULL) {
        struct ike_header header = p->message.header;
        p->message = outer;
        p->message.header = header;
        return true;
    }
    const struct ike_protection keys = protection(p, p->responder);
    struct octets chain;
    return protect_open(&keys, p->reply, sk, &chain) &&
           ike_payloads_parse(chain, first, &p->message, NULL, NULL) == MESSAGE_OK;
}

uint16_t puppet_reply_notify(struct puppet *p)
{
    if (!puppet_read_reply(p))
        return 0;
    const struct ike_payload *notify = ike_message_error(&p->message);
    if (notify == NULL)
        notify = ike_message_find(&p->message, PAYLOAD_NOTIFY);
    return notify != NULL ? notify->notify : 0;
}
