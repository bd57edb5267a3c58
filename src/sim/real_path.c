/*
 * The packet path of a gateway in a world with real ones: path/ itself, by turns at the world's time. Socket
 * pairs stand in for its sockets and its TUN devices. What it sends goes over the world's network, and what
 * comes out of its tunnels is looked at.
 */
#include "sim/real_path.h"

#include "esp/owner.h"
#include "path/wire.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    WORKERS = 2,
    LIVE_SLOTS = 1024,
    TUNNELS_MAX = 64,
    TUNNEL_MTU = 1400,
    FRAME_MAX = 4096,
};

/* A pair of sockets: the path has copies of the far end, of which each path after it gets its own. */
struct pipe_ends {
    int near, far;
};

struct real_path {
    struct path *path;
    struct esp_live *live;
    struct path_totals *totals;
    struct path_worker_counters counters[WORKERS];
    struct pipe_ends wires[WORKERS][WIRE_COUNT];
    struct pipe_ends devices[TUNNELS_MAX]; /* by slot of the tunnel */
    uint64_t requests;
};

static struct pipe_ends open_pipe(void)
{
    int fds[2];
    int failed = socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds);
    assert(failed == 0);
    (void)failed;
    return (struct pipe_ends){fds[0], fds[1]};
}

static void close_pipe(struct pipe_ends *ends)
{
    (void)close(ends->near);
    (void)close(ends->far);
}

static int copy_of(int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    assert(copy >= 0);
    return copy;
}

/* ---- In the place of sockets ------------------------------------------------------------------------- */

/* What stands before the octets of a datagram that leaves, and of one that arrives. */
struct leaving_head {
    struct sockaddr_storage to;
    size_t control_length;
    _Alignas(struct cmsghdr) uint8_t control[128];
};

struct arriving_head {
    struct sockaddr_storage from;
};

static int frames_receive(int fd, enum wire_kind kind, struct wire_inbox *inbox, struct datagram *datagrams)
{
    (void)kind;
    int count = wire_receive_batch(fd, inbox, datagrams);
    for (int i = 0; i < count; i++) {
        struct datagram *d = &datagrams[i];
        assert(d->length >= sizeof(struct arriving_head));
        d->from = (const struct sockaddr *)(const void *)d->at;
        d->at += sizeof(struct arriving_head);
        d->length -= sizeof(struct arriving_head);
    }
    return count;
}

static bool send_frame(int fd, const struct msghdr *message)
{
    struct leaving_head head = {.control_length = message->msg_controllen};
    struct iovec vectors[1 + PATH_BATCH] = {{&head, sizeof head}};
    assert(message->msg_controllen <= sizeof head.control && message->msg_iovlen <= PATH_BATCH);
    memcpy(&head.to, message->msg_name, message->msg_namelen);
    memcpy(head.control, message->msg_control, message->msg_controllen);
    memcpy(vectors + 1, message->msg_iov, message->msg_iovlen * sizeof *vectors);
    const struct msghdr frame = {.msg_iov = vectors, .msg_iovlen = 1 + message->msg_iovlen};
    return sendmsg(fd, &frame, MSG_DONTWAIT) >= 0;
}

static int frames_send(int fd, struct mmsghdr *messages, unsigned count)
{
    unsigned sent = 0;
    while (sent < count && send_frame(fd, &messages[sent].msg_hdr))
        sent++;
    if (sent == 0 && errno == ENOBUFS)
        errno = EAGAIN;
    return sent > 0 ? (int)sent : -1;
}

static const struct wire_io frames = {.receive = frames_receive, .send = frames_send};

/* The source address that a datagram is to leave from. */
static struct ip_address source_of(struct leaving_head *head)
{
    struct msghdr message = {.msg_control = head->control, .msg_controllen = head->control_length};
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c)) {
        struct in_pktinfo v4;
        struct in6_pktinfo v6;
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            memcpy(&v4, CMSG_DATA(c), sizeof v4);
            return ip_address_of(IP_V4, &v4.ipi_spec_dst);
        }
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            memcpy(&v6, CMSG_DATA(c), sizeof v6);
            return ip_address_of(IP_V6, &v6.ipi6_addr);
        }
    }
    return (struct ip_address){.family = IP_NONE};
}

/* ---- Life -------------------------------------------------------------------------------------------- */

