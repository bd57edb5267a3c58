#include "ike/wire/offer.h"

/* Reads the attributes of a transform. False if one is malformed; `*usable` is false if one is not known. */
static bool read_attributes(struct reader *r, uint16_t *key_bits, bool *usable)
{
    while (reader_left(r) > 0) {
        uint16_t type = reader_u16be(r);
        uint16_t value = reader_u16be(r);
        if (!(type & ATTRIBUTE_FORMAT_TV))
            (void)reader_octets(r, value); /* TLV: `value` is a length */
        if (r->failed)
            return false;
        if (type == (ATTRIBUTE_FORMAT_TV | ATTRIBUTE_KEY_LENGTH) && *key_bits == 0)
            *key_bits = value;
        else
            *usable = false;
    }
    return true;
}

/* Adds a row to a set, if it is one. */
static bool add_row(algorithm_set *set, algorithm_set row)
{
    *set |= row;
    return row != 0;
}

/* Adds a transform to what is known. False if Musubi does not support it. */
static bool add_known(struct offer *offer, uint8_t type, uint16_t id, uint16_t key_bits)
{
    struct proposal_policy *known = &offer->known;
    switch (type) {
    case TRANSFORM_ENCR:
        return add_row(&known->encryption,
                       ALGORITHM_SET_OF(encryption_by_id(id, key_bits), encryption_algorithms));
    case TRANSFORM_PRF:
        return add_row(&known->prf, ALGORITHM_SET_OF(prf_by_id(id), prf_algorithms));
    case TRANSFORM_INTEG:
        return add_row(&known->integrity, ALGORITHM_SET_OF(integrity_by_id(id), integrity_algorithms));
    case TRANSFORM_KE:
        return add_row(&known->dh, ALGORITHM_SET_OF(key_exchange_by_id(id), key_exchange_methods));
    default:
        return false;
    }
}

/* Notes that "none" is among what a type offers; there it is a value like others. */
static bool add_none(struct offer *offer, uint8_t type, uint16_t id)
{
    bool *const none = type == TRANSFORM_INTEG && id == AUTH_NONE ? &offer->integrity_none
                       : type == TRANSFORM_KE && id == KE_NONE    ? &offer->known.dh_none
                       : type == TRANSFORM_ESN && id == ESN_NONE  ? &offer->esn_none
                                                                  : NULL;
    if (none != NULL)
        *none = true;
    return none != NULL;
}

static void add_foreign(struct offer *offer, uint8_t type, uint16_t id, uint16_t key_bits)
{
    if (offer->foreign_count == OFFER_FOREIGN_MAX)
        offer->more_foreign = true;
    else
        offer->foreign[offer->foreign_count++] = (struct foreign_transform){type, id, key_bits};
}

static void add_transform(struct offer *offer, uint8_t type, uint16_t id, uint16_t key_bits, bool usable)
{
    bool known_type = type >= TRANSFORM_ENCR && type <= TRANSFORM_ESN;
    if (known_type)
        offer->counts[type]++;
    offer->unknown_type |= !known_type;
    if (add_none(offer, type, id) || (usable && add_known(offer, type, id, key_bits)))
        return;
    add_foreign(offer, type, id, key_bits);
}

/* Reads the `count` transforms of a proposal. False if they are malformed or octets are left over. */
static bool read_transforms(struct reader *r, uint8_t count, struct offer *offer)
{
    for (uint8_t i = 0; i < count; i++) {
        uint8_t more = reader_u8(r);
        (void)reader_u8(r);
        uint16_t length = reader_u16be(r);
        if (r->failed || length < 8 ||
            more != (i + 1 < count ? SUBSTRUCTURE_MORE_TRANSFORMS : SUBSTRUCTURE_LAST))
            return false;
        struct reader body = reader_part(r, (size_t)length - 4);
        uint8_t type = reader_u8(&body);
        (void)reader_u8(&body);
        uint16_t id = reader_u16be(&body);
        uint16_t key_bits = 0;
        bool usable = true;
        if (body.failed || !read_attributes(&body, &key_bits, &usable))
            return false;
        /* Where an algorithm has no Key Length, a transform that carries one is another transform. */
        if (type != TRANSFORM_ENCR && key_bits != 0)
            usable = false;
        add_transform(offer, type, id, key_bits, usable);
    }
    return reader_left(r) == 0;
}

bool offer_read(struct reader *r, struct offer *offer, bool *more)
{
    *offer = (struct offer){0};
    uint8_t last = reader_u8(r);
    (void)reader_u8(r);
    uint16_t length = reader_u16be(r);
    if (r->failed || length < 8 || (last != SUBSTRUCTURE_LAST && last != SUBSTRUCTURE_MORE_PROPOSALS))
        return false;
    *more = last != SUBSTRUCTURE_LAST;
    struct reader body = reader_part(r, (size_t)length - 4);
    offer->number = reader_u8(&body);
    offer->protocol = reader_u8(&body);
    uint8_t spi_size = reader_u8(&body);
    uint8_t transform_count = reader_u8(&body);
    offer->spi = (struct octets){reader_octets(&body, spi_size), spi_size};
    return !body.failed && read_transforms(&body, transform_count, offer);
}
