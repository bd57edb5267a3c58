#include "host/host.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/addresses.h"
#include "host/forwarding.h"
#include "host/link_removal.h"
#include "host/lock.h"
#include "host/packets.h"
#include "host/pinned_routes.h"
#include "host/ports.h"
#include "host/reports.h"
#include "host/route_resolve.h"

enum {
    GAP_LEAST = 50,     /* ms between passes */
    GAP_MOST = 10000,   /* the same while another program takes away what we put back */
    PEACE_TIME = 20000, /* ms without that, after which the gap is small again */
    PASSES_MAX = 3,     /* at once, until nothing more is to do */
};

struct host {
    char *instance;
    int lock;
    struct host_kernel kernel;
    struct host_reports reports;

    struct host_tunnels tunnels;
    struct host_ports ports;
    struct host_addresses addresses;
    struct host_pinned_routes pinned;
    struct host_routes routes;
    struct host_forwarding forwarding;
    struct host_packets packets;

    struct host_plan plan; /* its routes alone: those of pinned routes are added to them */
    bool planned;          /* host_apply has been called */
    bool found_tunnels;    /* when it was opened */
    msec_t next_pass;      /* no pass before */
    msec_t last_restore;   /* when something was last put back */
    msec_t gap;            /* between passes; grows while another program keeps taking things away */
};

/* ---- Opening --------------------------------------------------------------------------------------- */

/* True if this process may configure networks. */
static bool has_rights(struct host_error *err)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {0};
    uint32_t needed = 1U << CAP_NET_ADMIN | 1U << CAP_NET_RAW;
    if (syscall(SYS_capget, &header, data) < 0)
        return host_fail(err, errno, "cannot find out this process's capabilities");
    if ((data[0].effective & needed) == needed)
        return true;
    (void)host_fail(err, 0, "the capabilities CAP_NET_ADMIN and CAP_NET_RAW are needed: start as root");
    if (err != NULL)
        err->number = EPERM;
    return false;
}

struct host *host_open(const char *instance, const struct host_listener *listener, struct host_error *err)
{
    if (!has_rights(err))
        return NULL;
    struct host *host = calloc(1, sizeof *host);
    if (host == NULL) {
        (void)host_fail(err, ENOMEM, "cannot look at the network");
        return NULL;
    }
    host->lock = -1;
    host->gap = GAP_LEAST;
    host->instance = strdup(instance);
    host->tunnels.instance = host->instance;
    host->reports = (struct host_reports){&host->kernel, &host->tunnels,    &host->addresses,
                                          &host->routes, &host->forwarding, &host->packets};
    if (host->instance == NULL) {
        (void)host_fail(err, ENOMEM, "cannot look at the network");
        goto fail;
    }
    host->lock = host_lock(err);
    if (host->lock < 0 || !host_kernel_open(&host->kernel, listener, host_report_read, &host->reports, err))
        goto fail;
    host->found_tunnels = host_links_any(&host->kernel);
    return host;
fail:
    host_leave(host);
    return NULL;
}

void host_remember(struct host *host, int directory)
{
    host_before_open(&host->kernel.before, directory);
    host_forwarding_recall(&host->forwarding, &host->kernel.before);
}

int host_fd(const struct host *host)
{
    return watch_fd(host->kernel.watch);
}

/* ---- Passes ---------------------------------------------------------------------------------------- */

/*
 * Packet rules first, then links, since addresses and routes need them; routes last, since they need
 * addresses. A rule comes before its routes: a mark without a rule would follow the main routing table.
 * Forwarding begins when all that stands: before, a packet for a Tunnel would leave in the clear (S48). It
 * stops as soon as the packet rules do not stand any more.
 */
