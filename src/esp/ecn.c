#include "esp/ecn.h"

#include "base/bytes.h"
#include "base/checksum.h"

enum {
    ECN_MASK = 3,
    DROP = 4,
    IPV4_TOS = 1,
    IPV4_CHECKSUM = 10,
    IPV6_ECN_SHIFT = 4, /* in the octet of IPV6_CLASS */
    IPV6_CLASS = 1,
};

/* RFC 6040, figure 4: by the inner field, then the outer one. */
static const uint8_t combined[4][4] = {
    [ECN_NOT_ECT] =
        {[ECN_NOT_ECT] = ECN_NOT_ECT, [ECN_ECT_1] = ECN_NOT_ECT, [ECN_ECT_0] = ECN_NOT_ECT, [ECN_CE] = DROP},
    [ECN_ECT_1] =
        {[ECN_NOT_ECT] = ECN_ECT_1, [ECN_ECT_1] = ECN_ECT_1, [ECN_ECT_0] = ECN_ECT_1, [ECN_CE] = ECN_CE},
    [ECN_ECT_0] =
        {[ECN_NOT_ECT] = ECN_ECT_0, [ECN_ECT_1] = ECN_ECT_1, [ECN_ECT_0] = ECN_ECT_0, [ECN_CE] = ECN_CE},
    [ECN_CE] = {[ECN_NOT_ECT] = ECN_CE, [ECN_ECT_1] = ECN_CE, [ECN_ECT_0] = ECN_CE, [ECN_CE] = ECN_CE},
};

static void set_v4(uint8_t *inner, uint8_t tos)
{
    uint16_t before = load_u16be(inner); /* the TOS and the octet in front of it */
    inner[IPV4_TOS] = tos;
    uint8_t *checksum = inner + IPV4_CHECKSUM;
    store_u16be(checksum, checksum_change(load_u16be(checksum), before, load_u16be(inner)));
}

bool ecn_combine(uint8_t *inner, enum ip_family family, uint8_t outer)
{
    unsigned shift = family == IP_V4 ? 0 : IPV6_ECN_SHIFT;
    uint8_t octet = inner[family == IP_V4 ? IPV4_TOS : IPV6_CLASS];
    uint8_t before = octet >> shift & ECN_MASK;
    uint8_t after = combined[before][outer & ECN_MASK];
    if (after == DROP)
        return false;
    if (after == before)
        return true;
    octet = (uint8_t)((octet & ~(unsigned)(ECN_MASK << shift)) | (unsigned)after << shift);
    if (family == IP_V4)
        set_v4(inner, octet);
    else
        inner[IPV6_CLASS] = octet;
    return true;
}