static void add_device(struct gateway *g, const struct sim_tunnel *t)
{
    struct real_path *r = g->real_path;
    const struct path_tunnel tunnel = {.number = t->policy.tunnel, .slot = t->slot, .mtu = TUNNEL_MTU};
    enum path_result result =
        path_tunnel_add(r->path, ++r->requests, &tunnel, copy_of(r->devices[t->slot].far));
    assert(result == PATH_OK);
    (void)result;
}

static void start_path(struct gateway *g)
{
    struct real_path *r = g->real_path;
    struct path_options options = {
        .worker_count = WORKERS,
        .live = r->live,
        .live_count = LIVE_SLOTS,
        .totals = r->totals,
        .totals_count = TUNNELS_MAX,
        .by_turns = true,
        .io = &frames,
    };
    for (unsigned i = 0; i < WORKERS; i++) {
        struct path_worker *worker = &options.workers[i];
        worker->esp_v4 = copy_of(r->wires[i][WIRE_ESP_V4].far);
        worker->esp_v6 = copy_of(r->wires[i][WIRE_ESP_V6].far);
        worker->udp_v4 = copy_of(r->wires[i][WIRE_UDP_V4].far);
        worker->udp_v6 = copy_of(r->wires[i][WIRE_UDP_V6].far);
        worker->esp_v4_df = worker->udp_v4_df = worker->packet = worker->icmp_v4 = worker->icmp_v6 = -1;
        worker->counters = &r->counters[i];
        world_fill_random(g->world, worker->seed, sizeof worker->seed);
        worker->hash_seed = world_random(g->world);
    }
    r->path = path_new(&options);
    assert(r->path != NULL);
    for (const struct sim_tunnel *t = g->tunnels; t != NULL; t = t->next)
        add_device(g, t);
    real_path_run(g);
}

void real_path_start(struct gateway *g)
{
    struct real_path *r = calloc(1, sizeof *r);
    assert(r != NULL);
    g->real_path = r;
    r->live = aligned_alloc(64, LIVE_SLOTS * sizeof *r->live);
    r->totals = calloc((size_t)WORKERS * TUNNELS_MAX, sizeof *r->totals);
    assert(r->live != NULL && r->totals != NULL);
    memset(r->live, 0, LIVE_SLOTS * sizeof *r->live);
    for (unsigned i = 0; i < WORKERS; i++) {
        for (size_t kind = 0; kind < WIRE_COUNT; kind++)
            r->wires[i][kind] = open_pipe();
    }
    start_path(g);
}

void real_path_add_tunnel(struct gateway *g, const struct sim_tunnel *t)
{
    assert(t->slot < TUNNELS_MAX);
    g->real_path->devices[t->slot] = open_pipe();
    add_device(g, t);
    real_path_run(g);
}

void real_path_restart(struct gateway *g)
{
    path_free(g->real_path->path);
    start_path(g);
}

void real_path_forget_live(struct gateway *g)
{
    memset(g->real_path->live, 0, LIVE_SLOTS * sizeof *g->real_path->live);
}

void real_path_spend_sequences(struct gateway *g, uint32_t left)
{
    for (size_t i = 0; i < LIVE_SLOTS; i++) {
        if (g->real_path->live[i].version != 0)
            g->real_path->live[i].sequence_mark = (UINT64_C(1) << 32) - left;
    }
}

void real_path_free(struct gateway *g)
{
    struct real_path *r = g->real_path;
    path_free(r->path);
    for (unsigned i = 0; i < WORKERS; i++) {
        for (size_t kind = 0; kind < WIRE_COUNT; kind++)
            close_pipe(&r->wires[i][kind]);
    }
    for (const struct sim_tunnel *t = g->tunnels; t != NULL; t = t->next)
        close_pipe(&r->devices[t->slot]);
    free(r->live);
    free(r->totals);
    free(r);
    g->real_path = NULL;
}

msec_t real_path_deadline(const struct gateway *g)
{
    return path_deadline(g->real_path->path);
}

/* ---- Packets of the world's traffic ------------------------------------------------------------------ */

enum { INNER_HEADER = 28, INNER_SIZE = INNER_HEADER + 32 };

static const uint8_t inner_header[INNER_HEADER] = {
    0x45, 0, 0, INNER_SIZE, 0, 0, 0, 0, 64, IPPROTO_UDP, 0, 0, 10, 9, 9, 1, 10, 9, 9, 2, 0, 7, 0, 7, 0, 40};

