#include "path/keepalive.h"

#include "path/tunnel.h"

/* When the last packet left for the endpoint of `child`. */
static msec_t keepalive_last_sent(const struct child *child)
{
    msec_t last = child->sent;
    const struct child *other;
    TAILQ_FOREACH(other, &child->tunnel->children, link)
    {
        if (other->sent > last && other->way.kind == child->way.kind &&
            ip_endpoint_equal(&other->remote, &child->remote))
            last = other->sent;
    }
    return last;
}

static void keepalive_send(struct worker *worker, struct child *child)
{
    uint8_t keepalive = 0xff;
    struct iovec vector = {&keepalive, sizeof keepalive};
    struct mmsghdr message;
    wire_address_message(&message.msg_hdr, &child->way);
    message.msg_hdr.msg_iov = &vector;
    message.msg_hdr.msg_iovlen = 1;
    /* One that does not go is not missed: the next is due soon. */
    (void)wire_send(worker->wires[child->way.kind].source.fd, &message, 1);
    child->sent = worker->now;
}

/* The timer is not moved with every packet; it looks back when it is due. */
static void keepalive_due(struct worker *worker, struct timer *timer)
{
    struct child *child = (struct child *)((char *)timer - __builtin_offsetof(struct child, keepalive_timer));
    msec_t due = keepalive_last_sent(child) + child->keepalive;
    if (due <= worker->now) {
        keepalive_send(worker, child);
        due = worker->now + child->keepalive;
    }
    worker_timer_set(worker, timer, due);
}

void keepalive_start(struct worker *worker, struct child *child)
{
    if (child->keepalive == 0 || !wire_is_udp(child->way.kind)) {
        keepalive_stop(worker, child);
        return;
    }
    child->keepalive_timer.due = keepalive_due;
    child->sent = worker->now;
    worker_timer_set(worker, &child->keepalive_timer, worker->now + child->keepalive);
}

void keepalive_stop(struct worker *worker, struct child *child)
{
    worker_timer_set(worker, &child->keepalive_timer, MSEC_NEVER);
}
