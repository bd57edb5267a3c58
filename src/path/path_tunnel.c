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
    if (settings->totals >= path->totals_count || !descriptor_make_nonblocking(tun))
        return PATH_INVALID;
    if (map_find(&path->tunnels, settings->number) != NULL)
        return PATH_EXISTS;

    struct tunnel *tunnel = calloc(1, sizeof *tunnel);
    if (tunnel == NULL || !path_reserve(path) || !map_put(&path->tunnels, settings->number, tunnel)) {
        free(tunnel);
        return PATH_NO_MEMORY;
    }
    tunnel->number = settings->number;
    tunnel->mtu = settings->mtu;
    tunnel->totals = path->totals[settings->totals].counters;
    tunnel_prepare(tunnel, tun);
    path_post(path, path_worker_of(path, tunnel->number),
              &(struct command){.kind = COMMAND_TUNNEL_ADD, .request = request, .tunnel = tunnel});
    return PATH_OK;
}

/* Posts a command that needs the tunnel to be there. */
static enum path_result path_tunnel_post(struct path *path, uint32_t number, struct command command)
{
    command.tunnel = map_find(&path->tunnels, number);
    if (command.tunnel == NULL)
        return PATH_NO_TUNNEL;
    if (!path_reserve(path))
        return PATH_NO_MEMORY;
    path_post(path, path_worker_of(path, number), &command);
    return PATH_OK;
}

enum path_result path_tunnel_update(struct path *path, uint64_t request, const struct path_tunnel *settings)
{
    return path_tunnel_post(path, settings->number,
                            (struct command){
                                .kind = COMMAND_TUNNEL_UPDATE,
                                .request = request,
                                .mtu = settings->mtu,
                            });
}

enum path_result path_tunnel_fail(struct path *path, uint64_t request, uint32_t number,
                                  const struct packet_pair *pair)
{
    return path_tunnel_post(path, number,
                            (struct command){
                                .kind = COMMAND_TUNNEL_FAIL,
                                .request = request,
                                .pair = *pair,
                            });
}

enum path_result path_tunnel_remove(struct path *path, uint64_t request, uint32_t number)
{
    const struct tunnel *tunnel = map_find(&path->tunnels, number);
    enum path_result result =
        path_tunnel_post(path, number, (struct command){.kind = COMMAND_TUNNEL_REMOVE, .request = request});
    if (result != PATH_OK)
        return result;
    (void)map_remove(&path->tunnels, number);
    const struct child *child;
    TAILQ_FOREACH(child, &tunnel->known, known)
    {
        (void)map_remove(&path->children, child->spi);
    }
    return PATH_OK;
}

void path_tunnel_free(struct tunnel *tunnel, bool release)
{
    struct child *child;
    while ((child = TAILQ_FIRST(&tunnel->known)) != NULL) {
        TAILQ_REMOVE(&tunnel->known, child, known);
        path_child_free(child, release);
    }
    size_t octets = tunnel->waiting.octets;
    (void)waiting_drop(&tunnel->waiting, &packet_pair_any, &octets);
    (void)close(tunnel->source.fd);
    free(tunnel);
}