static bool pass(struct host *host, struct host_error *err)
{
    struct host_kernel *kernel = &host->kernel;
    const struct route_surroundings around = {&host->tunnels, &host->addresses};
    (void)host_packets_reconcile(&host->packets, kernel, NULL);
    bool rules_stand = host_packets_stand(&host->packets);
    host_forwarding_hold(&host->forwarding, !rules_stand);
    if (!rules_stand)
        host_forwarding_reconcile(&host->forwarding, kernel);
    if (!host_ports_reconcile(&host->ports, kernel, err) ||
        !host_tunnels_reconcile(&host->tunnels, kernel, err) ||
        !host_addresses_reconcile(&host->addresses, kernel, &host->routes, err) ||
        !host_pinned_routes_reconcile(&host->pinned, kernel, err) ||
        !host_routes_reconcile(&host->routes, kernel, &around, err))
        return false;
    host_forwarding_reconcile(&host->forwarding, kernel);
    return true;
}

static bool reconcile(struct host *host, msec_t now, struct host_error *err)
{
    struct host_kernel *kernel = &host->kernel;
    kernel->put_back = false;
    kernel->dirty = true;
    for (int passes = 0; kernel->dirty && passes < PASSES_MAX; passes++) {
        kernel->dirty = false;
        if (!pass(host, err)) {
            kernel->dirty = true;
            return false;
        }
    }
    /* Another program that takes away what we put back, over and over, is not to keep us busy. */
    if (kernel->put_back) {
        bool again = host->last_restore != 0 && now - host->last_restore < PEACE_TIME;
        host->gap = again && host->gap < GAP_MOST / 2 ? 2 * host->gap : again ? GAP_MOST : GAP_LEAST;
        host->last_restore = now;
    } else if (now - host->last_restore >= PEACE_TIME) {
        host->gap = GAP_LEAST;
    }
    host->next_pass = now + host->gap;
    return true;
}

bool host_handle(struct host *host, msec_t now, struct host_error *err)
{
    if (!host_kernel_drain(&host->kernel, err))
        return false;
    if (!host->planned || !host->kernel.dirty)
        return true;
    if (now < host->next_pass) {
        host_packets_guard(&host->packets);
        return true;
    }
    return reconcile(host, now, err);
}

msec_t host_due(const struct host *host)
{
    return host->planned && host->kernel.dirty ? host->next_pass : MSEC_NEVER;
}

/* ---- The plan -------------------------------------------------------------------------------------- */

static bool add_routes(struct host_plan *to, const struct host_plan *from)
{
    for (size_t i = 0; i < from->route_count; i++) {
        if (!host_plan_add_route(to, &from->routes[i]))
            return false;
    }
    return true;
}

/* Keeps a copy of the plan's routes. */
static bool keep_routes(struct host *host, const struct host_plan *plan, struct host_error *err)
{
    struct host_plan routes = {0};
    if (!add_routes(&routes, plan)) {
        host_plan_clear(&routes);
        return host_fail(err, ENOMEM, "cannot plan the routes");
    }
    host_plan_clear(&host->plan);
    host->plan = routes;
    return true;
}

/* From here on the routes of the plan and those of pinned routes are wanted. */
static bool plan_routes(struct host *host, struct host_error *err)
{
    struct host_plan all = {0};
    bool done = add_routes(&all, &host->plan) && host_pinned_routes_add_to(&host->pinned, &all);
    done =
        done ? host_routes_plan(&host->routes, &all, err) : host_fail(err, ENOMEM, "cannot plan the routes");
    host_plan_clear(&all);
    return done;
}

/* At the start rules that block are needed, so that nothing is begun without them. Later their failure is
 * noted, and nothing is forwarded. */
static bool apply_packets(struct host *host, const struct host_plan *plan, struct host_error *err)
{
    if (!host_packets_plan(&host->packets, plan, err))
        return false;
    if (host->planned || host_packets_reconcile(&host->packets, &host->kernel, err))
        return true;
    return host_packets_stand(&host->packets);
}

bool host_apply(struct host *host, const struct host_plan *plan, msec_t now, struct host_error *err)
{
    if (!apply_packets(host, plan, err) || !keep_routes(host, plan, err) ||
        !host_tunnels_plan(&host->tunnels, plan, err) ||
        !host_ports_plan(&host->ports, &host->kernel, plan, err) ||
        !host_addresses_plan(&host->addresses, plan, err) || !plan_routes(host, err))
        return false;
    host_forwarding_plan(&host->forwarding, plan);
    if (!host->planned)
        host_ports_recall(&host->ports, &host->kernel);
    host->planned = true;
    return reconcile(host, now, err);
}

