#include "ike/wire/proposal_text.h"

#include "base/short_text.h"
#include "ike/wire/offer.h"

enum { OFFERS_SHOWN_MAX = 8 }; /* proposals; common peers have six at most */

/* Items of a list: "enc aes-cbc-256, prf sha1". A label is written before the first word of its item. */
struct item_list {
    struct short_text *text;
    const char *separator; /* before the next item */
};

static void begin_item(struct item_list *list, const char *label)
{
    short_text_add(list->text, "%s%s", list->separator, label);
    list->separator = ", ";
}

/* One item with the words of a set of rows; none for the empty set. */
#define ADD_WORDS(list, label, set, table, count)                                                            \
    do {                                                                                                     \
        if ((set) != 0)                                                                                      \
            begin_item(list, label);                                                                         \
        for (size_t row = 0; row < (count); row++) {                                                         \
            if (algorithm_set_has(set, row))                                                                 \
                short_text_add((list)->text, " %s", (table)[row].word);                                      \
        }                                                                                                    \
    } while (0)

/* The DH groups of an IKE SA, or those of a Child SA's rekey, where there may be none. */
static void add_groups(struct item_list *list, const struct proposal_policy *policy)
{
    if (policy->protocol != PROTOCOL_ESP) {
        ADD_WORDS(list, "dh", policy->dh, key_exchange_methods, KEY_EXCHANGE_COUNT);
        return;
    }
    if (policy->dh_ignore)
        return;
    ADD_WORDS(list, "pfs", policy->dh, key_exchange_methods, KEY_EXCHANGE_COUNT);
    if (policy->dh == 0)
        begin_item(list, "pfs");
    if (policy->dh == 0 || policy->dh_none)
        short_text_add(list->text, " off");
}

static void add_policy(struct item_list *list, const struct proposal_policy *policy)
{
    ADD_WORDS(list, "enc", policy->encryption, encryption_algorithms, ENCRYPTION_COUNT);
    ADD_WORDS(list, "integrity", policy->integrity, integrity_algorithms, INTEGRITY_COUNT);
    ADD_WORDS(list, "prf", policy->prf, prf_algorithms, PRF_COUNT);
    add_groups(list, policy);
}

const char *proposal_policy_format(const struct proposal_policy *policy, char out[POLICY_TEXT_SIZE])
{
    struct short_text text = short_text_in(out, POLICY_TEXT_SIZE);
    struct item_list list = {&text, ""};
    struct proposal_policy shown = *policy;
    if ((policy->encryption & ~encryption_aead_rows()) == 0)
        shown.integrity = 0; /* AEADs need none */
    add_policy(&list, &shown);
    return out;
}

/* ---- Offers ------------------------------------------------------------------------------------------ */

/* "28 (ChaCha20-Poly1305)", "12 (AES-CBC, no key length)", "1024". */
static void add_number(struct short_text *text, const struct foreign_transform *t)
{
    const char *name = transform_name(t->type, t->id);
    bool lacks_length = t->type == TRANSFORM_ENCR && (t->id == ENCR_AES_CBC || t->id == ENCR_AES_GCM_16);
    short_text_add(text, " %u", t->id);
    if (name != NULL && t->key_bits != 0)
        short_text_add(text, " (%s, %u-bit)", name, t->key_bits);
    else if (name != NULL && lacks_length)
        short_text_add(text, " (%s, no key length)", name);
    else if (name != NULL)
        short_text_add(text, " (%s)", name);
    else if (t->key_bits != 0)
        short_text_add(text, " (%u-bit)", t->key_bits);
}

/* A transform of another kind. Extended sequence numbers are no obstacle if "none" is offered too. */
static bool is_obstacle(const struct offer *offer, const struct foreign_transform *t)
{
    return t->type != TRANSFORM_ESN || !offer->esn_none;
}

