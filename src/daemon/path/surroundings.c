#include "daemon/path/surroundings.h"

#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/pace.h"
#include "daemon/ipc/clock.h"
#include "daemon/path/next_hop.h"
#include "host/inventory.h"
#include "host/route.h"
#include "host/watch.h"

/*
 * A review of all routes asks the routing table for each Child SA, and all addresses go to each worker. While
 * thousands of tunnels come up, each of which changes a link, both are done at intervals.
 */
enum {
    READ_GAP = 10,           /* milliseconds between two looks at what Linux reports */
    TUNNEL_DELAY_MAX = 1000, /* the same until routes are found anew since a Tunnel's link has changed */
    CHILDREN_IN_MSEC = 10,   /* a millisecond between two reviews of routes for so many Child SAs */
    LINKS_IN_MSEC = 100,     /* the same between two lists of addresses, for links */
    ANSWER_COUNT = 64,       /* answers of the routing table that are kept; a power of two */
    ANSWER_AGE_MAX = 1000,   /* milliseconds; not all that a route depends on is reported */
};

/* What the routing table said of a destination. Thousands of tunnels may lead to few of them. */
struct route_answer {
    bool is_known;
    struct child_destination destination;
    struct path_route route;
};

struct surroundings {
    struct netlink *netlink;
    struct watch *watch;
    struct inventory inventory;
    msec_t now;      /* of the call that is being carried out */
    size_t children; /* Child SAs that the path has now */
    msec_t next_read;
    struct pace addresses; /* to be told to the path */
    struct pace routes;    /* to be found anew */
    struct next_hops next_hops;
    bool look_at_once;                         /* at what the next hops depend on */
    msec_t looked;                             /* when that was done last */
    struct route_answer answers[ANSWER_COUNT]; /* since the last change; by a hash of the destination */
    msec_t answers_since;
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
    s->addresses = s->routes = PACE_AT_REST;
    s->netlink = netlink_open(err);
    /* Watched first, so that no change is missed. */
    s->watch = s->netlink != NULL ? watch_open(err) : NULL;
    if (s->watch != NULL && watch_neighbours(s->watch, err) &&
        inventory_fill(&s->inventory, s->netlink, NULL, NULL, err)) {
        struct host_error no_tables;
        (void)watch_tables(s->watch, &no_tables);
        next_hops_open(&s->next_hops, s->netlink, &s->inventory);
        s->looked = clock_now();
        return s;
    }
    surroundings_close(s);
    return NULL;
}

int surroundings_fd(const struct surroundings *s)
{
    return s != NULL && clock_now() >= s->next_read ? watch_fd(s->watch) : -1;
}

msec_t surroundings_deadline(const struct surroundings *s)
{
    if (s == NULL)
        return MSEC_NEVER;
    msec_t due = s->addresses.due < s->routes.due ? s->addresses.due : s->routes.due;
    if (s->next_hops.wanted && s->looked + NEXT_HOP_LOOK < due)
        due = s->looked + NEXT_HOP_LOOK;
    return s->next_read > s->now && s->next_read < due ? s->next_read : due;
}

static void want_addresses(struct surroundings *s)
{
    pace_want(&s->addresses, s->now, 0, s->inventory.links.count / LINKS_IN_MSEC);
}

static void forget_answers(struct surroundings *s)
{
    for (size_t i = 0; i < ANSWER_COUNT; i++)
        s->answers[i].is_known = false;
    s->answers_since = s->now;
}

static void want_routes(struct surroundings *s, msec_t delay)
{
    forget_answers(s);
    pace_want(&s->routes, s->now, delay, s->children / CHILDREN_IN_MSEC);
}

/* The same after a change of a Tunnel's link. A peer is seldom behind another Tunnel, and the changes are as
 * many as the tunnels. */
static void want_routes_later(struct surroundings *s)
{
    want_routes(s, s->children < TUNNEL_DELAY_MAX ? s->children : TUNNEL_DELAY_MAX);
}

/* Routes and rules decide by which link packets go, and so does a link's state. */
static bool learn(void *context, const struct nlmsghdr *message)
{
    struct surroundings *s = context;
    struct inventory_news news;
    if (message->nlmsg_type >> 8 == NFNL_SUBSYS_NFTABLES) {
        s->look_at_once = true;
        return true;
    }
    if (message->nlmsg_type == RTM_NEWNEIGH || message->nlmsg_type == RTM_DELNEIGH) {
        if (next_hops_learn(&s->next_hops, message))
            want_routes(s, 0);
        return true;
    }
    s->look_at_once =
        s->look_at_once || message->nlmsg_type == RTM_NEWRULE || message->nlmsg_type == RTM_DELRULE;
    inventory_learn(&s->inventory, message, &news);
    bool is_address = news.change == INVENTORY_ADDRESS || news.change == INVENTORY_ADDRESS_GONE;
    if (is_address || news.change == INVENTORY_LINK_GONE)
        want_addresses(s);
    if (news.change == INVENTORY_LINK && news.link.ours)
        want_routes_later(s);
    else if (news.change != INVENTORY_SAME || message->nlmsg_type == RTM_NEWROUTE ||
             message->nlmsg_type == RTM_DELROUTE || message->nlmsg_type == RTM_NEWRULE ||
             message->nlmsg_type == RTM_DELRULE)
        want_routes(s, 0);
    return news.change != INVENTORY_FAILED;
}

