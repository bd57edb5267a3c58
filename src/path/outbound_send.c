/* The end of the way out: sealing a batch, and sending it, at once or when the socket has room. */
#include <errno.h>

#include "path/outbound.h"
#include "path/tunnel.h"

/* ---- Sealing ---------------------------------------------------------------------------------------- */

/* The socket that sets DF, or the one that does not; there may be only the latter. */
static enum wire_kind outbound_kind(const struct worker *worker, const struct outbound_sa *sa,
                                    const struct outer_form *outer)
{
    enum wire_kind whole = wire_kind_whole(sa->destination.kind);
    bool must_be_whole = outer->dont_fragment && sa->mtu.link >= SIZE_LINK_LEAST_V4; /* else nothing fits */
    return must_be_whole && worker->wires[whole].source.fd >= 0 ? whole : sa->destination.kind;
}

/*
 * True if the message may leave by the link's ring. Linux treats packets with a DSCP specially: it chooses
 * routes by it, and a place in the queue. One packet in a second goes by the raw socket all the same, by
 * which Linux sees that the neighbour is in use, and looks whether it is still there.
 */
static bool outbound_goes_by_link(struct worker *worker, struct outbound_sa *sa,
                                  const struct outbound_message *message)
{
    enum { ROUTED_INTERVAL = 1000 /* milliseconds */, DSCP_MASK = 0xfc };
    size_t length = LINK_RING_IP_HEADER + message->length;
    if (!link_ring_is_open(&worker->link_ring) || sa->next_hop.link == 0 ||
        sa->destination.kind != WIRE_ESP_V4 || (message->form.traffic_class & DSCP_MASK) != 0 ||
        length > sa->mtu.outer || length > LINK_RING_IP_MAX)
        return false;
    if (worker->now - sa->routed < ROUTED_INTERVAL)
        return true;
    sa->routed = worker->now;
    return false;
}

/* The SA of a message's first datagram; NULL: it has gone, or its datagrams go elsewhere now. */
static struct outbound_sa *outbound_first_sender(const struct outbound *outbound,
                                                 const struct outbound_message *message)
{
    return outbound->datagrams[message->first].sender;
}

/* True if the kernel can take the message and others of its form together. */
static bool outbound_may_join(const struct outbound *outbound, const struct outbound_message *message)
{
    const struct outbound_datagram *datagram = &outbound->datagrams[message->first];
    /* None may be larger than the path takes in one piece. */
    return wire_is_udp(message->form.kind) && !datagram->sender->singly &&
           datagram->inner_length <= datagram->sender->mtu.fits;
}

/* True if datagrams of both SAs can leave by one message. Those of a tunnel with many of them in the batch
 * stay by themselves, since they fill messages, and the peer can put them together again. */
static bool outbound_share(const struct outbound_sa *a, const struct outbound_sa *b)
{
    return a == b || (a->group == b->group && a->tunnel->is_sparse && b->tunnel->is_sparse &&
                      wire_destination_equal(&a->destination, &b->destination));
}

/* True if the datagram can leave with the last message, as its next one. */
static bool outbound_follows(const struct outbound *outbound, const struct outbound_message *last,
                             const struct outbound_message *next)
{
    return last->mtu == next->mtu && last->form.kind == next->form.kind &&
           last->form.traffic_class == next->form.traffic_class && last->at + last->length == next->at &&
           last->length == (size_t)last->count * last->form.segment && next->length <= last->form.segment &&
           last->count < WIRE_SEGMENTS_MAX && last->length + next->length <= WIRE_SEGMENTED_MAX &&
           outbound_may_join(outbound, last) && outbound_may_join(outbound, next) &&
           outbound_share(outbound_first_sender(outbound, last), outbound_first_sender(outbound, next));
}

/* Makes a message of piece `n`, which was sealed, or adds it to the last one. */
static void outbound_put_message(struct worker *worker, size_t n)
{
    struct outbound *outbound = &worker->outbound;
    const struct esp_outbound *packet = &outbound->pieces.packets[n];
    struct outbound_sa *sa = outbound->pieces.sas[n];
    const struct outer_form *outer = &outbound->pieces.outer[n];
    struct outbound_message message = {
        .destination = &sa->destination,
        .form = {outbound_kind(worker, sa, outer), outer->traffic_class, (uint16_t)packet->length},
        .mtu = sa->mtu.outer,
        .at = packet->to,
        .length = packet->length,
        .first = outbound->datagram_count++,
        .count = 1,
    };
    message.by_link = outbound_goes_by_link(worker, sa, &message);
    outbound->datagrams[message.first] =
        (struct outbound_datagram){sa, packet->head.length + packet->body.length};
    if (worker->io->segments && outbound->message_count > 0) {
        struct outbound_message *last = &outbound->messages[outbound->message_count - 1];
        if (outbound_follows(outbound, last, &message)) {
            last->length += message.length;
            last->count++;
            return;
        }
    }
    outbound->messages[outbound->message_count++] = message;
}

