#include "path/wire.h"

#include <errno.h>
#include <linux/udp.h>
#include <stdlib.h>
#include <string.h>

enum {
    DATAGRAM_MAX = 65535,
    /* Not a power of two apart, lest the heads of all packets fall into the same few cache lines. */
    INBOX_STRIDE = 65536 + 33 * 64,
    /* Merged datagrams are some 45 each: the worker shall look at its tunnels too. A few batches of them may
     * follow one another, since a batch seldom ends where a super-packet of the peer does. */
    MERGED_LIMIT = 8,
    MERGED_ROOM = 3 * MERGED_LIMIT,
    COMMON_MAX = 2048, /* octets; few datagrams that are not merged are longer */
};

bool wire_inbox_allocate(struct wire_inbox *inbox, bool touched)
{
    size_t size = (size_t)WIRE_INBOX_ROOM * INBOX_STRIDE;
    inbox->octets = aligned_alloc(64, size);
    if (inbox->octets == NULL)
        return false;
    for (size_t i = 0; touched && i < WIRE_INBOX_ROOM; i++)
        memset(inbox->octets + i * INBOX_STRIDE, 0, i < MERGED_LIMIT ? INBOX_STRIDE : COMMON_MAX);
    for (size_t i = 0; i < WIRE_INBOX_ROOM; i++) {
        inbox->vectors[i].iov_base = inbox->octets + i * INBOX_STRIDE;
        inbox->vectors[i].iov_len = DATAGRAM_MAX;
        inbox->messages[i].msg_hdr = (struct msghdr){
            .msg_name = &inbox->from[i],
            .msg_namelen = sizeof inbox->from[i],
            .msg_iov = &inbox->vectors[i],
            .msg_iovlen = 1,
            .msg_control = &inbox->controls[i],
            .msg_controllen = sizeof inbox->controls[i],
        };
    }
    return true;
}

void wire_inbox_free(struct wire_inbox *inbox)
{
    free(inbox->octets);
    inbox->octets = NULL;
}

void wire_inbox_clear(struct wire_inbox *inbox)
{
    inbox->next = 0;
}

unsigned wire_inbox_limit(const struct wire_inbox *inbox)
{
    unsigned most = inbox->merged ? MERGED_LIMIT : PATH_BATCH;
    unsigned room = WIRE_INBOX_ROOM - inbox->next;
    return room < most ? room : most;
}

bool wire_inbox_has_room(const struct wire_inbox *inbox)
{
    enum { TINY = PATH_BATCH / 4 };
    return inbox->merged ? inbox->next < MERGED_ROOM : WIRE_INBOX_ROOM - inbox->next >= TINY;
}

/* Puts one control message behind those that stand in `message`. */
static void control_put(struct msghdr *message, int level, int type, const void *content, size_t length)
{
    uint8_t *at = (uint8_t *)message->msg_control + message->msg_controllen;
    struct cmsghdr header = {.cmsg_len = CMSG_LEN(length), .cmsg_level = level, .cmsg_type = type};
    memset(at, 0, CMSG_SPACE(length));
    memcpy(at, &header, sizeof header);
    memcpy(at + CMSG_LEN(0), content, length);
    message->msg_controllen += CMSG_SPACE(length);
}

bool wire_destination_from(struct wire_destination *to, const struct child_destination *from)
{
    enum ip_family family = from->remote.address.family;
    if (family == IP_NONE || from->local.address.family != family)
        return false;
    if (from->encapsulated && from->remote.port == 0)
        return false;

    memset(to, 0, sizeof *to);
    if (from->encapsulated)
        to->kind = family == IP_V4 ? WIRE_UDP_V4 : WIRE_UDP_V6;
    else
        to->kind = family == IP_V4 ? WIRE_ESP_V4 : WIRE_ESP_V6;

    /* A raw IPv6 socket takes a port other than 0 for a protocol, and refuses it. */
    struct ip_endpoint remote = from->remote;
    if (!from->encapsulated)
        remote.port = 0;
    to->remote = remote;
    to->local = from->local.address;
    to->mark = from->mark;
    struct sockaddr_storage name;
    to->name_length = ip_endpoint_to_sockaddr(&remote, &name);
    memcpy(&to->name, &name, to->name_length);
    if (family == IP_V6 && ip_address_is_link_local(&remote.address))
        to->name.sin6_scope_id = from->ifindex;

    struct msghdr message = {.msg_control = to->control};
    if (family == IP_V4) {
        struct in_pktinfo info = {.ipi_ifindex = (int)from->ifindex};
        memcpy(&info.ipi_spec_dst, from->local.address.octets, sizeof info.ipi_spec_dst);
        control_put(&message, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    } else {
        struct in6_pktinfo info = {.ipi6_ifindex = from->ifindex};
        memcpy(&info.ipi6_addr, from->local.address.octets, sizeof info.ipi6_addr);
        control_put(&message, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    }
    if (from->mark != 0)
        control_put(&message, SOL_SOCKET, SO_MARK, &from->mark, sizeof from->mark);
    to->control_length = message.msg_controllen;
    return true;
}

bool wire_destination_equal(const struct wire_destination *a, const struct wire_destination *b)
{
    return a->kind == b->kind && a->name_length == b->name_length &&
           memcmp(&a->name, &b->name, a->name_length) == 0 && a->control_length == b->control_length &&
           memcmp(a->control, b->control, a->control_length) == 0;
}

void wire_address_message(struct msghdr *message, struct wire_destination *to)
{
    *message = (struct msghdr){
        .msg_name = &to->name,
        .msg_namelen = to->name_length,
        .msg_control = to->control,
        .msg_controllen = to->control_length,
    };
}

void wire_set_form(struct msghdr *message, struct wire_message_control *control, const struct wire_form *form)
{
    const int traffic_class = form->traffic_class;
    bool v6 = wire_is_v6(form->kind);
    if (form->traffic_class == 0 && form->segment == 0)
        return;
    memcpy(control->octets, message->msg_control, message->msg_controllen);
    message->msg_control = control->octets;
    if (form->traffic_class != 0)
        control_put(message, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_TCLASS : IP_TOS, &traffic_class,
                    sizeof traffic_class);
    if (form->segment != 0)
        control_put(message, IPPROTO_UDP, UDP_SEGMENT, &form->segment, sizeof form->segment);
}

void wire_set_mtu(int fd, uint32_t mtu)
{
    const int least = 1280; /* RFC 8200 5; Linux refuses less */
    int value = mtu > (uint32_t)least ? (int)mtu : least;
    (void)setsockopt(fd, IPPROTO_IPV6, IPV6_MTU, &value, sizeof value);
}

/* Takes in what the control messages of a datagram say of it. */
static void datagram_read_control(struct datagram *datagram, struct msghdr *message)
{
    int value;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
            datagram->traffic_class = *CMSG_DATA(c);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
            memcpy(&value, CMSG_DATA(c), sizeof value);
            datagram->traffic_class = (uint8_t)value;
        } else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
            memcpy(&value, CMSG_DATA(c), sizeof value);
            datagram->segment = value > 0 && (size_t)value < datagram->length ? (size_t)value : 0;
        }
    }
}

