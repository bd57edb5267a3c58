#include "path/keepalive.h"

#include "path/tunnel.h"

/* When the last packet left for the endpoint of `sa`. */
static msec_t keepalive_last_sent(const struct outbound_sa *sa)
{
    msec_t last = sa->sent;
    const struct outbound_sa *other;
    TAILQ_FOREACH(other, &sa->tunnel->sas, link)
    {
        if (other->sent > last && other->destination.kind == sa->destination.kind &&
            ip_endpoint_equal(&other->destination.remote, &sa->destination.remote))
            last = other->sent;
    }
    return last;
}

static void keepalive_send(struct worker *worker, struct outbound_sa *sa)
{
    uint8_t keepalive = 0xff;
    struct iovec vector = {&keepalive, sizeof keepalive};
    struct mmsghdr message;
    wire_address_message(&message.msg_hdr, &sa->destination);
    message.msg_hdr.msg_iov = &vector;
    message.msg_hdr.msg_iovlen = 1;
    /* One that does not go is not missed: the next is due soon. */
    if (worker->io->send(worker->wires[sa->destination.kind].source.fd, &message, 1) == 1)
        sa->sent = worker->now;
}

/* The timer is not moved with every packet; it looks back when it is due. */
static void keepalive_due(struct worker *worker, struct timer *timer)
{
    struct outbound_sa *sa =
        (struct outbound_sa *)((char *)timer - __builtin_offsetof(struct outbound_sa, keepalive_timer));
    msec_t due = keepalive_last_sent(sa) + sa->keepalive;
    if (due <= worker->now) {
        keepalive_send(worker, sa);
        due = worker->now + sa->keepalive;
    }
    worker_timer_set(worker, timer, due);
}

void keepalive_start(struct worker *worker, struct outbound_sa *sa)
{
    if (sa->keepalive == 0 || !wire_is_udp(sa->destination.kind)) {
        keepalive_stop(worker, sa);
        return;
    }
    sa->keepalive_timer.due = keepalive_due;
    sa->sent = worker->now;
    worker_timer_set(worker, &sa->keepalive_timer, worker->now + sa->keepalive);
}

void keepalive_stop(struct worker *worker, struct outbound_sa *sa)
{
    worker_timer_set(worker, &sa->keepalive_timer, MSEC_NEVER);
}