int host_tunnel_fd(const struct host *host, const char *name)
{
    return host_tunnels_fd(&host->tunnels, name);
}

bool host_use_tunnel(struct host *host, const char *name, enum host_tunnel_use use, struct host_error *err)
{
    return host_tunnels_use(&host->tunnels, &host->kernel, name, use, err);
}

void host_release_tunnels(struct host *host)
{
    host_tunnels_release(&host->tunnels, &host->kernel);
}

bool host_found_tunnels(const struct host *host)
{
    return host->found_tunnels;
}

/* ---- Pinned routes --------------------------------------------------------------------------------- */

/* Makes the rules and routes agree with the pinned routes that there are now. */
static bool renew_pinned(struct host *host, struct host_error *err)
{
    const struct route_surroundings around = {&host->tunnels, &host->addresses};
    if (!plan_routes(host, err))
        return false;
    if (!host->planned) /* then host_apply does it, when it knows what else is wanted */
        return true;
    return host_pinned_routes_reconcile(&host->pinned, &host->kernel, err) &&
           host_routes_reconcile(&host->routes, &host->kernel, &around, err);
}

bool host_pin_route(struct host *host, const char *link, enum ip_family family,
                    const struct ip_address *next_hop, uint32_t *mark, struct host_error *err)
{
    bool added;
    if (!host_pinned_routes_take(&host->pinned, &host->kernel, link, family, next_hop, mark, &added, err))
        return false;
    if (!added || renew_pinned(host, err))
        return true;
    (void)host_pinned_routes_release(&host->pinned, *mark);
    return false;
}

void host_unpin_route(struct host *host, uint32_t mark)
{
    struct host_error reason;
    if (host_pinned_routes_release(&host->pinned, mark) && !renew_pinned(host, &reason))
        host_note(&host->kernel, HOST_NOTE_WARNING, "%s", reason.text);
}

/* ---- Questions ------------------------------------------------------------------------------------- */

bool host_lookup(struct host *host, const struct host_route_question *question,
                 struct host_route_answer *answer, struct host_error *err)
{
    return host_route_lookup(host->kernel.netlink, question, answer, err);
}

const struct inventory *host_inventory(const struct host *host)
{
    return &host->kernel.inventory;
}

struct netlink *host_netlink(const struct host *host)
{
    return host->kernel.netlink;
}

const struct host_ifaddr *host_primary_address(const struct host *host, const struct inventory_link *link,
                                               enum ip_family family)
{
    return host_addresses_primary(&host->addresses, link, family);
}

/* ---- Closing --------------------------------------------------------------------------------------- */

void host_leave(struct host *host)
{
    if (host == NULL)
        return;
    host_tunnels_free(&host->tunnels);
    host_ports_free(&host->ports);
    host_addresses_free(&host->addresses);
    host_routes_free(&host->routes);
    host_pinned_routes_free(&host->pinned);
    host_packets_free(&host->packets);
    host_plan_clear(&host->plan);
    host_kernel_close(&host->kernel);
    if (host->lock >= 0)
        (void)close(host->lock);
    free(host->instance);
    free(host);
}

void host_teardown(struct host *host)
{
    if (host == NULL)
        return;
    host->planned = false;
    host_forwarding_restore(&host->forwarding, &host->kernel); /* while the routes still hold packets back */
    host_pinned_routes_remove_all(&host->pinned, &host->kernel);
    host_routes_remove_all(&host->routes, &host->kernel);
    host_addresses_remove_all(&host->addresses, &host->kernel, &host->routes);
    host_tunnels_remove_all(&host->tunnels, &host->kernel);
    host_ports_restore_all(&host->ports, &host->kernel);
    host_packets_remove(&host->packets, &host->kernel);
    host_leave(host);
}
