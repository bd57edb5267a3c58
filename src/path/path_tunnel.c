/* The controller's functions for tunnels. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "path/controller.h"

static bool descriptor_make_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

enum path_result path_tunnel_add(struct path *path, uint64_t request, const struct path_tunnel *settings,
                                 int tun)
{
    if (settings->slot >= path->totals_count || !descriptor_make_nonblocking(tun))
        return PATH_INVALID;
    if (map_find(&path->tunnels, settings->number) != NULL)
        return PATH_EXISTS;

    struct known_tunnel *tunnel = calloc(1, sizeof *tunnel);
    if (tunnel == NULL)
        return PATH_NO_MEMORY;
    TAILQ_INIT(&tunnel->children);
    STAILQ_INIT(&tunnel->operations);
    tunnel->outbound.number = settings->number;
    tunnel->outbound.slot = settings->slot;
    tunnel->outbound.settings = *settings;
    tunnel->outbound.vnet_header = settings->vnet_header;
    tunnel->outbound.udp_segmentation = settings->udp_segmentation;
    tunnel->outbound.sizes = path->sizes != NULL ? &path->sizes[settings->slot] : NULL;
    tunnel_prepare(&tunnel->outbound, tun);
    struct operation *operation = operation_new(request, tunnel, NULL);
    if (operation == NULL || !map_put(&path->tunnels, settings->number, tunnel)) {
        free(operation);
        free(tunnel);
        return PATH_NO_MEMORY;
    }
    operation->command.kind = COMMAND_TUNNEL_ADD;
    operation_submit(path, operation, PACKET_OUTBOUND);
    return PATH_OK;
}

/* Finds a tunnel and begins an operation on it, which the caller fills in and submits. */
static enum path_result tunnel_begin(struct path *path, uint64_t request, uint32_t number,
                                     struct operation **operation)
{
    struct known_tunnel *tunnel = map_find(&path->tunnels, number);
    if (tunnel == NULL)
        return PATH_NO_TUNNEL;
    *operation = operation_new(request, tunnel, NULL);
    return *operation != NULL ? PATH_OK : PATH_NO_MEMORY;
}

static enum path_result path_tunnel_submit(struct path *path, uint64_t request, uint32_t number,
                                           const struct command *command)
{
    struct operation *operation;
    enum path_result result = tunnel_begin(path, request, number, &operation);
    if (result != PATH_OK)
        return result;
    operation->command.kind = command->kind;
    operation->command.settings = command->settings;
    operation->command.pair = command->pair;
    operation_submit(path, operation, PACKET_OUTBOUND);
    return PATH_OK;
}

enum path_result path_tunnel_update(struct path *path, uint64_t request, const struct path_tunnel *settings)
{
    const struct command command = {.kind = COMMAND_TUNNEL_UPDATE, .settings = *settings};
    return path_tunnel_submit(path, request, settings->number, &command);
}

enum path_result path_tunnel_fail(struct path *path, uint64_t request, uint32_t number,
                                  const struct packet_pair *pair)
{
    const struct command command = {.kind = COMMAND_TUNNEL_FAIL, .pair = *pair};
    return path_tunnel_submit(path, request, number, &command);
}

enum path_result path_tunnel_remove(struct path *path, uint64_t request, uint32_t number)
{
    struct operation *operation;
    enum path_result result = tunnel_begin(path, request, number, &operation);
    if (result != PATH_OK)
        return result;
    const struct known_tunnel *tunnel = map_remove(&path->tunnels, number);
    struct known_child *child;
    TAILQ_FOREACH(child, &tunnel->children, link)
    {
        (void)map_remove(&path->children, child->inbound.spi);
        child->inbound.next = operation->command.inbound;
        operation->command.inbound = &child->inbound;
    }
    operation->command.kind = COMMAND_TUNNEL_REMOVE;
    operation_submit(path, operation, PACKET_OUTBOUND);
    return PATH_OK;
}

void known_tunnel_free(struct known_tunnel *tunnel, bool release)
{
    struct known_child *child;
    while ((child = TAILQ_FIRST(&tunnel->children)) != NULL) {
        TAILQ_REMOVE(&tunnel->children, child, link);
        known_child_free(child, release);
    }
    size_t octets = tunnel->outbound.waiting.octets;
    (void)waiting_drop(&tunnel->outbound.waiting, &packet_pair_any, &octets);
    (void)close(tunnel->outbound.source.fd);
    free(tunnel);
}
