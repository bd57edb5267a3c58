#include "daemon/path/surroundings.h"

#include <stdlib.h>

#include "host/inventory.h"
#include "host/route.h"
#include "host/watch.h"

struct surroundings {
    struct netlink *netlink;
    struct watch *watch;
    struct inventory inventory;
    bool changed;
};

void surroundings_close(struct surroundings *s)
{
    if (s == NULL)
        return;
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
    if (s->watch != NULL && inventory_fill(&s->inventory, s->netlink, NULL, NULL, err))
        return s;
    surroundings_close(s);
    return NULL;
}

int surroundings_fd(const struct surroundings *s)
{
    return s != NULL ? watch_fd(s->watch) : -1;
}

static bool learn(void *context, const struct nlmsghdr *message)
{
    struct surroundings *s = context;
    struct inventory_news news;
    inventory_learn(&s->inventory, message, &news);
    /* Routes and rules decide by which link packets go. */
    s->changed = s->changed || news.change != INVENTORY_SAME || message->nlmsg_type == RTM_NEWROUTE ||
                 message->nlmsg_type == RTM_DELROUTE || message->nlmsg_type == RTM_NEWRULE ||
                 message->nlmsg_type == RTM_DELRULE;
    return news.change != INVENTORY_FAILED;
}

bool surroundings_have_changed(struct surroundings *s)
{
    bool lost = false;
    if (s == NULL)
        return false;
    s->changed = false;
    struct host_error reason;
    if (!watch_read(s->watch, learn, s, &lost, &reason) || lost)
        s->changed = inventory_fill(&s->inventory, s->netlink, NULL, NULL, &reason) || s->changed;
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
    path_review_mtus(path);
}

uint32_t surroundings_find_mtu(void *context, const struct child_destination *destination)
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
        return 0;
    int index = answer.link;
    question.configured = false; /* of a route with several next hops, only a packet's route tells the link */
    if (index == 0 && host_route_lookup(s->netlink, &question, &answer, &reason))
        index = answer.link;
    const struct inventory_link *link = inventory_find(&s->inventory, index);
    uint32_t mtu = link != NULL ? link->is.mtu : 0;
    return answer.mtu != 0 && (mtu == 0 || answer.mtu < mtu) ? answer.mtu : mtu;
}
