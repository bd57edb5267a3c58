/*
 * Two IKE SAs of one tunnel: INITIAL_CONTACT takes away what a peer that restarted has forgotten, and of two
 * that both ends started at the same time one is closed (R14, S7, RFC 7296 2.4).
 */
#include "ike/identity.h"
#include "ike/ike_sa.h"
#include "ike/negotiation.h"

static bool between_the_same(const struct ike_sa *a, const struct ike_sa *b)
{
    return identity_equal(&a->remote_id, &b->remote_id) && identity_equal(&a->local_id, &b->local_id);
}

void initial_contact_received(struct ike_sa *sa)
{
    struct ike_sa *next;
    for (struct ike_sa *old = LIST_FIRST(&sa->tunnel->sas); old != NULL; old = next) {
        next = LIST_NEXT(old, tunnel_link);
        bool before = old->established_event != 0 && old->established_event < sa->started_event;
        if (old != sa && before && between_the_same(old, sa))
            ike_sa_destroy(old, "the peer has restarted (INITIAL_CONTACT)");
    }
}

bool initial_contact_peer_was_first(const struct ike_sa *sa)
{
    const struct ike_sa *other;
    LIST_FOREACH(other, &sa->tunnel->sas, tunnel_link)
    {
        if (other != sa && other->state == IKE_SA_ESTABLISHED && !other->initiator &&
            other->established_event > sa->started_event && between_the_same(other, sa))
            return true;
    }
    return false;
}

/* Both ends started: neither SA was established when the other one was begun. */
static bool were_started_at_once(const struct ike_sa *a, const struct ike_sa *b)
{
    return a->initiator != b->initiator && a->state == IKE_SA_ESTABLISHED && b->state == IKE_SA_ESTABLISHED &&
           !a->replaced && !b->replaced && a->established_event > b->started_event &&
           b->established_event > a->started_event;
}

/* Packets leave by the other one from now on; the SA's initiator tells the peer. */
static void close_superfluous(struct ike_sa *sa)
{
    struct child_sa *child;
    LIST_FOREACH(child, &sa->children, link)
    {
        child_sa_stop(child);
    }
    if (sa->initiator)
        ike_sa_delete(sa, "both ends made an IKE SA at the same time");
}

void initial_contact_settle(struct ike_sa *sa)
{
    struct ike_sa *other;
    LIST_FOREACH(other, &sa->tunnel->sas, tunnel_link)
    {
        if (other == sa || !between_the_same(other, sa) || !were_started_at_once(other, sa))
            continue;
        const struct lowest_nonce mine = lowest_nonce_of(&sa->nonce_i, &sa->nonce_r);
        const struct lowest_nonce its = lowest_nonce_of(&other->nonce_i, &other->nonce_r);
        close_superfluous(lowest_nonce_compare(&mine, &its) < 0 ? sa : other);
        return;
    }
}