/* Counts the pieces from `from` on that have the same tunnel and result, as one; returns where they end. */
static size_t outbound_count_run(struct worker *worker, size_t from)
{
    const struct pieces *pieces = &worker->outbound.pieces;
    const struct tunnel *tunnel = pieces->sas[from]->tunnel;
    enum esp_seal_result result = pieces->packets[from].result;
    size_t end = from, octets = 0;
    for (; end < pieces->count && pieces->sas[end]->tunnel == tunnel && pieces->packets[end].result == result;
         end++)
        octets += pieces->packets[end].head.length + pieces->packets[end].body.length;
    if (result != ESP_SEALED) {
        tunnel_count_drop(worker, tunnel, path_drop_of_seal(result), end - from);
        return end;
    }
    tunnel_count(worker, tunnel, ESP_OUT_PACKETS, end - from);
    tunnel_count(worker, tunnel, ESP_OUT_OCTETS, octets);
    return end;
}

/* Seals the pieces and makes messages of them. */
static void outbound_seal(struct worker *worker)
{
    struct outbound *outbound = &worker->outbound;
    struct pieces *pieces = &outbound->pieces;
    (void)esp_seal(worker->esp, pieces->packets, pieces->count);

    for (size_t i = 0; i < pieces->count;)
        i = outbound_count_run(worker, i);
    for (size_t i = 0; i < pieces->count; i++) {
        if (pieces->packets[i].result == ESP_SEALED)
            outbound_put_message(worker, i);
        if (i + 1 == pieces->count || pieces->sas[i + 1] != pieces->sas[i])
            outbound_sa_watch_sequence(worker, pieces->sas[i]);
    }
    pieces->count = 0;
    pieces->sealed_used = 0;
}

/* ---- Sending ---------------------------------------------------------------------------------------- */

/* Puts `length` octets of a message into the vector; with `segment` they are several datagrams. */
static void vector_put(struct outbound_vector *vector, const struct outbound_message *message, uint8_t *at,
                       size_t length, uint16_t segment)
{
    unsigned i = vector->count++;
    struct msghdr *header = &vector->messages[i].msg_hdr;
    const struct wire_form form = {message->form.kind, message->form.traffic_class, segment};
    vector->vectors[i] = (struct iovec){at, length};
    wire_address_message(header, message->destination);
    wire_set_form(header, &vector->controls[i], &form);
    header->msg_iov = &vector->vectors[i];
    header->msg_iovlen = 1;
}

/* Puts a message into the vector; one whose datagrams go singly as far as there is room. */
static void vector_put_message(struct outbound_vector *vector, const struct outbound_message *message)
{
    size_t segment = message->form.segment;
    if (message->count == 1 || !message->singly) {
        vector_put(vector, message, message->at, message->length,
                   message->count == 1 ? 0 : message->form.segment);
        return;
    }
    for (size_t done = 0; done < message->length && vector->count < PATH_BATCH; done += segment) {
        size_t left = message->length - done;
        vector_put(vector, message, message->at + done, left < segment ? left : segment, 0);
    }
}

/* True if `b` can go by one system call with `a`, which goes by a socket. */
static bool is_sent_alike(const struct outbound_message *a, const struct outbound_message *b)
{
    return !b->by_link && a->form.kind == b->form.kind && (!wire_is_v6(a->form.kind) || a->mtu == b->mtu);
}