static void begin_foreign_type(struct item_list *list, uint8_t type)
{
    static const char *const labels[] = {[TRANSFORM_ENCR] = "enc",
                                         [TRANSFORM_PRF] = "prf",
                                         [TRANSFORM_INTEG] = "integrity",
                                         [TRANSFORM_KE] = "dh",
                                         [TRANSFORM_ESN] = "esn"};
    bool additional = type >= TRANSFORM_ADDITIONAL_DH_FIRST && type <= TRANSFORM_ADDITIONAL_DH_LAST;
    if (type >= TRANSFORM_ENCR && type <= TRANSFORM_ESN) {
        begin_item(list, labels[type]);
        return;
    }
    begin_item(list, additional ? "additional dh" : "transform type ");
    if (!additional)
        short_text_add(list->text, "%u:", type);
}

/* The transforms that Musubi does not support, in the order of the message. */
static void add_foreign(struct short_text *text, const struct offer *offer)
{
    const char *start = text->length > 0 ? " and (not supported here) " : "(not supported here) ";
    struct item_list list = {text, start};
    int type = -1;
    for (uint8_t i = 0; i < offer->foreign_count; i++) {
        const struct foreign_transform *t = &offer->foreign[i];
        if (!is_obstacle(offer, t))
            continue;
        if (t->type != type)
            begin_foreign_type(&list, t->type);
        type = t->type;
        add_number(text, t);
    }
    if (offer->more_foreign)
        short_text_add(text, " and more");
}

static void add_protocol(struct short_text *text, uint8_t protocol)
{
    static const char *const names[] = {
        [PROTOCOL_IKE] = "IKE ", [PROTOCOL_AH] = "AH (not supported here) ", [PROTOCOL_ESP] = "ESP "};
    if (protocol >= PROTOCOL_IKE && protocol <= PROTOCOL_ESP)
        short_text_add(text, "%s", names[protocol]);
    else
        short_text_add(text, "protocol %u ", protocol);
}

static void add_offer(struct short_text *text, const struct offer *offer,
                      const struct proposal_policy *accepted, size_t spi_size)
{
    char at[OFFER_TEXT_SIZE];
    struct short_text own = short_text_in(at, sizeof at);
    struct item_list list = {&own, ""};
    struct proposal_policy known = offer->known;
    known.protocol = offer->protocol;
    known.dh_ignore = accepted->dh_ignore || offer->protocol != accepted->protocol ||
                      (offer->counts[TRANSFORM_KE] > 0 && known.dh == 0 && !known.dh_none);
    add_policy(&list, &known);
    add_foreign(&own, offer);
    if (offer->protocol != accepted->protocol)
        add_protocol(text, offer->protocol);
    short_text_add(text, "%s", own.length > 0 ? at : "nothing");
    if (offer->protocol == accepted->protocol && offer->spi.length != spi_size)
        short_text_add(text, " with an SPI of %zu octets", offer->spi.length);
}

const char *proposal_offer_format(const struct ike_payload *sa, const struct proposal_policy *accepted,
                                  size_t spi_size, char out[OFFER_TEXT_SIZE])
{
    struct short_text text = short_text_in(out, OFFER_TEXT_SIZE);
    struct reader r = reader_of(sa->content.at, sa->content.length);
    size_t count = 0;
    for (bool more = true; more; count++) {
        struct offer offer;
        if (!offer_read(&r, &offer, &more))
            break;
        if (count > 0 && count < OFFERS_SHOWN_MAX)
            short_text_add(&text, " or ");
        if (count < OFFERS_SHOWN_MAX)
            add_offer(&text, &offer, accepted, spi_size);
    }
    if (count > OFFERS_SHOWN_MAX)
        short_text_add(&text, " or %zu more", count - OFFERS_SHOWN_MAX);
    return out;
}

const char *ike_suite_format(const struct ike_suite *suite, char out[SUITE_TEXT_SIZE])
{
    struct short_text text = short_text_in(out, SUITE_TEXT_SIZE);
    short_text_add(&text, "%s", suite->encryption->name);
    if (suite->integrity != NULL)
        short_text_add(&text, "/%s", suite->integrity->name);
    if (suite->prf != NULL)
        short_text_add(&text, "/PRF-%s", suite->prf->name);
    if (suite->dh != NULL)
        short_text_add(&text, "/%s", suite->dh->name);
    return out;
}
