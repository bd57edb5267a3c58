#include "host/host.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/lock.h"
#include "host/reconcile.h"

enum {
    GAP_LEAST = 50,     /* ms between passes */
    GAP_MOST = 10000,   /* the same while another program takes away what we put back */
    PEACE_TIME = 20000, /* ms without that, after which the gap is small again */
    PASSES_MAX = 3,     /* at once, until nothing more is to do */
};

static void tell(struct host *host, enum host_note_level level, const char *text)
{
    if (host->listener.note != NULL)
        host->listener.note(host->listener.context, level, text);
}

void host_note(struct host *host, enum host_note_level level, const char *format, ...)
{
    char text[HOST_ERROR_SIZE + 64];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    tell(host, level, text);
}

void host_note_failure(struct host *host, int *failure, const struct host_error *reason)
{
    int number = reason->number != 0 ? reason->number : -1;
    if (*failure != number)
        host_note(host, HOST_NOTE_WARNING, "%s", reason->text);
    *failure = number;
}

void host_note_put_back(struct host *host, const char *what)
{
    host->put_back = true;
    host_note(host, HOST_NOTE_NOTICE, "%s was taken away or changed by another program: put back", what);
}

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
    host->listener = *listener;
    host->instance = strdup(instance);
    if (host->instance == NULL) {
        (void)host_fail(err, ENOMEM, "cannot look at the network");
        goto fail;
    }
    host->lock = host_lock(err);
    if (host->lock < 0)
        goto fail;
    host->netlink = netlink_open(err);
    host->watch = host->netlink != NULL ? watch_open(err) : NULL;
    if (host->watch == NULL || !inventory_fill(&host->inventory, host->netlink, err))
        goto fail;
    host->port_id = netlink_port_id(host->netlink);
    return host;
fail:
    host_leave(host);
    return NULL;
}

int host_fd(const struct host *host)
{
    return watch_fd(host->watch);
}

/* Links first, since addresses and routes need them; routes last, since they need addresses. */
static bool pass(struct host *host, struct host_error *err)
{
    forwarding_reconcile(host);
    return ports_reconcile(host, err) && tunnels_reconcile(host, err) && addresses_reconcile(host, err) &&
           rules_reconcile(host, err) && routes_reconcile(host, err);
}

bool host_reconcile(struct host *host, msec_t now, struct host_error *err)
{
    host->put_back = false;
    host->dirty = true;
    for (int passes = 0; host->dirty && passes < PASSES_MAX; passes++) {
        host->dirty = false;
        if (!pass(host, err)) {
            host->dirty = true;
            return false;
        }
    }
    /* Another program that takes away what we put back, over and over, is not to keep us busy. */
    if (host->put_back) {
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
    if (!host_drain(host, err))
        return false;
    if (!host->planned || !host->dirty || now < host->next_pass)
        return true;
    return host_reconcile(host, now, err);
}

msec_t host_due(const struct host *host)
{
    return host->planned && host->dirty ? host->next_pass : MSEC_NEVER;
}

/* Keeps a copy of the plan's routes. */
static bool keep_routes(struct host *host, const struct host_plan *plan, struct host_error *err)
{
    struct host_plan routes = {0};
    for (size_t i = 0; i < plan->route_count; i++) {
        if (!host_plan_add_route(&routes, &plan->routes[i])) {
            host_plan_clear(&routes);
            return host_fail(err, ENOMEM, "cannot plan the routes");
        }
    }
    host_plan_clear(&host->plan);
    host->plan = routes;
    return true;
}

bool host_apply(struct host *host, const struct host_plan *plan, msec_t now, struct host_error *err)
{
    if (!keep_routes(host, plan, err) || !tunnels_plan(host, plan, err) || !ports_plan(host, plan, err) ||
        !addresses_plan(host, plan, err) || !routes_plan(host, err))
        return false;
    host->forward_v4.wanted = plan->forward_v4;
    host->forward_v6.wanted = plan->forward_v6;
    host->planned = true;
    return host_reconcile(host, now, err);
}

int host_tunnel_fd(const struct host *host, const char *name)
{
    const struct tunnel_item *tunnel = tunnels_find(host, name);
    return tunnel != NULL ? tunnel->fd : -1;
}

bool host_set_carrier(struct host *host, const char *name, bool on, struct host_error *err)
{
    struct tunnel_item *tunnel = tunnels_find(host, name);
    if (tunnel == NULL)
        return host_fail(err, 0, "there is no %s", name);
    tunnel->carrier = on;
    return tunnel->fd < 0 || tun_set_carrier(tunnel->fd, on, err);
}

bool host_lookup(struct host *host, const struct host_route_question *question,
                 struct host_route_answer *answer, struct host_error *err)
{
    return host_route_lookup(host->netlink, question, answer, err);
}

const struct inventory *host_inventory(const struct host *host)
{
    return &host->inventory;
}

struct netlink *host_netlink(const struct host *host)
{
    return host->netlink;
}

void host_leave(struct host *host)
{
    if (host == NULL)
        return;
    tunnels_free(host);
    free(host->ports);
    free(host->addresses);
    free(host->routes);
    free(host->ways);
    host_plan_clear(&host->plan);
    inventory_free(&host->inventory);
    watch_close(host->watch);
    netlink_close(host->netlink);
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
    rules_remove_all(host);
    routes_remove_all(host);
    addresses_remove_all(host);
    tunnels_remove_all(host);
    ports_restore_all(host);
    forwarding_restore(host);
    host_leave(host);
}
