/*
 * The packet path: workers that carry packets between the TUN device of each tunnel and the network, sealed
 * and opened by esp/. It knows tunnels and Child SAs by number, no configuration and no IKE.
 *
 * There are N workers, each a thread with sockets of its own. Each direction of a Child SA has one of them as
 * its owner (esp/owner.h): the outbound direction the one that reads the tunnel's TUN device, the inbound one
 * that to which its SPI leads. The two share nothing that changes, and tell each other by messages. The
 * sockets are steered by the same rule (by BPF, host/); what reaches another worker is discarded.
 *
 * All functions here are called from one thread, the controller. They refuse what cannot be, else have the
 * workers carry it out and return PATH_OK; when all that it concerns have done so, a PATH_DONE event with the
 * caller's request number follows. Calls for one tunnel are carried out one after the other, in their order;
 * those for different tunnels overlap. What one worker has to do after another goes on in path_next_event. An
 * event of another kind may come after the PATH_DONE of a removal and tell of what is gone. What travels,
 * struct path_tunnel, child_command and path_event, is plain memory without pointers.
 */
#ifndef MUSUBI_PATH_PATH_H
#define MUSUBI_PATH_PATH_H

#include "base/address.h"
#include "base/bytes.h"
#include "base/deadline.h"
#include "esp/child.h"
#include "esp/live.h"
#include "esp/owner.h"
#include "esp/worker.h"
#include "path/drops.h"

enum {
    PATH_WORKERS_MAX = ESP_OWNERS_MAX,
    PATH_WAITING_PACKETS = 64,       /* that wait in one tunnel for an SA (S6) */
    PATH_WAITING_OCTETS = 256 << 10, /* the same in octets */
};

/* What one worker has counted for one tunnel, in shared memory; it stays when SAs go. */
struct path_totals {
    uint64_t counters[ESP_COUNTER_COUNT];
    uint64_t drops[DROP_COUNT];
    uint64_t fragmented; /* packets that were sealed whole, whose ESP is larger than the path takes whole */
    /* Whole cache lines, so that workers of neighbouring tunnels do not take them from each other. */
    uint64_t unused[7 - (ESP_COUNTER_COUNT + DROP_COUNT + 1 - 1) % 8];
};

_Static_assert(sizeof(struct path_totals) % 64 == 0, "whole cache lines");

/* What a tunnel's packets may have for sizes now: of the newest Child SA by which they leave. In shared
 * memory, written by the worker of the tunnel's outbound direction; all in octets, but for the time. */
enum path_size {
    PATH_SIZE_LINK,      /* MTU of the outgoing link or route; 0: no SA, and the next three mean nothing */
    PATH_SIZE_LEARNT,    /* what a router said of the path (S39); 0: none did */
    PATH_SIZE_LEARNT_AT, /* when it did, in milliseconds of CLOCK_BOOTTIME */
    PATH_SIZE_INNER,     /* the largest inner packet whose outer packet takes the path whole */
    PATH_SIZE_MSS_V4,    /* to which SYNs are lowered (R75); 0: they are left alone */
    PATH_SIZE_MSS_V6,
    PATH_SIZE_COUNT
};

struct path_sizes {
    uint64_t octets[PATH_SIZE_COUNT];
};

/* What belongs to no tunnel, counted by each worker in shared memory of its own. */
enum path_counter {
    PATH_UNKNOWN_SPI, /* ESP for no SA of ours */
    PATH_TRUNCATED,   /* too short for what it claims to be */
    PATH_KEEPALIVES,  /* NAT keepalives that came in (RFC 3948 4) */
    PATH_PASSED_ON, /* ESP that came to another worker's socket, merged with ESP of that one (path/stray.h) */
    /* What came to the wrong socket, and could not be passed on. */
    PATH_IKE_DATAGRAMS, /* datagrams with a zero marker, which are the engine's */
    PATH_MISDIRECTED,   /* ESP whose SPI belongs to another worker */
    PATH_EVENTS_LOST,   /* events that found the queue full; they are raised again where they matter */
    PATH_READ_ERRORS,   /* of a socket or a TUN device */
    PATH_COUNTER_COUNT
};

struct path_worker_counters {
    uint64_t counters[PATH_COUNTER_COUNT];
};

/* What one worker is given. Descriptors that do not exist are -1. The UDP sockets are bound to port 4500 and
 * get no datagrams with a zero marker; neither kind sets DF unless it is said here. All tell where a datagram
 * arrived (IP_PKTINFO, IPV6_RECVPKTINFO). */
struct path_worker {
    int esp_v4; /* SOCK_RAW, IPPROTO_ESP */
    int esp_v6;
    int udp_v4;
    int udp_v6;
    int esp_v4_df; /* only send, and set DF */
    int udp_v4_df;
    int packet;  /* AF_PACKET, SOCK_RAW, for no protocol: only sends; it gets a ring (path/link_ring.h) */
    int icmp_v4; /* SOCK_RAW, IPPROTO_ICMP: sends and receives errors */
    int icmp_v6; /* SOCK_RAW, IPPROTO_ICMPV6 */
    uint8_t seed[ESP_SEED_SIZE];           /* fresh random octets, of which IVs come; the caller wipes them */
    uint64_t hash_seed;                    /* fresh random bits */
    struct path_worker_counters *counters; /* in shared memory */
};

