#include "path/outbound.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "path/tunnel.h"

enum {
    PACKET_MAX = ESP_INNER_MAX,
    /* All that may wait in a tunnel; or a batch of packets of common size and one of the largest. */
    PLAIN_SIZE = PATH_WAITING_OCTETS,
    SEALED_SIZE = PLAIN_SIZE + PATH_BATCH * ESP_OVERHEAD_MAX,
};

_Static_assert(PLAIN_SIZE % 64 == 0 && SEALED_SIZE % 64 == 0, "whole cache lines, as aligned_alloc wants");

bool outbound_allocate(struct outbound *outbound, bool touched)
{
    outbound->plain = aligned_alloc(64, PLAIN_SIZE);
    outbound->sealed = aligned_alloc(64, SEALED_SIZE);
    if (outbound->plain == NULL || outbound->sealed == NULL)
        return false;
    if (touched) {
        memset(outbound->plain, 0, PLAIN_SIZE);
        memset(outbound->sealed, 0, SEALED_SIZE);
    }
    return true;
}

void outbound_free(struct outbound *outbound)
{
    free(outbound->plain);
    free(outbound->sealed);
    outbound->plain = outbound->sealed = NULL;
}

/* Adds a packet, which stays where it is, to the batch of the SA. */
static void outbound_add(struct outbound *outbound, struct outbound_sa *sa, struct octets packet)
{
    size_t size = esp_sa_sealed_size(sa->sa, packet.length);
    outbound->sas[outbound->packet_count] = sa;
    outbound->packets[outbound->packet_count] = (struct esp_outbound){
        .sa = sa->sa,
        .body = packet,
        .to = outbound->sealed + outbound->sealed_used,
        .capacity = size,
    };
    outbound->sealed_used += size;
    outbound->packet_count++;
}

/* Makes a message of a packet that was sealed. */
static void outbound_put_message(struct outbound *outbound, const struct esp_outbound *packet,
                                 struct outbound_sa *sa)
{
    unsigned i = outbound->message_count++;
    outbound->vectors[i] = (struct iovec){packet->to, packet->length};
    outbound->inner_lengths[i] = packet->head.length + packet->body.length;
    outbound->senders[i] = sa;
    outbound->kinds[i] = sa->destination.kind;
    /* The outer DSCP and ECN field will be put here, behind the destination's control messages (S29). */
    wire_address_message(&outbound->messages[i].msg_hdr, &sa->destination);
    outbound->messages[i].msg_hdr.msg_iov = &outbound->vectors[i];
    outbound->messages[i].msg_hdr.msg_iovlen = 1;
}

/* Seals the batch and makes messages of it. */
static void outbound_seal(struct worker *worker)
{
    struct outbound *outbound = &worker->outbound;
    (void)esp_seal(worker->esp, outbound->packets, outbound->packet_count);

    for (size_t i = 0; i < outbound->packet_count; i++) {
        const struct esp_outbound *packet = &outbound->packets[i];
        struct outbound_sa *sa = outbound->sas[i];
        tunnel_count(worker, sa->tunnel, esp_seal_counter(packet->result), 1);
        if (packet->result == ESP_SEALED) {
            tunnel_count(worker, sa->tunnel, ESP_OUT_OCTETS, packet->head.length + packet->body.length);
            outbound_put_message(outbound, packet, sa);
        }
        outbound_sa_watch_sequence(worker, sa);
    }
    outbound->packet_count = 0;
    outbound->sealed_used = 0;
    outbound->plain_used = 0;
}

/* A message was refused, for a reason other than the socket being full. It was counted when it was sealed,
 * but has not left. */
static void outbound_count_refusal(struct worker *worker, int error)
{
    const struct outbound *outbound = &worker->outbound;
    struct outbound_sa *sender = outbound->senders[outbound->next];
    if (sender == NULL)
        return;
    outbound_sa_count(worker, sender, ESP_OUT_PACKETS, -UINT64_C(1));
    outbound_sa_count(worker, sender, ESP_OUT_OCTETS, -(uint64_t)outbound->inner_lengths[outbound->next]);
    outbound_sa_count(worker, sender,
                      error == ENOBUFS || error == ENOMEM ? ESP_OUT_NO_MEMORY : ESP_OUT_MISC_ERROR, 1);
}

