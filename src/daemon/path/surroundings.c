#include "daemon/path/surroundings.h"

#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <time.h>

#include "base/deadline.h"
#include "daemon/path/next_hop.h"
#include "host/inventory.h"
#include "host/route.h"
#include "host/watch.h"

struct surroundings {
    struct netlink *netlink;
    struct watch *watch;
    struct inventory inventory;
    struct next_hops next_hops;
    msec_t looked; /* when the next hops did last */
    bool changed;
    bool tables_changed;
};

void surroundings_close(struct surroundings *s)
{
    if (s == NULL)
        return;
    next_hops_close(&s->next_hops);
    watch_close(s->watch);
    netlink_close(s->netlink);
    inventory_free(&s->inventory);
    free(s);
}

struct surroundings *surroundings_open(struct host_error *err)
{
    struct surroundings *s = calloc(1, sizeof *s);
    if (s == NULL) {
        (void)host_fail(err, 0, "out of memory");
        return NULL;
    }
    s->netlink = netlink_open(err);
    /* Watched first, so that no change is missed. */
    s->watch = s->netlink != NULL ? watch_open(err) : NULL;
    if (s->watch != NULL && watch_neighbours(s->watch, err) &&
        inventory_fill(&s->inventory, s->netlink, NULL, NULL, err)) {
        struct host_error no_tables;
        (void)watch_tables(s->watch, &no_tables);
        next_hops_open(&s->next_hops, s->netlink, &s->inventory);
        return s;
    }
    surroundings_close(s);
    return NULL;
}

int surroundings_fd(const struct surroundings *s)
{
    return s != NULL ? watch_fd(s->watch) : -1;
}

int surroundings_patience(const struct surroundings *s)
{
    return s != NULL && s->next_hops.count > 0 ? NEXT_HOP_LOOK : -1;
}

static bool learn(void *context, const struct nlmsghdr *message)
{
    struct surroundings *s = context;
    struct inventory_news news;
    if (message->nlmsg_type >> 8 == NFNL_SUBSYS_NFTABLES) {
        s->tables_changed = true;
        return true;
    }
    if (message->nlmsg_type == RTM_NEWNEIGH || message->nlmsg_type == RTM_DELNEIGH) {
        s->changed = next_hops_learn(&s->next_hops, message) || s->changed;
        return true;
    }
    inventory_learn(&s->inventory, message, &news);
    /* Routes and rules decide by which link packets go. */
    s->changed = s->changed || news.change != INVENTORY_SAME || message->nlmsg_type == RTM_NEWROUTE ||
                 message->nlmsg_type == RTM_DELROUTE || message->nlmsg_type == RTM_NEWRULE ||
                 message->nlmsg_type == RTM_DELRULE;
    return news.change != INVENTORY_FAILED;
}

/* Not all that the next hops depend on is reported. */
static void look(struct surroundings *s, bool at_once)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    msec_t now = (msec_t)t.tv_sec * 1000 + (msec_t)t.tv_nsec / 1000000;
    if (!at_once && (s->next_hops.count == 0 || now - s->looked < NEXT_HOP_LOOK))
        return;
    s->looked = now;
    s->changed = next_hops_look(&s->next_hops) || s->changed;
}

bool surroundings_have_changed(struct surroundings *s)
{
    bool lost = false;
    if (s == NULL)
        return false;
    s->changed = s->tables_changed = false;
    struct host_error reason;
    if (!watch_read(s->watch, learn, s, &lost, &reason) || lost)
        s->changed = inventory_fill(&s->inventory, s->netlink, NULL, NULL, &reason) || s->changed;
    look(s, s->tables_changed || s->changed);
    return s->changed;
}

/* All addresses, usable or not. */
static size_t list_addresses(const struct inventory *inventory, struct ip_address *out)
{
    size_t count = 0;
    for (size_t i = 0; i < inventory->links.capacity; i++) {
        const struct inventory_link *link = inventory->links.slots[i].value;
        const struct inventory_address *a = link != NULL ? link->addresses : NULL;
        for (; a != NULL; a = a->next_on_link) {
            if (out != NULL)
                out[count] = a->is.prefix.address;
            count++;
        }
    }
    return count;
}

void surroundings_tell(struct surroundings *s, struct path *path)
{
    if (s == NULL)
        return;
    size_t count = list_addresses(&s->inventory, NULL);
    struct ip_address *addresses = calloc(count + 1, sizeof *addresses);
    if (addresses != NULL)
        (void)path_set_own_addresses(path, addresses, list_addresses(&s->inventory, addresses));
    free(addresses);
    next_hops_begin(&s->next_hops);
    path_review_routes(path);
}

void surroundings_find_route(void *context, const struct child_destination *destination,
                             struct path_route *route)
{
    struct surroundings *s = context;
    struct host_route_answer answer;
    struct host_error reason;
    struct host_route_question question = {
        .destination = destination->remote.address,
        .source = destination->local.address,
        .mark = destination->mark,
        .link = (int)destination->ifindex,
        .configured = true,
    };
    if (s == NULL || !host_route_lookup(s->netlink, &question, &answer, &reason))
        return;
    next_hops_find(&s->next_hops, destination, &answer, &route->next_hop);
    int index = answer.link;
    question.configured = false; /* of a route with several next hops, only a packet's route tells the link */
    if (index == 0 && host_route_lookup(s->netlink, &question, &answer, &reason))
        index = answer.link;
    const struct inventory_link *link = inventory_find(&s->inventory, index);
    uint32_t mtu = link != NULL ? link->is.mtu : 0;
    route->mtu = answer.mtu != 0 && (mtu == 0 || answer.mtu < mtu) ? answer.mtu : mtu;
}