struct wire_io;

/* A neighbour on an Ethernet link to which ESP over IPv4 may be given without Linux's IP output. */
struct path_next_hop {
    uint32_t link;      /* interface index; 0: there is none, and the rest is zero */
    uint8_t header[14]; /* of the Ethernet frame */
    uint8_t ttl;        /* of packets that Linux sends to the destination */
};

/* By what packets go to a destination. */
struct path_route {
    uint32_t mtu; /* of the link or route, octets; 0: not known */
    struct path_next_hop next_hop;
};

struct path_options {
    unsigned worker_count; /* 1 to PATH_WORKERS_MAX */
    struct path_worker workers[PATH_WORKERS_MAX];
    struct esp_live *live; /* slots of Child SAs, in memory that outlives this process */
    size_t live_count;
    /* In shared memory: `totals_count` of the first worker, one for each slot of a tunnel, then those of the
     * next worker. Each is written by its worker alone; a reader adds up a slot's. They begin at a cache line
     * where it matters. */
    struct path_totals *totals;
    size_t totals_count;
    struct path_sizes *sizes; /* in shared memory: one for each slot of a tunnel. NULL: nobody reads them */
    /* For simulations: the workers have no threads, and run when path_turn is called, at the time that it
     * says. They do their arithmetic by OpenSSL, without a self-test. */
    bool by_turns;
    const struct wire_io *io; /* what stands in for sockets (path/wire.h); NULL: nothing does */
    /* Tells by what packets go to a destination. Called by the controller's thread, within its calls. NULL:
     * nothing is known. `route` is zero before. */
    void (*find_route)(void *context, const struct child_destination *destination, struct path_route *route);
    void *find_context;
};

/* `ip tcp adjust-mss` of one family (R75). */
struct path_mss {
    bool automatic;  /* what fits */
    uint16_t octets; /* else this; 0: SYNs are left alone */
};

struct path_tunnel {
    uint32_t number;
    uint32_t slot;     /* below path_options.totals_count; no two tunnels have the same */
    uint32_t mtu;      /* of the TUN device, octets */
    bool mtu_ignore;   /* R73 */
    bool pre_fragment; /* R72 */
    /* What its device does, from path_tunnel_add on: IFF_VNET_HDR, so packets have a struct virtio_net_hdr
     * in front of them and may be super-packets; and with it segmentation of UDP (TUN_F_USO4, TUN_F_USO6). */
    bool vnet_header;
    bool udp_segmentation;
    struct path_mss mss_v4, mss_v6;
};

enum path_result {
    PATH_OK,
    PATH_INVALID,    /* an argument is out of its range */
    PATH_NO_MEMORY,  /* memory or descriptors ran out */
    PATH_NO_TUNNEL,  /* there is none of that number */
    PATH_NO_CHILD,   /* there is none of that inbound SPI in that tunnel */
    PATH_EXISTS,     /* the tunnel's number is taken, or the inbound SPI is that of another Child SA */
    PATH_SLOT_TAKEN, /* the slot holds the live state of another Child SA */
    PATH_RESULT_COUNT
};

enum path_event_kind {
    PATH_DONE,           /* the command `request` was carried out, with `result`. Unless that is PATH_OK, what
                            was added or installed does not work and is to be removed */
    PATH_PACKET_WAITS,   /* for an SA, in `tunnel`; `flow` is the oldest one's. Again each second while so */
    PATH_PACKET_OUTSIDE, /* a packet in `tunnel`, with `flow`, was dropped since no Child SA holds it and none
                            is to come; the first one in a second, and after a Child SA has become active */
    PATH_CHILD_USED,     /* the peer has used an SA that was installed `active_when_used` */
    PATH_SEQUENCE_LOW,   /* few numbers are left to send on `spi`; once */
    PATH_PEER_MOVED,     /* the newest authenticated packet on `spi` came from `remote` (S9) */
    PATH_UNANSWERED, /* packets have left on `spi` for 20 s, and none has come; again as long as that is so */
    PATH_SPI_UNKNOWN, /* ESP for `spi`, which is no SA's, came from `remote` to `local`; of each address once
                         in 10 s, of all 10 times in a second, at most */
};

struct path_event {
    enum path_event_kind kind;
    enum path_result result;
    uint64_t request;
    uint32_t tunnel;
    uint32_t spi;
    struct packet_flow flow;
    struct ip_endpoint remote; /* port 0 unless `encapsulated` */
    struct ip_address local;   /* PATH_SPI_UNKNOWN; family IP_NONE if the socket does not tell */
    uint32_t ifindex;          /* PATH_SPI_UNKNOWN: the arrival interface; 0 if the socket does not tell */
    bool encapsulated;
    bool never_heard; /* PATH_UNANSWERED: no packet has ever come in by the Child SA */
};

