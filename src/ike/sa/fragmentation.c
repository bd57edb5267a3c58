#include "ike/sa/fragmentation.h"

#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

size_t fragmentation_room(const struct ike_suite *suite)
{
    size_t icv = suite->integrity != NULL ? suite->integrity->icv_size : suite->encryption->icv_size;
    size_t around = IKE_HEADER_SIZE + IKE_PAYLOAD_HEADER_SIZE + 4 + suite->encryption->iv_size + icv;
    size_t block = suite->encryption->block_size;
    size_t text = (FRAGMENT_MESSAGE_MAX - around) / block * block;
    return text - 1; /* the pad length */
}

static void reassembly_free(struct reassembly **place)
{
    struct reassembly *r = *place;
    if (r == NULL)
        return;
    for (size_t i = 0; i < FRAGMENTS_MAX; i++)
        ike_buffer_clear(&r->parts[i]);
    secret_free(r, sizeof *r);
    *place = NULL;
}

void fragmentation_reset(struct ike_sa *sa)
{
    reassembly_free(&sa->requests);
    reassembly_free(&sa->responses);
}

/* The reassembly that a fragment belongs to, a new one where RFC 7383 2.6 says so; NULL to drop it. */
static struct reassembly *reassembly_of(struct reassembly **place, uint32_t message_id,
                                        const struct ike_payload *skf)
{
    struct reassembly *r = *place;
    bool same = r != NULL && r->message_id == message_id;
    /* A sender that learns of a smaller path sends the message again in more pieces. */
    if (same && skf->fragments < r->total)
        return NULL;
    if (same && skf->fragments == r->total)
        return r;
    reassembly_free(place);
    r = calloc(1, sizeof *r);
    if (r != NULL) {
        r->message_id = message_id;
        r->total = skf->fragments;
    }
    *place = r;
    return r;
}

static struct octets join(const struct reassembly *r, uint8_t *whole)
{
    struct writer w = writer_to(whole, IKE_DATAGRAM_MAX);
    for (uint16_t i = 0; i < r->total; i++)
        writer_put(&w, r->parts[i].at, r->parts[i].length);
    return writer_octets(&w);
}

/* Keeps the fragment. False, and it is counted, if it fits no message. */
static bool keep(struct ike_sa *sa, struct reassembly *r, const struct ike_payload *skf, struct octets text)
{
    struct ike_buffer *part = r != NULL ? &r->parts[skf->fragment - 1] : NULL;
    if (part != NULL && part->at == NULL && r->octets + text.length <= IKE_DATAGRAM_MAX &&
        ike_buffer_set(part, text))
        return true;
    engine_count(sa->engine, IKE_COUNT_FRAGMENTS_UNUSED);
    return false;
}

bool fragmentation_take(struct ike_sa *sa, const struct ike_header *header, const struct ike_payload *skf,
                        uint8_t first_payload, struct octets text, uint8_t *whole, struct octets *chain,
                        uint8_t *chain_first)
{
    if (skf->fragment == 0 || skf->fragment > skf->fragments || skf->fragments > FRAGMENTS_MAX) {
        engine_count(sa->engine, IKE_COUNT_FRAGMENTS_UNUSED);
        return false;
    }
    /* Fragments of a request and of a response may come mixed, even with the same message ID. */
    struct reassembly **place = header->flags & IKE_FLAG_RESPONSE ? &sa->responses : &sa->requests;
    struct reassembly *r = reassembly_of(place, header->message_id, skf);
    if (!keep(sa, r, skf, text))
        return false;
    r->octets += text.length;
    if (skf->fragment == 1)
        r->first_payload = first_payload;
    if (++r->count < r->total)
        return false;
    *chain = join(r, whole);
    *chain_first = r->first_payload;
    reassembly_free(place);
    return true;
}
