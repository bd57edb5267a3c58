#include "ike/exchanges/invalid_spi.h"

#include "ike/exchanges/additional_child.h"
#include "ike/exchanges/connect.h"
#include "ike/exchanges/invalid_spi_in_clear.h"
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

/*
 * True if ESP that comes from `remote` may be that of the SA's peer. Of several peers behind one NAT, those
 * that send ESP in UDP can be told apart by their ports.
 */
static bool is_with(const struct ike_sa *sa, const struct ip_endpoint *remote)
{
    return ip_address_equal(&sa->remote.address, &remote->address) &&
           (remote->port == 0 || !sa->encapsulate || sa->remote.port == remote->port);
}

/* The newest IKE SA of a tunnel that is in use with the sender; NULL if there is none. */
static struct ike_sa *newest_with(const struct ike_tunnel *tunnel, const struct ip_endpoint *remote)
{
    struct ike_sa *newest = NULL;
    struct ike_sa *sa;
    LIST_FOREACH(sa, &tunnel->sas, tunnel_link)
    {
        if (sa->state == IKE_SA_ESTABLISHED && !sa->replaced && is_with(sa, remote) &&
            (newest == NULL || sa->serial > newest->serial))
            newest = sa;
    }
    return newest;
}

static bool is_configured_peer(const struct ike_tunnel *tunnel, const struct ip_endpoint *remote)
{
    return tunnel->policy.peer_kind != PEER_ANY && tunnel->route.usable &&
           ip_address_equal(&tunnel->route.remote, &remote->address);
}

/* Does what a tunnel can do about it. False if nothing. */
static bool tunnel_takes_up(struct ike_tunnel *tunnel, struct ike_engine *engine, uint32_t spi,
                            const struct ip_endpoint *remote)
{
    struct ike_sa *sa = newest_with(tunnel, remote);
    if (sa != NULL) {
        tunnel_log(engine, tunnel, LOG_LEVEL_INFO, LOG_IPSEC,
                   "the peer sends on SPI 0x%08x, which is unknown here, and is told so", spi);
        ike_sa_add_task(sa, TASK_INVALID_SPI, spi);
        return true;
    }
    if (!is_configured_peer(tunnel, remote) || connect_hindrance(engine, tunnel) != NULL)
        return false;
    if (LIST_EMPTY(&tunnel->sas)) {
        tunnel_log(engine, tunnel, LOG_LEVEL_INFO, LOG_IPSEC,
                   "the peer sends on SPI 0x%08x, but there is no SA with it: a new one is made", spi);
        connect_for_packet(engine, tunnel);
    }
    return true;
}

/* True if there is an IKE SA with the sender: one that is being made, or about to be deleted. */
static bool has_ike_sa_with(const struct ike_engine *engine, const struct ip_endpoint *remote)
{
    const struct ike_sa *sa;
    LIST_FOREACH(sa, &engine->objects->all_sas, all_link)
    {
        if (is_with(sa, remote))
            return true;
    }
    return false;
}

void invalid_spi_seen(struct ike_engine *engine, uint32_t spi, const struct arrival *esp)
{
    enum { LOOKS_IN_A_SECOND = 20 }; /* all tunnels are looked through, for a packet that anybody can send */
    if (engine->stopping || map_find(&engine->objects->child_spis, spi) != NULL ||
        !ike_budget_spend(&engine->objects->unknown_spis, LOOKS_IN_A_SECOND, engine->now) ||
        is_proposed(engine, spi))
        return;
    bool taken_up = false;
    struct ike_tunnel *tunnel;
    LIST_FOREACH(tunnel, &engine->objects->tunnel_list, link)
    {
        taken_up |= tunnel_takes_up(tunnel, engine, spi, esp->remote);
    }
    if (!taken_up && !has_ike_sa_with(engine, esp->remote))
        invalid_spi_answer_in_clear(engine, spi, esp);
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