static void read_changes(struct surroundings *s)
{
    bool lost = false;
    struct host_error reason;
    s->next_read = s->now + READ_GAP;
    if (watch_read(s->watch, learn, s, &lost, &reason) && !lost)
        return;
    (void)inventory_fill(&s->inventory, s->netlink, NULL, NULL, &reason);
    want_addresses(s);
    want_routes(s, 0);
    s->look_at_once = true;
}

/* Looks at what the next hops depend on. Not all of it is reported. */
static void look(struct surroundings *s)
{
    bool due = s->next_hops.wanted && s->now - s->looked >= NEXT_HOP_LOOK;
    if (!s->look_at_once && !due)
        return;
    s->look_at_once = false;
    s->looked = s->now;
    if (next_hops_look(&s->next_hops))
        want_routes(s, 0);
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

static void tell_addresses(const struct surroundings *s, struct path *path)
{
    size_t count = list_addresses(&s->inventory, NULL);
    struct ip_address *addresses = calloc(count + 1, sizeof *addresses);
    if (addresses != NULL)
        (void)path_set_own_addresses(path, addresses, list_addresses(&s->inventory, addresses));
    free(addresses);
}

void surroundings_tell(struct surroundings *s, struct path *path)
{
    if (s != NULL)
        tell_addresses(s, path);
}

void surroundings_follow(struct surroundings *s, struct path *path, bool readable)
{
    if (s == NULL)
        return;
    s->now = clock_now();
    s->children = path_child_count(path);
    if (readable)
        read_changes(s);
    look(s);
    if (pace_take(&s->addresses, s->now))
        tell_addresses(s, path);
    if (pace_take(&s->routes, s->now)) {
        forget_answers(s);
        next_hops_begin(&s->next_hops);
        path_review_routes(path);
    }
}

/* The place of the answer for a destination; ports don't matter. */
static struct route_answer *answer_place(struct surroundings *s, const struct child_destination *of)
{
    uint64_t hash = ip_address_hash(ip_address_hash(HASH_START, &of->remote.address), &of->local.address);
    hash = hash_number(hash, (uint64_t)of->mark << 32 | of->ifindex << 1 | of->encapsulated);
    return &s->answers[(hash ^ hash >> 32) % ANSWER_COUNT];
}

static bool answer_is_for(const struct route_answer *answer, const struct child_destination *destination)
{
    const struct child_destination *of = &answer->destination;
    return answer->is_known && ip_address_equal(&of->remote.address, &destination->remote.address) &&
           ip_address_equal(&of->local.address, &destination->local.address) &&
           of->mark == destination->mark && of->ifindex == destination->ifindex &&
           of->encapsulated == destination->encapsulated;
}

/* Asks the routing table; false if that failed. */
static bool ask(struct surroundings *s, const struct child_destination *destination, struct path_route *route)
{
    struct host_route_answer answer;
    struct host_error reason;
    struct host_route_question question = {
        .destination = destination->remote.address,
        .source = destination->local.address,
        .mark = destination->mark,
        .link = (int)destination->ifindex,
        .configured = true,
    };
    if (!host_route_lookup(s->netlink, &question, &answer, &reason))
        return false;
    next_hops_find(&s->next_hops, destination, &answer, &route->next_hop);
    int index = answer.link;
    question.configured = false; /* of a route with several next hops, only a packet's route tells the link */
    if (index == 0 && host_route_lookup(s->netlink, &question, &answer, &reason))
        index = answer.link;
    const struct inventory_link *link = inventory_find(&s->inventory, index);
    uint32_t mtu = link != NULL ? link->is.mtu : 0;
    route->mtu = answer.mtu != 0 && (mtu == 0 || answer.mtu < mtu) ? answer.mtu : mtu;
    return true;
}

void surroundings_find_route(void *context, const struct child_destination *destination,
                             struct path_route *route)
{
    struct surroundings *s = context;
    if (s == NULL)
        return;
    if (s->now - s->answers_since > ANSWER_AGE_MAX)
        forget_answers(s);
    struct route_answer *known = answer_place(s, destination);
    if (answer_is_for(known, destination)) {
        *route = known->route;
        return;
    }
    known->is_known = ask(s, destination, route);
    known->destination = *destination;
    known->route = *route;
}
