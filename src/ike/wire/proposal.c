#include "ike/wire/proposal.h"

#include "ike/wire/offer.h"

/* ---- Writing --------------------------------------------------------------------------------------- */

/*
 * The substructure being written, and where the "more" octet of the previous one is, which the next one sets.
 */
struct chain {
    size_t last_at;
    bool any;
    uint8_t more;
    uint8_t count;
};

static void chain_next(struct chain *chain, struct writer *w)
{
    if (chain->any)
        writer_patch_u8(w, chain->last_at, chain->more);
    chain->last_at = writer_length(w);
    chain->any = true;
    chain->count++;
}

/* RFC 7296 3.3.2. `key_bits` 0: no attribute. */
static void put_transform(struct writer *w, struct chain *transforms, uint8_t type, uint16_t id,
                          uint16_t key_bits)
{
    chain_next(transforms, w);
    writer_put_u8(w, SUBSTRUCTURE_LAST);
    writer_put_u8(w, 0);
    writer_put_u16be(w, key_bits != 0 ? 12 : 8);
    writer_put_u8(w, type);
    writer_put_u8(w, 0);
    writer_put_u16be(w, id);
    if (key_bits != 0) {
        writer_put_u16be(w, ATTRIBUTE_FORMAT_TV | ATTRIBUTE_KEY_LENGTH);
        writer_put_u16be(w, key_bits);
    }
}

/* The set of encryption rows that are AEADs, or those that are not. */
static algorithm_set encryption_rows(bool aead)
{
    return aead ? encryption_aead_rows() : ~encryption_aead_rows();
}

static void put_transforms(struct writer *w, const struct proposal_policy *policy, struct chain *transforms)
{
    for (size_t i = 0; i < ENCRYPTION_COUNT; i++) {
        const struct encryption_algorithm *a = &encryption_algorithms[i];
        if (algorithm_set_has(policy->encryption, i))
            put_transform(w, transforms, TRANSFORM_ENCR, a->id, a->key_bits);
    }
    for (size_t i = 0; i < PRF_COUNT; i++) {
        if (algorithm_set_has(policy->prf, i))
            put_transform(w, transforms, TRANSFORM_PRF, prf_algorithms[i].id, 0);
    }
    for (size_t i = 0; i < INTEGRITY_COUNT; i++) {
        if (algorithm_set_has(policy->integrity, i))
            put_transform(w, transforms, TRANSFORM_INTEG, integrity_algorithms[i].id, 0);
    }
    for (size_t i = 0; i < KEY_EXCHANGE_COUNT; i++) {
        if (algorithm_set_has(policy->dh, i))
            put_transform(w, transforms, TRANSFORM_KE, key_exchange_methods[i].id, 0);
    }
    if (policy->dh_none && policy->dh != 0)
        put_transform(w, transforms, TRANSFORM_KE, KE_NONE, 0);
    if (policy->protocol == PROTOCOL_ESP)
        put_transform(w, transforms, TRANSFORM_ESN, ESN_NONE, 0);
}

/* RFC 7296 3.3.1: one proposal with all transforms of `policy`. */
static void put_proposal(struct writer *w, struct chain *proposals, uint8_t number, struct octets spi,
                         const struct proposal_policy *policy)
{
    chain_next(proposals, w);
    size_t start = writer_length(w);
    writer_put_u8(w, SUBSTRUCTURE_LAST);
    writer_put_u8(w, 0);
    writer_put_u16be(w, 0);
    writer_put_u8(w, number);
    writer_put_u8(w, policy->protocol);
    writer_put_u8(w, (uint8_t)spi.length);
    size_t count_at = writer_length(w);
    writer_put_u8(w, 0);
    writer_put(w, spi.at, spi.length);

    struct chain transforms = {.more = SUBSTRUCTURE_MORE_TRANSFORMS};
    put_transforms(w, policy, &transforms);
    writer_patch_u8(w, count_at, transforms.count);
    writer_patch_u16be(w, start + 2, (uint16_t)(writer_length(w) - start));
}

void proposal_put_all(struct message_writer *m, const struct proposal_policy *policy, struct octets spi)
{
    struct proposal_policy aead = *policy;
    aead.encryption &= encryption_rows(true);
    aead.integrity = 0;
    struct proposal_policy other = *policy;
    other.encryption &= encryption_rows(false);

    struct chain proposals = {.more = SUBSTRUCTURE_MORE_PROPOSALS};
    message_begin_payload(m, PAYLOAD_SA);
    if (aead.encryption != 0)
        put_proposal(&m->w, &proposals, (uint8_t)(proposals.count + 1), spi, &aead);
    if (other.encryption != 0 && other.integrity != 0)
        put_proposal(&m->w, &proposals, (uint8_t)(proposals.count + 1), spi, &other);
    message_end_payload(m);
}

