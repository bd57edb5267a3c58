#include "ike/exchanges/path_reports.h"

#include "ike/exchanges/additional_child.h"
#include "ike/exchanges/rekey_child.h"
#include "ike/sa/rekey_schedule.h"

void engine_child_used(struct ike_engine *engine, uint32_t inbound_spi)
{
    struct child_sa *child = map_find(&engine->objects->child_spis, inbound_spi);
    if (child == NULL || !child->waits_for_use)
        return;
    child->waits_for_use = false; /* the packet path has made it active by itself */
    ike_sa_changed(child->ike_sa);
}

void engine_sequence_low(struct ike_engine *engine, uint32_t inbound_spi)
{
    struct child_sa *child = map_find(&engine->objects->child_spis, inbound_spi);
    if (child == NULL || !child_sa_is_current(child))
        return;
    struct ike_sa *sa = child->ike_sa;
    if (rekey_is_allowed(sa->tunnel)) {
        ike_sa_log(sa, LOG_LEVEL_NOTICE, LOG_IPSEC,
                   "Child SA, SPI 0x%08x, has few sequence numbers left and is rekeyed", inbound_spi);
        rekey_child_fire(engine, child);
        return;
    }
    ike_sa_log(sa, LOG_LEVEL_WARN, LOG_IPSEC,
               "Child SA deleted, SPI 0x%08x: its sequence numbers run out, and no rekey is started towards "
               "this peer (peer any, suppress send-rekey or shutdown)",
               inbound_spi);
    child_sa_delete(child);
    additional_children_lost(sa, "sequence numbers of the Child SA run out");
}

void engine_peer_moved(struct ike_engine *engine, uint32_t inbound_spi, const struct ip_endpoint *remote)
{
    struct child_sa *child = map_find(&engine->objects->child_spis, inbound_spi);
    if (child != NULL)
        ike_sa_follow_peer(child->ike_sa, &child->ike_sa->local, remote);
}