/* The next `count` messages have left. */
static void outbound_note_sent(struct worker *worker, unsigned count)
{
    struct outbound *outbound = &worker->outbound;
    for (unsigned end = outbound->next + count; outbound->next < end; outbound->next++) {
        struct outbound_sa *sender = outbound->senders[outbound->next];
        if (sender == NULL)
            continue;
        sender->sent = worker->now;
        outbound_sa_watch_answers(worker, sender);
    }
}

/* Sends what is left of the batch, or all but what a full socket does not take. */
static void outbound_flush(struct worker *worker)
{
    struct outbound *outbound = &worker->outbound;
    while (outbound_is_stuck(outbound)) {
        enum wire_kind kind = outbound->kinds[outbound->next];
        unsigned end = outbound->next + 1;
        while (end < outbound->message_count && outbound->kinds[end] == kind)
            end++;
        int sent = worker->io->send(worker->wires[kind].source.fd, &outbound->messages[outbound->next],
                                    end - outbound->next);
        if (sent < 0 && errno == EAGAIN) {
            worker_await_room(worker, kind);
            return;
        }
        if (sent < 0) {
            outbound_count_refusal(worker, errno);
            outbound->next++;
        } else {
            outbound_note_sent(worker, (unsigned)sent);
        }
    }
    outbound->next = outbound->message_count = 0;
}

void outbound_resume(struct worker *worker)
{
    outbound_flush(worker);
}

void outbound_detach(struct outbound *outbound, const struct outbound_sa *sa)
{
    for (unsigned i = outbound->next; i < outbound->message_count; i++) {
        if (outbound->senders[i] != sa)
            continue;
        struct msghdr *message = &outbound->messages[i].msg_hdr;
        outbound->senders[i] = NULL;
        outbound->detached[i] = sa->destination;
        message->msg_name = &outbound->detached[i].name;
        message->msg_control = outbound->detached[i].control;
    }
}

/*
 * Reads one batch from the TUN device, also of packets that wait or are dropped: whoever floods a tunnel that
 * has no SA must leave the worker to its other tunnels. False if it has no more for now. A reader of
 * super-packets (IFF_VNET_HDR) takes the place of this function: it fills the batch with segments, their
 * headers apart.
 */
static bool outbound_read(struct worker *worker, struct tunnel *tunnel)
{
    struct outbound *outbound = &worker->outbound;
    for (unsigned count = 0; count < PATH_BATCH && PLAIN_SIZE - outbound->plain_used >= PACKET_MAX; count++) {
        uint8_t *at = outbound->plain + outbound->plain_used;
        ssize_t length = read(tunnel->source.fd, at, PACKET_MAX);
        if (length < 0 && errno == EINTR)
            continue;
        if (length <= 0) {
            if (length < 0 && errno != EAGAIN)
                worker_count(worker, PATH_READ_ERRORS, 1);
            return false;
        }
        struct octets packet = {at, (size_t)length};
        struct packet_flow flow;
        struct outbound_sa *sa = tunnel_choose(tunnel, packet, &flow);
        if (sa == NULL) {
            tunnel_hold(worker, tunnel, packet, &flow);
            continue;
        }
        outbound_add(outbound, sa, packet);
        outbound->plain_used += packet.length;
    }
    return true;
}

/* Sends the packets that waited, in their order. Those that still have no SA are treated like new ones. */
static void outbound_send_waiting(struct worker *worker, struct tunnel *tunnel)
{
    struct waiting_packet *packets[PATH_WAITING_PACKETS];
    size_t count = 0;
    while ((packets[count] = waiting_take(&tunnel->waiting, &worker->waiting_octets)) != NULL) {
        if (++count == PATH_WAITING_PACKETS)
            break;
    }
    for (size_t i = 0; i < count; i++) {
        struct octets packet = {packets[i]->octets, packets[i]->length};
        struct packet_flow flow;
        struct outbound_sa *sa = tunnel_choose(tunnel, packet, &flow);
        if (sa != NULL)
            outbound_add(&worker->outbound, sa, packet);
        else
            tunnel_hold(worker, tunnel, packet, &flow);
    }
    outbound_seal(worker);
    for (size_t i = 0; i < count; i++)
        free(packets[i]);
    outbound_flush(worker);
}

bool outbound_run(struct worker *worker, struct source *source)
{
    struct tunnel *tunnel = (struct tunnel *)source;
    if (tunnel->flush) {
        tunnel->flush = false;
        outbound_send_waiting(worker, tunnel);
        return true;
    }
    bool more = outbound_read(worker, tunnel);
    outbound_seal(worker);
    outbound_flush(worker);
    return more;
}