/* The number that proposal_put_all gives to the proposal with AEADs, or to the other one. */
static uint8_t number_of(const struct proposal_policy *policy, bool aead)
{
    return aead || (policy->encryption & encryption_rows(true)) == 0 ? 1 : 2;
}

void proposal_put_choice(struct message_writer *m, uint8_t protocol, uint8_t number, struct octets spi,
                         const struct ike_suite *suite)
{
    const struct proposal_policy chosen = {
        .protocol = protocol,
        .encryption = ALGORITHM_SET_OF(suite->encryption, encryption_algorithms),
        .integrity = ALGORITHM_SET_OF(suite->integrity, integrity_algorithms),
        .prf = ALGORITHM_SET_OF(suite->prf, prf_algorithms),
        .dh = ALGORITHM_SET_OF(suite->dh, key_exchange_methods),
    };
    struct chain proposals = {.more = SUBSTRUCTURE_MORE_PROPOSALS};
    message_begin_payload(m, PAYLOAD_SA);
    put_proposal(&m->w, &proposals, number, spi, &chosen);
    message_end_payload(m);
}

/* ---- Choosing -------------------------------------------------------------------------------------- */

/* The strongest row that both sets hold; NULL if there is none. */
#define BEST_OF(set, table) ((set) == 0 ? NULL : &(table)[__builtin_ctz(set)])

/* The best suite of one proposal with an AEAD, or with one that is none. False if there is none. */
static bool choose_suite(const struct offer *offer, const struct proposal_policy *policy, bool aead,
                         struct ike_suite *out)
{
    algorithm_set encryption = offer->known.encryption & policy->encryption & encryption_rows(aead);
    algorithm_set integrity = offer->known.integrity & policy->integrity;
    algorithm_set prf = offer->known.prf & policy->prf;
    algorithm_set dh = policy->dh_ignore ? 0 : offer->known.dh & policy->dh;

    if (encryption == 0)
        return false;
    if (aead ? offer->counts[TRANSFORM_INTEG] > 0 && !offer->integrity_none : integrity == 0)
        return false;
    if (policy->protocol == PROTOCOL_IKE && (prf == 0 || dh == 0))
        return false;
    bool without_dh = offer->counts[TRANSFORM_KE] == 0 || offer->known.dh_none;
    if (policy->protocol == PROTOCOL_ESP && !policy->dh_ignore && dh == 0 && !(without_dh && policy->dh_none))
        return false;

    *out = (struct ike_suite){
        .encryption = BEST_OF(encryption, encryption_algorithms),
        .integrity = aead ? NULL : BEST_OF(integrity, integrity_algorithms),
        .prf = policy->protocol == PROTOCOL_IKE ? BEST_OF(prf, prf_algorithms) : NULL,
        .dh = BEST_OF(dh, key_exchange_methods),
    };
    return true;
}

static bool offer_is_usable(const struct offer *offer, const struct proposal_policy *policy, size_t spi_size)
{
    /* A proposal for ESP has no PRF (RFC 7296 3.3.3): it is not understood there. */
    bool misplaced_prf = offer->protocol == PROTOCOL_ESP && offer->counts[TRANSFORM_PRF] > 0;
    return offer->protocol == policy->protocol && !offer->unknown_type && !misplaced_prf &&
           offer->spi.length == spi_size && (offer->counts[TRANSFORM_ESN] == 0 || offer->esn_none);
}

/* Compares the best suites of `offer` with the best so far. */
static void choose_from(const struct offer *offer, const struct proposal_policy *policy, bool *found,
                        struct proposal_choice *best)
{
    for (int aead = 1; aead >= 0; aead--) {
        struct ike_suite suite;
        if (!choose_suite(offer, policy, aead != 0, &suite))
            continue;
        if (*found && !ike_suite_is_better(&suite, &best->suite))
            continue;
        *found = true;
        *best = (struct proposal_choice){suite, offer->number, offer->spi};
    }
}

enum proposal_result proposal_choose(const struct ike_payload *sa, const struct proposal_policy *policy,
                                     size_t spi_size, struct proposal_choice *out)
{
    struct reader r = reader_of(sa->content.at, sa->content.length);
    bool found = false;
    *out = (struct proposal_choice){0};
    for (bool more = true; more;) {
        struct offer offer;
        if (!offer_read(&r, &offer, &more))
            return PROPOSAL_INVALID;
        if (offer_is_usable(&offer, policy, spi_size))
            choose_from(&offer, policy, &found, out);
    }
    if (reader_left(&r) != 0)
        return PROPOSAL_INVALID;
    return found ? PROPOSAL_CHOSEN : PROPOSAL_NONE;
}