/* An IPv4 UDP packet that tells who sent it, and as which one. */
static void make_packet(const struct gateway *g, const struct sim_tunnel *t, uint8_t packet[INNER_SIZE])
{
    memset(packet, 0, INNER_SIZE);
    memcpy(packet, inner_header, INNER_HEADER);
    (void)snprintf((char *)packet + INNER_HEADER, 16, "%s", g->name);
    store_u32be(packet + INNER_HEADER + 16, t->policy.tunnel);
    store_u64be(packet + INNER_HEADER + 20, t->packets_sent);
}

void real_path_send_packet(struct gateway *g, struct sim_tunnel *t)
{
    uint8_t packet[INNER_SIZE];
    make_packet(g, t, packet);
    t->packets_sent++;
    (void)!write(g->real_path->devices[t->slot].near, packet, sizeof packet);
    real_path_run(g);
}

/* What comes out of the tunnels is what was sent, and no packet comes twice. */
static bool take_packets(struct gateway *g)
{
    bool moved = false;
    for (struct sim_tunnel *t = g->tunnels; t != NULL; t = t->next) {
        uint8_t packet[FRAME_MAX];
        ssize_t length;
        while ((length = read(g->real_path->devices[t->slot].near, packet, sizeof packet)) > 0) {
            moved = true;
            if (length != INNER_SIZE || memcmp(packet, inner_header, INNER_HEADER) != 0)
                world_broken(g, "a packet came out of a tunnel that nobody sent");
            else if (world_remember(g->world, packet + INNER_HEADER, INNER_SIZE - INNER_HEADER))
                world_broken(g, "a packet came out of a tunnel twice");
            g->packets_received++;
            t->packets_received++;
        }
    }
    return moved;
}

/* ---- ESP on the network ------------------------------------------------------------------------------ */

static bool take_frames_of(struct gateway *g, int fd, enum wire_kind kind)
{
    bool moved = false;
    uint8_t octets[FRAME_MAX];
    struct leaving_head head;
    struct iovec vectors[2] = {{&head, sizeof head}, {octets, sizeof octets}};
    struct msghdr frame = {.msg_iov = vectors, .msg_iovlen = 2};
    ssize_t length;
    while ((length = recvmsg(fd, &frame, MSG_DONTWAIT)) >= (ssize_t)sizeof head) {
        struct octets datagram = {octets, (size_t)length - sizeof head};
        struct ip_endpoint to = {.port = 0};
        struct ip_endpoint from = {source_of(&head), wire_is_udp(kind) ? IKE_NAT_PORT : IKE_PORT};
        (void)ip_endpoint_from_sockaddr((const struct sockaddr *)&head.to, &to);
        if (datagram.length > 8 && g->world->observer->esp != NULL)
            g->world->observer->esp(g, datagram);
        network_send_esp(g, &from, &to, wire_is_udp(kind), datagram);
        moved = true;
    }
    return moved;
}

static bool take_frames(struct gateway *g)
{
    bool moved = false;
    for (unsigned i = 0; i < WORKERS; i++) {
        for (size_t kind = 0; kind < WIRE_COUNT; kind++)
            moved |= take_frames_of(g, g->real_path->wires[i][kind].near, (enum wire_kind)kind);
    }
    return moved;
}

/* The socket at which a datagram arrives, as the kernel would steer it. */
static int wire_of(const struct real_path *r, const struct coming *c)
{
    uint32_t spi = c->length >= 4 ? load_u32be(c->octets) : 0;
    bool v4 = c->from.address.family == IP_V4;
    enum wire_kind kind = v4 ? WIRE_ESP_V4 : WIRE_ESP_V6;
    if (c->encapsulated)
        kind = v4 ? WIRE_UDP_V4 : WIRE_UDP_V6;
    return r->wires[esp_owner_of_spi(spi, WORKERS)][kind].near;
}

