#include "path/pieces.h"

#include "path/outbound_sa.h"

/* Adds a piece of head and body. */
static void add(struct pieces *pieces, struct outbound_sa *sa, struct octets head, struct octets body,
                struct outer_form outer)
{
    size_t i = pieces->count++;
    size_t size = esp_sa_sealed_size(sa->sa, head.length + body.length);
    pieces->sas[i] = sa;
    pieces->outer[i] = outer;
    pieces->packets[i] = (struct esp_outbound){
        .sa = sa->sa,
        .head = head,
        .body = body,
        .to = pieces->sealed + pieces->sealed_used,
        .capacity = size,
    };
    pieces->sealed_used += size;
}

static struct outer_form outer_of(struct octets packet, bool fragmentable)
{
    if (inner_family(packet) == IP_NONE)
        return (struct outer_form){0};
    return (struct outer_form){inner_traffic_class(packet), !fragmentable && inner_is_whole(packet)};
}

void pieces_add(struct pieces *pieces, struct outbound_sa *sa, struct octets packet, struct octets rest,
                bool fragmentable)
{
    const struct outer_form outer = outer_of(packet, fragmentable);
    if (rest.length > 0)
        add(pieces, sa, packet, rest, outer);
    else
        add(pieces, sa, (struct octets){0}, packet, outer);
}

bool pieces_add_fragments(struct pieces *pieces, struct outbound_sa *sa, struct octets packet,
                          bool fragmentable, uint32_t id)
{
    struct fragmenter f;
    struct octets part;
    size_t head_size;
    const struct outer_form outer = outer_of(packet, fragmentable);
    if (fragment_count_max(packet.length, sa->mtu.fits) > PIECES_OF_PACKET_MAX ||
        !fragmenter_begin(&f, packet, sa->mtu.fits, id))
        return false;
    while (fragmenter_next(&f, pieces->heads[pieces->count], &head_size, &part)) {
        const struct octets head = {pieces->heads[pieces->count], head_size};
        add(pieces, sa, head, part, outer);
    }
    return true;
}

size_t pieces_expected(const struct outbound_sa *sa, size_t length)
{
    size_t count = length <= sa->mtu.fits ? 1 : fragment_count_max(length, sa->mtu.fits);
    return count < PIECES_OF_PACKET_MAX ? count : PIECES_OF_PACKET_MAX;
}
