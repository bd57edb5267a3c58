/*
 * A limit to judge by: a gateway's packet path with a null cipher, and without IKE.
 *
 *     null_path NUMBER LOCAL REMOTE DEVICE LINK NEIGHBOUR
 *
 * LINK is the name of the link to the other gateway, which has the link-layer address NEIGHBOUR there. The
 * program makes the TUN device DEVICE and carries its packets between the addresses LOCAL and REMOTE, in UDP
 * port 4500 if NUMBER (1 at one end, 2 at the other) is followed by `u` (`1u`), else as plain ESP, until it
 * is killed. ESP is framed as with AES-256-GCM; nothing is enciphered, and no ICV made or looked at: the
 * linker puts the functions below in the place of those that do (--wrap). So it shows what the kernel's
 * interfaces cost, and our own handling of packets. For a bench alone: it protects nothing.
 */
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "esp/owner.h"
#include "esp/worker_state.h"
#include "host/sockets.h"
#include "host/tun.h"
#include "path/path.h"

enum { WORKERS = 2, TUNNEL = 1, INNER_MTU = 1438, LINK_MTU = 1500 };

void __wrap_esp_worker_seal_jobs(struct esp_worker *worker, struct esp_job *jobs, size_t count);
void __wrap_esp_worker_open_jobs(struct esp_worker *worker, struct esp_job *jobs, size_t count);
bool __wrap_esp_worker_self_test(struct esp_worker *worker, char *failure, size_t size);

void __wrap_esp_worker_seal_jobs(struct esp_worker *worker, struct esp_job *jobs, size_t count)
{
    (void)worker;
    for (size_t i = 0; i < count; i++)
        jobs[i].outcome = ESP_JOB_DONE;
}

void __wrap_esp_worker_open_jobs(struct esp_worker *worker, struct esp_job *jobs, size_t count)
{
    __wrap_esp_worker_seal_jobs(worker, jobs, count);
}

bool __wrap_esp_worker_self_test(struct esp_worker *worker, char *failure, size_t size)
{
    (void)worker, (void)failure, (void)size;
    return true;
}

static _Noreturn void fail(const char *what)
{
    (void)fprintf(stderr, "null_path: %s\n", what);
    exit(EXIT_FAILURE);
}

/* The next hop is the gateway at the other end of the link. */
static void find_route(void *context, const struct child_destination *destination, struct path_route *route)
{
    (void)destination;
    *route = *(const struct path_route *)context;
}

/* By what packets go, from the name of the link and the link-layer address at its other end. */
static struct path_route route_by(const char *link, const char *neighbour, int any_socket)
{
    struct path_route route = {.mtu = LINK_MTU, .next_hop = {.link = if_nametoindex(link), .ttl = 64}};
    uint8_t *header = route.next_hop.header;
    struct ifreq request = {0};
    unsigned octets[6];
    (void)snprintf(request.ifr_name, sizeof request.ifr_name, "%s", link);
    if (ioctl(any_socket, SIOCGIFHWADDR, &request) != 0 ||
        sscanf(neighbour, "%2x:%2x:%2x:%2x:%2x:%2x", &octets[0], &octets[1], &octets[2], &octets[3],
               &octets[4], &octets[5]) != 6)
        fail("no link");
    for (size_t i = 0; i < 6; i++)
        header[i] = (uint8_t)octets[i];
    memcpy(header + 6, request.ifr_hwaddr.sa_data, 6);
    header[12] = 0x08; /* IPv4 */
    return route;
}