/* A raw IPv4 socket hands out the IP header too; what stands behind it. */
static void datagram_skip_ip(struct datagram *datagram)
{
    struct reader r = reader_of(datagram->at, datagram->length);
    size_t header = (size_t)(reader_u8(&r) & 0x0f) * 4;
    if (r.failed || header < 20 || header > datagram->length) {
        datagram->length = 0;
        return;
    }
    datagram->traffic_class = datagram->at[1];
    datagram->at += header;
    datagram->length -= header;
}

/* The kernel has changed the lengths in the headers of the messages that it filled in. */
static void inbox_prepare(struct wire_inbox *inbox)
{
    for (unsigned i = inbox->first; i < inbox->first + inbox->used; i++) {
        inbox->messages[i].msg_hdr.msg_namelen = sizeof inbox->from[i];
        inbox->messages[i].msg_hdr.msg_controllen = sizeof inbox->controls[i];
    }
}

int wire_receive_batch(int fd, struct wire_inbox *inbox, struct datagram *datagrams)
{
    int count;
    inbox_prepare(inbox);
    struct mmsghdr *messages = inbox->messages + inbox->next;
    do
        count = recvmmsg(fd, messages, wire_inbox_limit(inbox), MSG_DONTWAIT, NULL);
    while (count < 0 && errno == EINTR);
    inbox->first = inbox->next;
    inbox->used = count > 0 ? (unsigned)count : 1;
    if (count < 0)
        return errno == EAGAIN ? 0 : -1;

    inbox->next += inbox->used;
    inbox->merged = false;
    for (int i = 0; i < count; i++) {
        datagrams[i] = (struct datagram){
            .at = messages[i].msg_hdr.msg_iov->iov_base,
            .length = messages[i].msg_len,
            .from = messages[i].msg_hdr.msg_name,
            .message = &messages[i].msg_hdr,
        };
        datagram_read_control(&datagrams[i], &messages[i].msg_hdr);
        inbox->merged = inbox->merged || datagrams[i].segment != 0;
    }
    return count;
}

static int sockets_receive(int fd, enum wire_kind kind, struct wire_inbox *inbox, struct datagram *datagrams)
{
    int count = wire_receive_batch(fd, inbox, datagrams);
    for (int i = 0; i < count && kind == WIRE_ESP_V4; i++)
        datagram_skip_ip(&datagrams[i]);
    return count;
}

static int sockets_send(int fd, struct mmsghdr *messages, unsigned count)
{
    int sent;
    do
        sent = sendmmsg(fd, messages, count, MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent;
}

const struct wire_io wire_sockets = {.receive = sockets_receive, .send = sockets_send, .segments = true};

struct ip_endpoint wire_source(const struct datagram *datagram, enum wire_kind kind)
{
    struct ip_endpoint source = {0};
    (void)ip_endpoint_from_sockaddr(datagram->from, &source);
    if (!wire_is_udp(kind))
        source.port = 0;
    return source;
}

void wire_arrival(const struct datagram *datagram, struct ip_address *local, uint32_t *ifindex)
{
    *local = (struct ip_address){.family = IP_NONE};
    *ifindex = 0;
    if (datagram->message == NULL)
        return;
    /* The kernel's macros want a message that they could change. */
    struct msghdr message = *datagram->message;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            *local = ip_address_of(IP_V4, (const uint8_t *)&info.ipi_addr);
            *ifindex = (uint32_t)info.ipi_ifindex;
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            *local = ip_address_of(IP_V6, (const uint8_t *)&info.ipi6_addr);
            *ifindex = info.ipi6_ifindex;
        }
    }
}
