#include "ike/exchanges/invalid_spi.h"

#include "ike/exchanges/additional_child.h"
#include "ike/exchanges/connect.h"
#include "ike/sa/negotiation.h"

static void invalid_spi_write(struct ike_sa *sa, struct ike_task *task, struct message_writer *m)
{
    (void)sa;
    uint8_t spi[4];
    store_u32be(spi, task->spi);
    message_put_notify(m, PROTOCOL_NONE, (struct octets){NULL, 0}, NOTIFY_INVALID_SPI,
                       (struct octets){spi, sizeof spi});
}

static void invalid_spi_response(struct ike_sa *sa, struct ike_task *task, const struct ike_message *message)
{
    (void)sa;
    (void)task;
    (void)message;
}

const struct ike_task_kind task_invalid_spi = {
    .number = TASK_INVALID_SPI,
    .exchange = EXCHANGE_INFORMATIONAL,
    .name = "INVALID_SPI",
    .write = invalid_spi_write,
    .response = invalid_spi_response,
};

/* True if we have proposed the SPI to a peer, whose packets may come before its answer. */
static bool is_proposed(const struct ike_engine *engine, uint32_t spi)
{
    const struct ike_sa *sa;
    LIST_FOREACH(sa, &engine->objects->all_sas, all_link)
    {
        if ((sa->own != NULL && sa->own->request.inbound_spi == spi) ||
            (sa->handshake != NULL && sa->handshake->child_spi == spi))
            return true;
    }
    return false;
}

/* The newest IKE SA of a tunnel that is in use with a peer at that address; NULL if there is none. */
static struct ike_sa *newest_with(const struct ike_tunnel *tunnel, const struct ip_address *remote)
{
    struct ike_sa *newest = NULL;
    struct ike_sa *sa;
    LIST_FOREACH(sa, &tunnel->sas, tunnel_link)
    {
        if (sa->state == IKE_SA_ESTABLISHED && !sa->replaced &&
            ip_address_equal(&sa->remote.address, remote) && (newest == NULL || sa->serial > newest->serial))
            newest = sa;
    }
    return newest;
}

static bool is_configured_peer(const struct ike_tunnel *tunnel, const struct ip_address *remote)
{
    return tunnel->policy.peer_kind != PEER_ANY && tunnel->route.usable &&
           ip_address_equal(&tunnel->route.remote, remote);
}

void invalid_spi_seen(struct ike_engine *engine, uint32_t spi, const struct ip_address *remote)
{
    enum {
        PAUSE = 100
    }; /* milliseconds: all tunnels are looked through, for a packet that anybody can send */
    if (engine->now - engine->objects->unknown_spi_told < PAUSE ||
        map_find(&engine->objects->child_spis, spi) != NULL || is_proposed(engine, spi))
        return;
    engine->objects->unknown_spi_told = engine->now;
    struct ike_tunnel *tunnel;
    LIST_FOREACH(tunnel, &engine->objects->tunnel_list, link)
    {
        struct ike_sa *sa = newest_with(tunnel, remote);
        if (sa != NULL) {
            tunnel_log(engine, tunnel, LOG_LEVEL_INFO, LOG_IPSEC,
                       "the peer sends on SPI 0x%08x, which is unknown here, and is told so", spi);
            ike_sa_add_task(sa, TASK_INVALID_SPI, spi);
        } else if (LIST_EMPTY(&tunnel->sas) && is_configured_peer(tunnel, remote)) {
            tunnel_log(engine, tunnel, LOG_LEVEL_INFO, LOG_IPSEC,
                       "the peer sends on SPI 0x%08x, but there is no SA with it: a new one is made", spi);
            connect_for_packet(engine, tunnel);
        }
    }
}

void invalid_spi_told(struct ike_sa *sa, uint32_t outbound_spi)
{
    struct ike_sa *other;
    LIST_FOREACH(other, &sa->tunnel->sas, tunnel_link)
    {
        struct child_sa *child =
            ike_sa_is_with_same_peer(sa, other) ? child_sa_by_outbound(other, outbound_spi) : NULL;
        if (child == NULL || !child_sa_is_current(child) || other->state != IKE_SA_ESTABLISHED)
            continue;
        ike_sa_log(sa, LOG_LEVEL_WARN, LOG_IPSEC,
                   "Child SA deleted, SPI 0x%08x: the peer does not know it (INVALID_SPI)",
                   child->inbound.spi);
        child_sa_stop(child); /* from now on packets are sent by another one, or wait */
        child_sa_delete(child);
        additional_children_lost(other, "the peer has lost the Child SA");
        return;
    }
}
