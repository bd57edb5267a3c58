/* The end of the way out: sealing a batch, and sending it, at once or when the socket has room. */
#include <errno.h>

#include "path/outbound.h"
#include "path/tunnel.h"

/* The socket that sets DF, or the one that does not; there may be only the latter. */
static enum wire_kind outbound_kind(const struct worker *worker, const struct outbound_sa *sa,
                                    const struct outer_form *outer)
{
    enum wire_kind whole = wire_kind_whole(sa->destination.kind);
    bool must_be_whole = outer->dont_fragment && sa->mtu.link >= SIZE_LINK_LEAST_V4; /* else nothing fits */
    return must_be_whole && worker->wires[whole].source.fd >= 0 ? whole : sa->destination.kind;
}

/* Makes a message of piece `n`, which was sealed. */
static void outbound_put_message(struct worker *worker, size_t n)
{
    struct outbound *outbound = &worker->outbound;
    struct outbound_sa *sa = outbound->pieces.sas[n];
    const struct outer_form *outer = &outbound->pieces.outer[n];
    unsigned i = outbound->message_count++;
    struct msghdr *message = &outbound->messages[i].msg_hdr;
    outbound->vectors[i] = (struct iovec){outbound->pieces.packets[n].to, outbound->pieces.packets[n].length};
    outbound->inner_lengths[i] =
        outbound->pieces.packets[n].head.length + outbound->pieces.packets[n].body.length;
    outbound->senders[i] = sa;
    outbound->kinds[i] = outbound_kind(worker, sa, outer);
    outbound->mtus[i] = sa->mtu.outer;
    wire_address_message(message, &sa->destination);
    message->msg_iov = &outbound->vectors[i];
    message->msg_iovlen = 1;
    if (outer->traffic_class != 0)
        wire_set_traffic_class(message, &outbound->controls[i], sa->destination.kind, outer->traffic_class);
}

/* Seals the pieces and makes messages of them. */
static void outbound_seal(struct worker *worker)
{
    struct outbound *outbound = &worker->outbound;
    struct pieces *pieces = &outbound->pieces;
    (void)esp_seal(worker->esp, pieces->packets, pieces->count);

    for (size_t i = 0; i < pieces->count; i++) {
        const struct esp_outbound *packet = &pieces->packets[i];
        struct outbound_sa *sa = pieces->sas[i];
        if (packet->result != ESP_SEALED) {
            tunnel_count_drop(worker, sa->tunnel, path_drop_of_seal(packet->result), 1);
        } else {
            tunnel_count(worker, sa->tunnel, ESP_OUT_PACKETS, 1);
            tunnel_count(worker, sa->tunnel, ESP_OUT_OCTETS, packet->head.length + packet->body.length);
            outbound_put_message(worker, i);
        }
        outbound_sa_watch_sequence(worker, sa);
    }
    pieces->count = 0;
    pieces->sealed_used = 0;
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
    outbound_sa_count_drop(worker, sender,
                           error == ENOBUFS || error == ENOMEM ? DROP_OUT_NO_MEMORY : DROP_REFUSED, 1);
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

/* How many messages from the next one on can go by one system call. */
static unsigned outbound_run_length(const struct outbound *outbound)
{
    enum wire_kind kind = outbound->kinds[outbound->next];
    uint32_t mtu = outbound->mtus[outbound->next];
    unsigned end = outbound->next + 1;
    while (end < outbound->message_count && outbound->kinds[end] == kind &&
           (!wire_is_v6(kind) || outbound->mtus[end] == mtu))
        end++;
    return end - outbound->next;
}

/* Linux, which fragments what is to be post-fragmented, has to know the MTU of the path where routers don't
 * fragment. */
static void outbound_set_mtu(struct worker *worker, enum wire_kind kind, uint32_t mtu)
{
    struct wire_source *wire = &worker->wires[kind];
    if (!wire_is_v6(kind) || wire->mtu == mtu)
        return;
    wire_set_mtu(wire->source.fd, mtu);
    wire->mtu = mtu;
}

/* Sends what is left of the batch, or all but what a full socket does not take. */
static void outbound_flush(struct worker *worker)
{
    struct outbound *outbound = &worker->outbound;
    while (outbound_is_stuck(outbound)) {
        enum wire_kind kind = outbound->kinds[outbound->next];
        outbound_set_mtu(worker, kind, outbound->mtus[outbound->next]);
        int sent = worker->io->send(worker->wires[kind].source.fd, &outbound->messages[outbound->next],
                                    outbound_run_length(outbound));
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

void outbound_send(struct worker *worker)
{
    outbound_seal(worker);
    outbound_flush(worker);
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
        if (message->msg_control == sa->destination.control)
            message->msg_control = outbound->detached[i].control;
    }
}