static struct path *start_path(const struct host_sockets *sockets, struct path_route *route)
{
    static struct esp_live live[1];
    static struct path_totals totals[WORKERS];
    static struct path_worker_counters counters[WORKERS];
    struct path_options options = {.worker_count = WORKERS,
                                   .live = live,
                                   .live_count = 1,
                                   .totals = totals,
                                   .totals_count = 1,
                                   .find_route = find_route,
                                   .find_context = route};
    for (unsigned i = 0; i < WORKERS; i++) {
        options.workers[i] = (struct path_worker){
            .esp_v4 = sockets->v4.esp_worker[i],
            .esp_v6 = sockets->v6.esp_worker[i],
            .udp_v4 = sockets->v4.natt_worker[i],
            .udp_v6 = sockets->v6.natt_worker[i],
            .esp_v4_df = sockets->v4.esp_df_worker[i],
            .udp_v4_df = sockets->v4.natt_df_worker[i],
            .packet = sockets->v4.packet_worker[i],
            .icmp_v4 = sockets->v4.icmp_worker[i],
            .icmp_v6 = sockets->v6.icmp_worker[i],
            .counters = &counters[i],
            .hash_seed = i,
        };
        memset(options.workers[i].seed, (int)i + 1, sizeof options.workers[i].seed);
    }
    struct path *path = path_new(&options);
    if (path == NULL)
        fail("no path");
    return path;
}

static void add_tunnel(struct path *path, const char *device, int any_socket)
{
    struct host_error reason;
    const struct tun_options options = {.vnet_header = true};
    int tun = tun_open(device, true, &options, any_socket, &reason);
    if (tun < 0 || !tun_set_carrier(tun, device, true, any_socket, &reason))
        fail(reason.text);
    const struct tun_offload leaves = tun_set_offload(tun);
    const struct path_tunnel settings = {.number = TUNNEL,
                                         .mtu = INNER_MTU,
                                         .vnet_header = leaves.vnet_header,
                                         .udp_segmentation = leaves.udp,
                                         .mss_v4 = {.automatic = true}};
    if (path_tunnel_add(path, 1, &settings, tun) != PATH_OK)
        fail("no tunnel");
}

static struct child_direction direction_to(unsigned number)
{
    uint32_t owner = esp_owner_inbound(TUNNEL, WORKERS);
    return (struct child_direction){.spi = esp_spi_of_owner(0x1000 * number, owner)};
}

static void install(struct path *path, unsigned number, bool in_udp, const char *local, const char *remote)
{
    const struct traffic_selector any = {
        .last_port = UINT16_MAX,
        .first = {.family = IP_V4},
        .last = {.family = IP_V4, .octets = {255, 255, 255, 255}},
    };
    struct child_command command = {
        CHILD_INSTALL,
        {
            .tunnel = TUNNEL,
            .encryption = ENCR_AES_GCM_16,
            .key_bits = 256,
            .anti_replay = true,
            .active = true,
            .destination = {.local.port = HOST_PORT_NATT,
                            .remote.port = HOST_PORT_NATT,
                            .encapsulated = in_udp},
            .inbound = direction_to(number),
            .outbound = direction_to(3 - number),
            .local_ts_count = 1,
            .remote_ts_count = 1,
            .local_ts = {any},
            .remote_ts = {any},
        },
    };
    struct child_destination *to = &command.child.destination;
    if (!ip_address_parse(local, &to->local.address) || !ip_address_parse(remote, &to->remote.address))
        fail("no address");
    if (path_child_change(path, 2, &command) != PATH_OK)
        fail("no Child SA");
}

int main(int argc, char **argv)
{
    static struct host_sockets sockets;
    struct host_error reason;
    if (argc != 7 || (argv[1][0] != '1' && argv[1][0] != '2'))
        fail("null_path NUMBER[u] LOCAL REMOTE DEVICE LINK NEIGHBOUR");
    if (!host_sockets_open(&sockets, WORKERS, &reason))
        fail(reason.text);
    struct path_route route = route_by(argv[5], argv[6], sockets.v4.ike);
    struct path *path = start_path(&sockets, &route);
    add_tunnel(path, argv[4], sockets.v4.ike);
    path_settle(path);
    install(path, (unsigned)(argv[1][0] - '0'), argv[1][1] == 'u', argv[2], argv[3]);
    path_settle(path);
    (void)puts("ready");
    (void)fflush(stdout);
    for (;;)
        (void)pause();
}
