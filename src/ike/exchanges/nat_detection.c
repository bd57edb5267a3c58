#include "ike/exchanges/nat_detection.h"

#include "crypto/prf.h"

enum { SHA1_SIZE = 20 };

/* SHA-1(SPIi | SPIr | address | port), the SPIs as in the header of the message that carries it. */
static bool nat_hash(uint64_t spi_i, uint64_t spi_r, const struct ip_endpoint *endpoint,
                     uint8_t out[SHA1_SIZE])
{
    uint8_t input[16 + 16 + 2];
    struct writer w = writer_to(input, sizeof input);
    writer_put_u64be(&w, spi_i);
    writer_put_u64be(&w, spi_r);
    writer_put(&w, endpoint->address.octets, ip_address_size(endpoint->address.family));
    writer_put_u16be(&w, endpoint->port);
    struct octets all = writer_octets(&w);
    return sha1_compute(&all, 1, out);
}

static void put_hash(struct message_writer *m, uint16_t notify, const uint8_t hash[SHA1_SIZE])
{
    message_put_notify(m, PROTOCOL_NONE, (struct octets){NULL, 0}, notify, (struct octets){hash, SHA1_SIZE});
}

void nat_detection_write(struct ike_sa *sa, bool force, struct message_writer *m)
{
    uint8_t source[SHA1_SIZE];
    uint8_t destination[SHA1_SIZE];
    if (!nat_hash(sa->spi_i, sa->spi_r, &sa->local, source) ||
        !nat_hash(sa->spi_i, sa->spi_r, &sa->remote, destination))
        return;
    if (force)
        engine_random(sa->engine, source, sizeof source);
    put_hash(m, NOTIFY_NAT_DETECTION_SOURCE_IP, source);
    put_hash(m, NOTIFY_NAT_DETECTION_DESTINATION_IP, destination);
}

bool nat_detection_read(struct ike_sa *sa, const struct ike_message *message)
{
    const struct ike_header *h = &message->header;
    uint8_t remote[SHA1_SIZE];
    uint8_t local[SHA1_SIZE];
    if (!nat_hash(h->spi_i, h->spi_r, &sa->remote, remote) ||
        !nat_hash(h->spi_i, h->spi_r, &sa->local, local))
        return false;
    bool any_source = false;
    bool any_destination = false;
    bool source_matches = false; /* a peer with several addresses sends a source hash for each */
    bool destination_matches = false;
    for (size_t i = 0; i < message->count; i++) {
        const struct ike_payload *p = &message->payloads[i];
        if (p->type != PAYLOAD_NOTIFY)
            continue;
        if (p->notify == NOTIFY_NAT_DETECTION_SOURCE_IP) {
            any_source = true;
            source_matches |= octets_equal(p->content, (struct octets){remote, SHA1_SIZE});
        } else if (p->notify == NOTIFY_NAT_DETECTION_DESTINATION_IP) {
            any_destination = true;
            destination_matches |= octets_equal(p->content, (struct octets){local, SHA1_SIZE});
        }
    }
    if (!any_source || !any_destination)
        return false;
    sa->nat_remote = !source_matches;
    sa->nat_local = !destination_matches;
    return true;
}

bool nat_detection_take(struct ike_sa *sa, const struct ike_message *message, const struct ip_endpoint *from,
                        bool wanted)
{
    bool peer_detects = nat_detection_read(sa, message);
    sa->handshake->nat_signs = (struct nat_signs){
        .peer_detects = peer_detects, .local = sa->nat_local, .remote = sa->nat_remote, .peer = *from};
    sa->nat_local &= wanted;
    sa->nat_remote &= wanted;
    return peer_detects && wanted;
}

bool nat_detection_names_source(const struct ike_message *message, const struct ip_address *address)
{
    static const uint16_t ports[] = {IKE_PORT, IKE_NAT_PORT};
    const struct ike_header *h = &message->header;
    for (size_t i = 0; i < 2 * message->count; i++) {
        const struct ike_payload *p = &message->payloads[i / 2];
        const struct ip_endpoint source = {*address, ports[i % 2]};
        uint8_t hash[SHA1_SIZE];
        if (p->type == PAYLOAD_NOTIFY && p->notify == NOTIFY_NAT_DETECTION_SOURCE_IP &&
            nat_hash(h->spi_i, h->spi_r, &source, hash) &&
            octets_equal(p->content, (struct octets){hash, SHA1_SIZE}))
            return true;
    }
    return false;
}
