#include "path/link_ring.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/checksum.h"
#include "path/header_fields.h"

enum {
    RING_SIZE = LINK_RING_FRAMES * LINK_RING_FRAME,
    BLOCK_SIZE = 64 * 1024, /* a multiple of any page size, so that Linux need not find much in one piece */
    /* Where Linux expects a virtio_net_hdr, and behind it the octets of the frame. */
    FRAME_FORM = sizeof(struct tpacket2_hdr),
    FRAME_HEAD = FRAME_FORM + sizeof(struct virtio_net_hdr),
};

_Static_assert(sizeof(struct tpacket2_hdr) % TPACKET_ALIGNMENT == 0, "what stands behind it follows at once");
_Static_assert(FRAME_HEAD + ETH_HLEN + LINK_RING_IP_MAX <= LINK_RING_FRAME, "the largest packet has room");
_Static_assert(sizeof(((struct path_next_hop *)0)->header) == ETH_HLEN, "an Ethernet header");

bool link_ring_open(struct link_ring *ring, int fd, uint16_t id)
{
    const int version = TPACKET_V2, with_form = 1;
    const struct tpacket_req none = {0};
    const struct tpacket_req wanted = {
        .tp_block_size = BLOCK_SIZE,
        .tp_block_nr = RING_SIZE / BLOCK_SIZE,
        .tp_frame_size = LINK_RING_FRAME,
        .tp_frame_nr = LINK_RING_FRAMES,
    };
    memset(ring, 0, sizeof *ring);
    /* An earlier process may have left a ring, and it is not known where Linux stands in it. */
    (void)setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &none, sizeof none);
    if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) < 0 ||
        setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &with_form, sizeof with_form) < 0 ||
        setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &wanted, sizeof wanted) < 0)
        return false;
    void *frames = mmap(NULL, RING_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (frames == MAP_FAILED)
        return false;
    *ring = (struct link_ring){.fd = fd, .frames = frames, .id = id};
    return true;
}

void link_ring_close(struct link_ring *ring)
{
    if (ring->frames != NULL)
        (void)munmap(ring->frames, RING_SIZE);
    memset(ring, 0, sizeof *ring);
}

static uint8_t *frame_at(const struct link_ring *ring, unsigned n)
{
    return ring->frames + (size_t)((ring->next + n) % LINK_RING_FRAMES) * LINK_RING_FRAME;
}

static uint32_t frame_status(const uint8_t *frame)
{
    const struct tpacket2_hdr *header = (const void *)frame;
    return __atomic_load_n(&header->tp_status, __ATOMIC_ACQUIRE);
}

static void frame_set_status(uint8_t *frame, uint32_t status)
{
    struct tpacket2_hdr *header = (void *)frame;
    __atomic_store_n(&header->tp_status, status, __ATOMIC_RELEASE);
}

/* Like Linux, gives an identification only to what may be fragmented (RFC 6864). */
static void header_write(struct link_ring *ring, uint8_t *header, const struct path_next_hop *hop,
                         const struct link_packet *packet)
{
    size_t length = LINK_RING_IP_HEADER + packet->esp.length;
    uint16_t id = packet->dont_fragment ? 0 : ring->id++;
    memset(header, 0, LINK_RING_IP_HEADER);
    header[0] = 0x45;
    header[1] = packet->traffic_class;
    store_u16be(header + IPV4_LENGTH, (uint16_t)length);
    store_u16be(header + IPV4_ID, id);
    store_u16be(header + IPV4_FLAGS, packet->dont_fragment ? IPV4_DF : 0);
    header[8] = hop->ttl;
    header[IPV4_PROTOCOL] = IPPROTO_ESP;
    memcpy(header + IPV4_ADDRESSES, packet->source.octets, 4);
    memcpy(header + IPV4_ADDRESSES + 4, packet->destination.octets, 4);
    store_u16be(header + IPV4_CHECKSUM, checksum_of((struct octets){header, LINK_RING_IP_HEADER}));
}

/*
 * Linux copies as many octets of a frame as the form says are headers, and refers to the ring's memory for
 * the others. For all of them that is cheaper: no page for each packet, and on a veth no second copy.
 */
static void form_write(uint8_t *at, size_t length)
{
    const struct virtio_net_hdr form = {.hdr_len = (uint16_t)length};
    memcpy(at, &form, sizeof form);
}

bool link_ring_put(struct link_ring *ring, unsigned n, const struct path_next_hop *hop,
                   const struct link_packet *packet)
{
    uint8_t *frame = frame_at(ring, n);
    uint8_t *at = frame + FRAME_HEAD;
    size_t length = ETH_HLEN + LINK_RING_IP_HEADER + packet->esp.length;
    if (n >= LINK_RING_FRAMES || packet->esp.length > LINK_RING_IP_MAX - LINK_RING_IP_HEADER ||
        (frame_status(frame) & (TP_STATUS_SEND_REQUEST | TP_STATUS_SENDING)) != 0)
        return false;
    memcpy(at, hop->header, ETH_HLEN);
    header_write(ring, at + ETH_HLEN, hop, packet);
    memcpy(at + ETH_HLEN + LINK_RING_IP_HEADER, packet->esp.at, packet->esp.length);
    form_write(frame + FRAME_FORM, length);
    ((struct tpacket2_hdr *)(void *)frame)->tp_len = (uint32_t)(sizeof(struct virtio_net_hdr) + length);
    frame_set_status(frame, TP_STATUS_SEND_REQUEST);
    return true;
}

static void message_set_mark(struct msghdr *message, uint32_t mark)
{
    struct cmsghdr header = {
        .cmsg_len = CMSG_LEN(sizeof mark), .cmsg_level = SOL_SOCKET, .cmsg_type = SO_MARK};
    memcpy(message->msg_control, &header, sizeof header);
    memcpy((uint8_t *)message->msg_control + CMSG_LEN(0), &mark, sizeof mark);
    message->msg_controllen = CMSG_SPACE(sizeof mark);
}

/* Takes back what Linux has not taken of a batch; returns how many it has. It stops at the first one that it
 * can't send, and stands there. */
static unsigned ring_settle(struct link_ring *ring, unsigned count)
{
    unsigned taken = 0;
    while (taken < count &&
           (frame_status(frame_at(ring, taken)) & (TP_STATUS_SEND_REQUEST | TP_STATUS_WRONG_FORMAT)) == 0)
        taken++;
    for (unsigned i = taken; i < count; i++)
        frame_set_status(frame_at(ring, i), TP_STATUS_AVAILABLE);
    ring->next = (ring->next + taken) % LINK_RING_FRAMES;
    return taken;
}

unsigned link_ring_send(struct link_ring *ring, unsigned count, uint32_t link, uint32_t mark)
{
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof mark)] = {0};
    struct sockaddr_ll to = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(ETH_P_IP),
        .sll_ifindex = (int)link,
        .sll_halen = ETH_ALEN,
    };
    struct msghdr message = {.msg_name = &to, .msg_namelen = sizeof to, .msg_control = control};
    if (mark != 0)
        message_set_mark(&message, mark);
    ssize_t sent;
    do
        sent = sendmsg(ring->fd, &message, MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return ring_settle(ring, count);
}
