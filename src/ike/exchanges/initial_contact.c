#include "ike/exchanges/initial_contact.h"

#include "ike/exchanges/liveness.h"
#include "ike/sa/nonce.h"

void initial_contact_received(struct ike_sa *sa)
{
    struct ike_sa *next;
    sa->initial_contact = !sa->initiator;
    for (struct ike_sa *old = LIST_FIRST(&sa->tunnel->sas); old != NULL; old = next) {
        next = LIST_NEXT(old, tunnel_link);
        if (ike_sa_supersedes(sa, old))
            ike_sa_destroy(old, "the peer begins anew (INITIAL_CONTACT)");
    }
}

bool initial_contact_is_stale(const struct ike_sa *sa)
{
    const struct ike_sa *other;
    LIST_FOREACH(other, &sa->tunnel->sas, tunnel_link)
    {
        if (other != sa && other->initial_contact && other->state == IKE_SA_ESTABLISHED &&
            other->started_event > sa->started_event && ike_sa_is_with_same_peer(other, sa))
            return true;
    }
    return false;
}

bool initial_contact_peer_was_first(const struct ike_sa *sa)
{
    const struct ike_sa *other;
    LIST_FOREACH(other, &sa->tunnel->sas, tunnel_link)
    {
        if (other != sa && other->state == IKE_SA_ESTABLISHED && !other->begun_here &&
            other->established_event > sa->started_event && ike_sa_is_with_same_peer(other, sa))
            return true;
    }
    return false;
}

/* True if both ends started at the same time: neither SA was established when the other one was begun. */
static bool were_started_at_once(const struct ike_sa *a, const struct ike_sa *b)
{
    return a->begun_here != b->begun_here && a->state == IKE_SA_ESTABLISHED &&
           b->state == IKE_SA_ESTABLISHED && !a->replaced && !b->replaced &&
           a->established_event > b->started_event && b->established_event > a->started_event;
}

/* The IKE SA that makes `sa` superfluous; NULL if there is none. */
static struct ike_sa *better_than(const struct ike_sa *sa)
{
    struct ike_sa *other;
    LIST_FOREACH(other, &sa->tunnel->sas, tunnel_link)
    {
        if (other->superfluous == ike_sa_own_spi(sa))
            return other;
    }
    return NULL;
}

bool initial_contact_is_superfluous(const struct ike_sa *sa)
{
    return better_than(sa) != NULL;
}

/* The peer knows the SA that is to stay: now the initiator of the other one deletes that. */
static void confirm_response(struct ike_sa *sa, struct ike_task *task, const struct ike_message *message)
{
    (void)task;
    (void)message;
    struct ike_sa *other = map_find(&sa->engine->objects->sas, sa->superfluous);
    if (other == NULL || !other->initiator || other->state != IKE_SA_ESTABLISHED)
        return; /* the peer closes it, or has done so */
    struct child_sa *child;
    LIST_FOREACH(child, &other->children, link)
    {
        child_sa_stop(child);
    }
    ike_sa_delete(other, "both ends made an IKE SA at the same time");
}

/*
 * The peer may have restarted and forgotten one of the two, whose messages were delayed. So the peer is asked
 * first, in the SA that is to stay; if it does not answer, that SA ends and the other one stays.
 */
const struct ike_task_kind task_confirm = {
    .number = TASK_CONFIRM,
    .exchange = EXCHANGE_INFORMATIONAL,
    .name = "liveness check",
    .response = confirm_response,
};

/* Asks whether the peer still knows an older SA. If not, it ends now and not after its lifetime. */
static void ask_for_life(struct ike_sa *older)
{
    if (older->state == IKE_SA_ESTABLISHED && !older->replaced && STAILQ_EMPTY(&older->tasks))
        ike_sa_add_task(older, TASK_LIVENESS, 0);
}

bool initial_contact_is_true(const struct ike_sa *sa)
{
    const struct ike_sa *other;
    LIST_FOREACH(other, &sa->tunnel->sas, tunnel_link)
    {
        if (other != sa && other->established_event != 0 && ike_sa_is_with_same_peer(other, sa))
            return false;
    }
    return true;
}

void initial_contact_rekeyed(struct ike_sa *old, struct ike_sa *successor)
{
    struct ike_sa *better = better_than(old);
    if (better != NULL) {
        better->superfluous = ike_sa_own_spi(successor);
        ike_sa_changed(better);
    }
    if (old->superfluous == 0)
        return;
    successor->superfluous = old->superfluous;
    old->superfluous = 0;
    ike_sa_add_task(successor, TASK_CONFIRM, 0);
}

void initial_contact_settle(struct ike_sa *sa)
{
    struct ike_sa *other;
    LIST_FOREACH(other, &sa->tunnel->sas, tunnel_link)
    {
        if (other == sa || !ike_sa_is_with_same_peer(other, sa))
            continue;
        liveness_start(other);
        if (!were_started_at_once(other, sa)) {
            ask_for_life(other);
            continue;
        }
        const struct lowest_nonce mine = lowest_nonce_of(&sa->nonce_i, &sa->nonce_r);
        const struct lowest_nonce its = lowest_nonce_of(&other->nonce_i, &other->nonce_r);
        bool mine_goes = lowest_nonce_compare(&mine, &its) < 0;
        struct ike_sa *stays = mine_goes ? other : sa;
        stays->superfluous = ike_sa_own_spi(mine_goes ? sa : other);
        ike_sa_add_task(stays, TASK_CONFIRM, 0);
        return;
    }
}