struct path;

/* A datagram on UDP port 4500 that came to the wrong socket, since Linux has merged it with another one. */
struct path_stray {
    struct ip_endpoint remote;
    struct ip_address local; /* as in struct path_event */
    uint32_t ifindex;
    uint8_t traffic_class; /* of its IP header; 0: not known */
    size_t length;
    uint8_t octets[];
};

/*
 * Starts the workers. The sockets belong to the path from here on, which closes them at its end. The shared
 * memory must stay mapped until path_free. NULL, with errno set, if memory, descriptors or threads ran out or
 * an option is out of its range; then the sockets stay the caller's.
 */
struct path *path_new(const struct path_options *options);

/* Stops and joins the workers, wipes all keys, closes all descriptors. Live state and counters stay. */
void path_free(struct path *path);

/* Readable while there may be events: then call path_next_event until it is false. */
int path_event_fd(const struct path *path);

/* Takes the next event; false if there is none. */
bool path_next_event(struct path *path, struct path_event *event);

/* Takes the next datagram of IKE, from its marker on, that came to a worker; NULL if there is none. The
 * caller frees it. path_event_fd is readable while there may be one. */
struct path_stray *path_next_stray(struct path *path);

/* Hands a worker ESP that came to the engine's socket; false if it has very many to take. */
bool path_put_stray(struct path *path, const struct ip_endpoint *remote, struct octets esp);

/* Waits until all commands so far have been carried out. Their events are there afterwards. */
void path_settle(struct path *path);

/*
 * With `by_turns`: lets the workers do all that there is to do at the time `now`, in milliseconds, which
 * never goes back. What they can do no more waits for room in a descriptor, for other datagrams, or for a
 * time.
 */
void path_turn(struct path *path, msec_t now);

/* With `by_turns`: when path_turn is wanted next, should nothing else happen; MSEC_NEVER: it is not. */
msec_t path_deadline(const struct path *path);

/* What a result is in words, to be put behind the name of a tunnel. */
const char *path_result_text(enum path_result result);

/*
 * Adds a tunnel. `tun` is its device (IFF_TUN, IFF_NO_PI; with vnet_header IFF_VNET_HDR and a header of 10
 * octets); it belongs to the path from here on, which makes
 * it non-blocking and closes it with the tunnel. If this is refused it stays the caller's.
 */
enum path_result path_tunnel_add(struct path *path, uint64_t request, const struct path_tunnel *tunnel,
                                 int tun);

/* Changes the settings of a tunnel, but for its slot and what its device does. */
enum path_result path_tunnel_update(struct path *path, uint64_t request, const struct path_tunnel *tunnel);

/* Removes a tunnel with its Child SAs and the packets that wait in it. */
enum path_result path_tunnel_remove(struct path *path, uint64_t request, uint32_t number);

/* No SA can be had for packets of this pair: those that wait are dropped and counted (S6, R71). */
enum path_result path_tunnel_fail(struct path *path, uint64_t request, uint32_t number,
                                  const struct packet_pair *pair);

/*
 * Changes a Child SA, or installs one. For an installation, no other Child SA that the path has may have the
 * slot of esp_live, but one whose removal was asked for before. If the slot holds this Child SA's own state
 * it is resumed: numbers go on from its mark. The keys are expanded at once; the caller wipes `command`.
 *
 * A Child SA that is there already, with the same SPIs, keys and selectors, is adopted: numbers, window and
 * counters go on, destination and flags become those of the new installation. An active one stays active, and
 * one that was stopped stays stopped; what was told once is told again. With the same inbound SPI and
 * anything else it is refused.
 */
enum path_result path_child_change(struct path *path, uint64_t request, const struct child_command *command);

/* How many Child SAs the path has. */
size_t path_child_count(const struct path *path);

/* Links, routes or neighbours have changed: the routes to all destinations are found anew. */
void path_review_routes(struct path *path);

/* The addresses of this host (R74) are these `count`. False if memory ran out; then they stay as they were.
 */
bool path_set_own_addresses(struct path *path, const struct ip_address *addresses, size_t count);

/* A Child SA that the path has. */
struct path_child {
    uint32_t tunnel;
    uint32_t inbound_spi;
    uint32_t outbound_spi;
    uint32_t live_slot;
};

/*
 * Lists the Child SAs that the path has, without those whose removal was asked for: writes at most `max` of
 * them to `out`, from *position on (0 at first), moves *position on, and returns how many; 0: there are no
 * more. Nothing may be installed or removed between the calls of one listing.
 *
 * An engine that is new, or hears that its path is new, uses the list thus: it removes what the list has and
 * it has not; then it installs all that it has. What the path has already is adopted, the rest is installed
 * anew.
 */
size_t path_list_children(const struct path *path, size_t *position, struct path_child *out, size_t max);

#endif