/* True if there is at most one transform of each type in the offer: it is a choice, not an offer. */
static bool offer_is_single(const struct offer *offer)
{
    for (size_t type = 0; type <= TRANSFORM_ESN; type++) {
        if (offer->counts[type] > 1)
            return false;
    }
    return true;
}

/* Reads a responder's choice, whatever its number. */
static enum proposal_result read_choice(const struct ike_payload *sa, const struct proposal_policy *policy,
                                        size_t spi_size, struct proposal_choice *out)
{
    struct reader r = reader_of(sa->content.at, sa->content.length);
    struct offer offer;
    bool more = false;
    if (!offer_read(&r, &offer, &more) || reader_left(&r) != 0)
        return PROPOSAL_INVALID;
    bool found = false;
    *out = (struct proposal_choice){0};
    if (!more && offer_is_usable(&offer, policy, spi_size) && offer_is_single(&offer))
        choose_from(&offer, policy, &found, out);
    return found ? PROPOSAL_CHOSEN : PROPOSAL_NONE;
}

static bool has_right_number(const struct proposal_choice *choice, const struct proposal_policy *policy)
{
    return choice->number == number_of(policy, choice->suite.integrity == NULL);
}

enum proposal_result proposal_accept(const struct ike_payload *sa, const struct proposal_policy *policy,
                                     size_t spi_size, struct proposal_choice *out)
{
    enum proposal_result result = read_choice(sa, policy, spi_size, out);
    return result == PROPOSAL_CHOSEN && !has_right_number(out, policy) ? PROPOSAL_NONE : result;
}

uint8_t proposal_wrong_number(const struct ike_payload *sa, const struct proposal_policy *policy,
                              size_t spi_size)
{
    struct proposal_choice choice;
    bool wrong =
        read_choice(sa, policy, spi_size, &choice) == PROPOSAL_CHOSEN && !has_right_number(&choice, policy);
    return wrong ? choice.number : 0;
}

/* What the proposals for a protocol offer together; `number` is 0 if there is none. */
static struct offer union_of_offers(const struct ike_payload *sa, uint8_t protocol)
{
    struct reader r = reader_of(sa->content.at, sa->content.length);
    struct offer all = {.protocol = protocol};
    for (bool more = true; more;) {
        struct offer offer;
        if (!offer_read(&r, &offer, &more))
            break;
        if (offer.protocol != protocol)
            continue;
        all.number = 1;
        all.known.encryption |= offer.known.encryption;
        all.known.integrity |= offer.known.integrity;
        all.known.prf |= offer.known.prf;
        all.known.dh |= offer.known.dh;
        all.known.dh_none |= offer.known.dh_none || offer.counts[TRANSFORM_KE] == 0;
    }
    return all;
}

unsigned proposal_gaps(const struct ike_payload *sa, const struct proposal_policy *policy)
{
    const struct offer all = union_of_offers(sa, policy->protocol);
    algorithm_set encryption = all.known.encryption & policy->encryption;
    bool ike = policy->protocol == PROTOCOL_IKE;
    bool integrity_is_asked = (encryption & ~encryption_aead_rows()) != 0 || encryption == 0;
    bool without_dh = policy->dh_ignore || (!ike && all.known.dh_none && policy->dh_none);
    unsigned gaps = 0;
    if (all.number == 0)
        return 0;
    if (encryption == 0)
        gaps |= 1U << TRANSFORM_ENCR;
    if (integrity_is_asked && (all.known.integrity & policy->integrity) == 0 &&
        (all.known.encryption & ~encryption_aead_rows()) != 0)
        gaps |= 1U << TRANSFORM_INTEG;
    if (ike && (all.known.prf & policy->prf) == 0)
        gaps |= 1U << TRANSFORM_PRF;
    if (!without_dh && (all.known.dh & policy->dh) == 0)
        gaps |= 1U << TRANSFORM_KE;
    return gaps;
}

uint8_t proposal_protocol(const struct ike_payload *sa)
{
    struct reader r = reader_of(sa->content.at, sa->content.length);
    struct offer offer;
    bool more;
    return offer_read(&r, &offer, &more) ? offer.protocol : (uint8_t)PROTOCOL_NONE;
}