/* Fills the vector with messages from the next one on that go by one system call. */
static void outbound_fill_vector(struct outbound *outbound)
{
    const struct outbound_message *next = &outbound->messages[outbound->next];
    outbound->vector.count = 0;
    for (unsigned i = outbound->next; i < outbound->message_count && outbound->vector.count < PATH_BATCH &&
                                      is_sent_alike(next, &outbound->messages[i]);
         i++)
        vector_put_message(&outbound->vector, &outbound->messages[i]);
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

/* The next message, or its next datagram if they go singly, is done with; returns how many datagrams. */
static unsigned outbound_pass(struct outbound *outbound)
{
    struct outbound_message *message = &outbound->messages[outbound->next];
    if (!message->singly || message->count == 1) {
        outbound->next++;
        return message->count;
    }
    message->at += message->form.segment;
    message->length -= message->form.segment;
    message->first++;
    message->count--;
    return 1;
}

/* What is next was refused, for a reason other than the socket being full. It was counted when it was sealed,
 * but has not left. */
static void outbound_count_refusal(struct worker *worker, int error)
{
    struct outbound *outbound = &worker->outbound;
    const struct outbound_datagram *datagram = outbound->datagrams + outbound->messages[outbound->next].first;
    const enum path_drop drop = error == ENOBUFS || error == ENOMEM ? DROP_OUT_NO_MEMORY : DROP_REFUSED;
    for (unsigned left = outbound_pass(outbound); left > 0; left--, datagram++) {
        if (datagram->sender == NULL)
            continue;
        outbound_sa_count(worker, datagram->sender, ESP_OUT_PACKETS, -UINT64_C(1));
        outbound_sa_count(worker, datagram->sender, ESP_OUT_OCTETS, -(uint64_t)datagram->inner_length);
        outbound_sa_count_drop(worker, datagram->sender, drop, 1);
    }
}

/* What is next was refused: datagrams that the kernel does not make of one message are tried singly. */
static void outbound_take_refusal(struct worker *worker, int error)
{
    struct outbound *outbound = &worker->outbound;
    struct outbound_message *message = &outbound->messages[outbound->next];
    if (message->count == 1 || message->singly || !wire_cannot_segment(error)) {
        outbound_count_refusal(worker, error);
        return;
    }
    message->singly = true;
    for (unsigned i = message->first; i < message->first + message->count; i++) {
        if (outbound->datagrams[i].sender != NULL)
            outbound->datagrams[i].sender->singly = true;
    }
}

/* The next `count` of the vector have left. */
static void outbound_note_sent(struct worker *worker, unsigned count)
{
    struct outbound *outbound = &worker->outbound;
    for (unsigned i = 0; i < count; i++) {
        const struct outbound_datagram *datagram =
            outbound->datagrams + outbound->messages[outbound->next].first;
        struct outbound_sa *noted = NULL;
        for (unsigned left = outbound_pass(outbound); left > 0; left--, datagram++) {
            if (datagram->sender == noted || datagram->sender == NULL)
                continue;
            noted = datagram->sender;
            noted->sent = worker->now;
            outbound_sa_watch_answers(worker, noted);
        }
    }
}

/* True if the message can go by the ring with the first one of a batch. */
static bool is_by_same_link(const struct outbound *outbound, const struct outbound_message *first,
                            const struct outbound_message *message)
{
    return message->by_link &&
           outbound_first_sender(outbound, message)->next_hop.link ==
               outbound_first_sender(outbound, first)->next_hop.link &&
           message->destination->mark == first->destination->mark;
}

/* Sends what may leave by the ring of the link, from the next message on. Where it takes one no more, that
 * one and what comes after it go by the sockets. */
static void outbound_send_by_link(struct worker *worker)
{
    struct outbound *outbound = &worker->outbound;
    const struct outbound_message *first = &outbound->messages[outbound->next];
    const uint32_t link = outbound_first_sender(outbound, first)->next_hop.link;
    unsigned count = 0, left = 0;
    for (;
         outbound->next + count < outbound->message_count && is_by_same_link(outbound, first, first + count);
         count++) {
        const struct outbound_message *message = first + count;
        const struct link_packet packet = {
            .source = message->destination->local,
            .destination = message->destination->remote.address,
            .traffic_class = message->form.traffic_class,
            .dont_fragment = message->form.kind == WIRE_ESP_V4_DF,
            .esp = {message->at, message->length},
        };
        if (!link_ring_put(&worker->link_ring, count, &outbound_first_sender(outbound, message)->next_hop,
                           &packet))
            break;
    }
    if (count > 0)
        left = link_ring_send(&worker->link_ring, count, link, first->destination->mark);
    outbound_note_sent(worker, left);
    for (unsigned i = outbound->next; (count == 0 || left < count) && i < outbound->message_count; i++)
        outbound->messages[i].by_link = false;
}

void outbound_flush(struct worker *worker)
{
    struct outbound *outbound = &worker->outbound;
    while (outbound_is_stuck(outbound)) {
        if (outbound->messages[outbound->next].by_link) {
            outbound_send_by_link(worker);
            continue;
        }
        enum wire_kind kind = outbound->messages[outbound->next].form.kind;
        outbound_fill_vector(outbound);
        outbound_set_mtu(worker, kind, outbound->messages[outbound->next].mtu);
        int sent = worker->io->send(worker->wires[kind].source.fd, outbound->vector.messages,
                                    outbound->vector.count);
        if (sent < 0 && errno == EAGAIN) {
            worker_await_room(worker, kind);
            return;
        }
        if (sent < 0)
            outbound_take_refusal(worker, errno);
        else
            outbound_note_sent(worker, (unsigned)sent);
    }
    outbound->next = outbound->message_count = outbound->datagram_count = 0;
}

void outbound_send(struct worker *worker)
{
    outbound_seal(worker);
    outbound_flush(worker);
}

/* Clears the SA as the sender of a message's datagrams; true if it was the sender of one. */
static bool outbound_forget_sender(struct outbound *outbound, const struct outbound_message *message,
                                   const struct outbound_sa *sa)
{
    bool found = false;
    for (unsigned i = message->first; i < message->first + message->count; i++) {
        if (outbound->datagrams[i].sender != sa)
            continue;
        outbound->datagrams[i].sender = NULL;
        found = true;
    }
    return found;
}

void outbound_detach(struct outbound *outbound, const struct outbound_sa *sa)
{
    for (unsigned i = outbound->next; i < outbound->message_count; i++) {
        struct outbound_message *message = &outbound->messages[i];
        if (outbound_forget_sender(outbound, message, sa))
            message->by_link = false;
        if (message->destination != &sa->destination)
            continue;
        outbound->detached[i] = sa->destination;
        message->destination = &outbound->detached[i];
    }
}