void real_path_receive(struct gateway *g, const struct coming *c)
{
    struct arriving_head head = {0};
    struct ip_endpoint from = c->from;
    size_t received = g->packets_received;
    bool is_keepalive = c->length == 1;
    if (!c->encapsulated)
        from.port = 0;
    (void)ip_endpoint_to_sockaddr(&from, &head.from);
    struct iovec vectors[2] = {{&head, sizeof head}, {(void *)(uintptr_t)c->octets, c->length}};
    const struct msghdr frame = {.msg_iov = vectors, .msg_iovlen = 2};
    (void)!sendmsg(wire_of(g->real_path, c), &frame, MSG_DONTWAIT);
    real_path_run(g);
    if (c->is_first && !is_keepalive && g->packets_received == received) {
        g->packets_lost++;
        if (g->world->trace != NULL)
            fprintf(g->world->trace, "%8lu %s: packet lost on SPI 0x%08x, number %u\n",
                    (unsigned long)g->world->now, g->name, load_u32be(c->octets), load_u32be(c->octets + 4));
    }
}

/* ---- Commands and events ----------------------------------------------------------------------------- */

static void broken(struct gateway *g, const char *what, enum path_result result)
{
    char text[120];
    (void)snprintf(text, sizeof text, "the path refuses %s: %s", what, path_result_text(result));
    world_broken(g, text);
}

void real_path_change(struct gateway *g, const struct child_command *command)
{
    static const char *const changes[CHILD_CHANGE_COUNT] = {
        "an installation", "an activation", "a stop", "a completion", "a removal", "a redirection"};
    struct real_path *r = g->real_path;
    enum path_result result = path_child_change(r->path, ++r->requests, command);
    if (result != PATH_OK)
        broken(g, changes[command->change], result);
    real_path_run(g);
}

/* Engine and path agree: what is not among those that the engine names is removed first. */
void real_path_agree(struct gateway *g, const struct ike_effects *effects)
{
    struct path_child has[LIVE_SLOTS];
    size_t position = 0;
    size_t count = path_list_children(g->real_path->path, &position, has, LIVE_SLOTS);
    for (size_t i = 0; i < count; i++) {
        bool named = false;
        for (size_t j = 0; j < effects->action_count && !named; j++) {
            const struct ike_action *action = &effects->actions[j];
            named = action->kind == IKE_ACTION_CHILD && action->child->change == CHILD_INSTALL &&
                    action->child->child.inbound.spi == has[i].inbound_spi;
        }
        if (named)
            continue;
        struct child_command removal = {.change = CHILD_REMOVE};
        removal.child.tunnel = has[i].tunnel;
        removal.child.inbound.spi = has[i].inbound_spi;
        real_path_change(g, &removal);
    }
}

/* The engine hears of it a moment later, as from another process. */
static void take_event(struct gateway *g, const struct path_event *event)
{
    if (event->kind == PATH_DONE) {
        if (event->result != PATH_OK)
            broken(g, "what it has begun", event->result);
        return;
    }
    struct coming *c = coming_new(g, (struct octets){(const uint8_t *)event, sizeof *event});
    c->kind = COMING_REPORT;
    world_schedule(g->world, c, 0);
}

void real_path_report(struct gateway *g, const struct coming *c)
{
    static const enum ike_event_kind kinds[] = {
        [PATH_CHILD_USED] = IKE_EVENT_CHILD_USED,
        [PATH_SEQUENCE_LOW] = IKE_EVENT_SEQUENCE_LOW,
        [PATH_PEER_MOVED] = IKE_EVENT_PEER_MOVED,
        [PATH_SPI_UNKNOWN] = IKE_EVENT_SPI_UNKNOWN,
    };
    struct path_event event;
    memcpy(&event, c->octets, sizeof event);
    if (event.kind == PATH_PACKET_WAITS) {
        gateway_packet_of_flow_waits(g, event.tunnel, &event.flow);
        return;
    }
    if (event.kind == PATH_PACKET_OUTSIDE) {
        gateway_packet_is_outside(g, event.tunnel, &event.flow);
        return;
    }
    for (struct installed_child *child = g->children; child != NULL; child = child->next) {
        if (event.kind == PATH_CHILD_USED && child->sa.inbound.spi == event.spi)
            child->active = true;
    }
    if (event.kind == PATH_UNANSWERED)
        gateway_report_unanswered(g, event.spi, event.never_heard);
    else
        gateway_report_esp(g, kinds[event.kind], event.spi, &event.remote);
}

void real_path_run(struct gateway *g)
{
    struct path *path = g->real_path->path;
    struct path_event event;
    bool moved = true;
    while (moved) {
        path_turn(path, gateway_now(g));
        moved = take_frames(g);
        moved |= take_packets(g);
    }
    while (path_next_event(path, &event))
        take_event(g, &event);
}
