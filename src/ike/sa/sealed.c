#include "ike/sa/sealed.h"

#include "ike/sa/debug_log.h"
#include "ike/sa/fragmentation.h"
#include "ike/wire/protect.h"

#include <string.h>

static struct ike_protection protection_of(const struct ike_sa *sa, bool of_initiator)
{
    return (struct ike_protection){
        .encryption = sa->suite.encryption,
        .integrity = sa->suite.integrity,
        .encryption_key = of_initiator ? sa->keys.ei : sa->keys.er,
        .integrity_key = of_initiator ? sa->keys.ai : sa->keys.ar,
    };
}

/* The next IV: unpredictable for CBC, a counter for GCM, which the SA's record holds. */
static void next_iv(struct ike_sa *sa, uint8_t iv[16])
{
    if (encryption_is_aead(sa->suite.encryption))
        store_u64be(iv, sa->gcm_iv++);
    else
        engine_random(sa->engine, iv, sa->suite.encryption->iv_size);
}

/* Seals a text and appends the message to `out`. */
static bool seal_text(struct ike_sa *sa, const struct ike_header *header, const struct protect_text *text,
                      struct writer *out)
{
    const struct ike_protection protection = protection_of(sa, sa->initiator);
    uint8_t iv[16];
    next_iv(sa, iv);
    struct octets message =
        protect_seal(&protection, header, text, iv, out->at, (size_t)(out->end - out->at));
    return message.length > 0 && writer_reserve(out, message.length) != NULL;
}

/* Seals a chain in as many fragments as it takes (RFC 7383 2.5). */
static bool seal_fragments(struct ike_sa *sa, const struct ike_header *header,
                           const struct message_writer *inner, struct writer *out)
{
    size_t room = fragmentation_room(&sa->suite);
    struct octets chain = writer_octets(&inner->w);
    size_t total = (chain.length + room - 1) / room;
    if (total > FRAGMENTS_MAX)
        return false;
    struct reader r = reader_of(chain.at, chain.length);
    for (size_t number = 1; number <= total; number++) {
        size_t length = reader_left(&r) < room ? reader_left(&r) : room;
        const struct protect_text text = {
            .octets = {reader_octets(&r, length), length},
            .first_payload = number == 1 ? inner->first_payload : (uint8_t)PAYLOAD_NONE,
            .number = (uint16_t)number,
            .total = (uint16_t)total,
        };
        if (!seal_text(sa, header, &text, out))
            return false;
    }
    return true;
}

static void log_sent(struct ike_sa *sa, const struct ike_header *header, const struct message_writer *inner)
{
    struct ike_message sent = {.header = *header};
    if (!engine_logs(sa->engine, LOG_LEVEL_DEBUG))
        return;
    (void)ike_payloads_parse(writer_octets(&inner->w), inner->first_payload, &sent, NULL, NULL);
    ike_sa_log_message(sa, "sent", &sent);
}

struct octets ike_sa_seal(struct ike_sa *sa, enum exchange_type exchange, bool response, uint32_t message_id,
                          const struct message_writer *inner)
{
    const struct ike_header header = {
        .spi_i = sa->spi_i,
        .spi_r = sa->spi_r,
        .exchange = (uint8_t)exchange,
        .flags = (uint8_t)((sa->initiator ? IKE_FLAG_INITIATOR : 0) | (response ? IKE_FLAG_RESPONSE : 0)),
        .message_id = message_id,
    };
    const struct protect_text whole = protect_whole(inner);
    struct writer out = writer_to(sa->engine->message_scratch, SCRATCH_SIZE);
    bool too_large = whole.octets.length + PROTECT_OVERHEAD_MAX > FRAGMENT_MESSAGE_MAX;
    if (inner->w.failed || !(sa->fragmentation && too_large ? seal_fragments(sa, &header, inner, &out)
                                                            : seal_text(sa, &header, &whole, &out)))
        return (struct octets){NULL, 0};
    log_sent(sa, &header, inner);
    return writer_octets(&out);
}

/*
 * Copies a datagram to the engine's scratch and returns its last payload, SK or SKF. NULL, and the datagram
 * is counted, if that is neither. `*first` is the type of the first payload inside.
 */
static const struct ike_payload *read_outer(struct ike_sa *sa, const struct ike_header *header,
                                            struct octets datagram, struct ike_message *outer, uint8_t *first)
{
    uint8_t *copy = sa->engine->received_scratch;
    memcpy(copy, datagram.at, datagram.length);
    struct octets payloads = {copy + IKE_HEADER_SIZE, datagram.length - IKE_HEADER_SIZE};
    *outer = (struct ike_message){.header = *header};
    *first = PAYLOAD_NONE;
    bool parsed = ike_payloads_parse(payloads, header->next_payload, outer, first, NULL) == MESSAGE_OK &&
                  outer->count > 0;
    const struct ike_payload *last = parsed ? &outer->payloads[outer->count - 1] : NULL;
    if (parsed && (last->type == PAYLOAD_SK || last->type == PAYLOAD_SKF))
        return last;
    engine_count(sa->engine, IKE_COUNT_MALFORMED);
    return NULL;
}

/*
 * Decrypts the last payload of the datagram in the scratch. False, and it is counted, if it is not the
 * peer's.
 */
static bool open_text(struct ike_sa *sa, const struct ike_payload *sk, struct octets *text)
{
    const struct ike_protection protection = protection_of(sa, !sa->initiator);
    if (protect_open(&protection, sa->engine->received_scratch, sk, text))
        return true;
    engine_count(sa->engine, IKE_COUNT_INTEGRITY);
    return false;
}

/* True if the fragment was the last one that its message lacked. */
static bool take_fragment(struct ike_sa *sa, const struct ike_header *header, const struct ike_payload *skf,
                          struct octets text, struct octets *chain, uint8_t *first)
{
    engine_count(sa->engine, IKE_COUNT_FRAGMENTS);
    if (sa->fragmentation)
        return fragmentation_take(sa, header, skf, *first, text, sa->engine->joined_scratch, chain, first);
    engine_count(sa->engine, IKE_COUNT_FRAGMENTS_UNUSED);
    return false;
}

bool ike_sa_open(struct ike_sa *sa, const struct ike_header *header, struct octets datagram,
                 struct ike_message *message, enum message_fault *fault, uint8_t *payload_type)
{
    struct ike_message outer;
    uint8_t first;
    const struct ike_payload *sk = read_outer(sa, header, datagram, &outer, &first);
    struct octets text;
    if (sk == NULL || !open_text(sa, sk, &text))
        return false;
    struct octets chain = text;
    if (sk->type == PAYLOAD_SKF && !take_fragment(sa, header, sk, text, &chain, &first))
        return false;
    *message = (struct ike_message){.header = *header, .chain = chain};
    *fault = ike_payloads_parse(chain, first, message, NULL, payload_type);
    return true;
}

bool ike_sa_asks_again(struct ike_sa *sa, const struct ike_header *header, struct octets datagram)
{
    struct ike_message outer;
    uint8_t first;
    const struct ike_payload *sk = read_outer(sa, header, datagram, &outer, &first);
    struct octets text;
    return sk != NULL && (sk->type == PAYLOAD_SK || sk->fragment == 1) && open_text(sa, sk, &text);
}
