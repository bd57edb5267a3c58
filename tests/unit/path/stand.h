/*
 * A test stand for the packet path: two ends, each a path with one tunnel or several, in a network namespace
 * of the test program's own. Outer packets go over lo, from 127.0.0.1 and fd00::1 to 127.0.0.2 and fd00::2;
 * inner ones are put into and taken from the TUN devices by packet sockets, so that no route or address
 * decides about them. A third party, "middle", at 127.0.0.3, stands in for a network that does what it likes.
 */
#ifndef MUSUBI_TESTS_STAND_H
#define MUSUBI_TESTS_STAND_H

#include <linux/virtio_net.h>

#include "path/path.h"

enum {
    STAND_TUNNEL = 1, /* the number of the first tunnel at both ends: of Tunnel0.0 */
    STAND_TUNNELS_MAX = 8,
    STAND_SLOTS = 64,
    STAND_PATIENCE = 20000, /* milliseconds to wait for what must come */
    STAND_QUIET = 100,      /* milliseconds to look for what must not come */
    STAND_PACKET_MAX = 65535,
    STAND_RING_ADDRESS =
        0x02, /* its first octet; the others are zero, as are all that Linux sends from on lo */
};

struct end {
    struct path *path;
    struct esp_live *live;
    struct path_totals *totals;            /* STAND_TUNNELS_MAX for each worker */
    struct path_worker_counters *counters; /* PATH_WORKERS_MAX of them */
    unsigned index;                        /* 0 or 1 */
    unsigned workers;
    unsigned tunnels;
    bool udp_segmentation; /* its TUN devices segment UDP too */
    unsigned tunnel; /* the one that packets are put into and taken from, and that Child SAs are made for */
    struct {
        int packets; /* packet socket on the TUN device */
        int ifindex;
    } devices[STAND_TUNNELS_MAX];
    int udp_v4[PATH_WORKERS_MAX];
    uint64_t requests;
};

struct stand {
    struct end ends[2];
};

/* How the two ends' Child SA is made. */
struct stand_sa {
    enum ip_family outer;
    bool encapsulated;
    uint16_t encryption, bits, integrity;
};

extern const struct stand_sa stand_gcm_udp; /* AES-GCM-256 in UDP over IPv4 */

/* The outer address of an end. */
struct ip_address end_address(unsigned index, enum ip_family family);

/* Moves the program into a namespace with a prepared lo; false, having said so in TAP, if it may not. */
bool stand_enter_namespace(void);

/* The number of workers that the test program is to be run with: its argument, or 1. With a second argument
 * `offload` stand_set_offload is called for both ends. */
unsigned stand_workers(int argc, char **argv);

/* Whether the TUN devices of the two ends yield and take super-packets, and their UDP sockets take merged
 * datagrams, from the next start on. */
void stand_set_offload(bool first, bool second);

/* What carries the ESP of both ends from the next start on; NULL: wire_sockets. */
void stand_set_io(const struct wire_io *io);

/* Whether both ends have a ring for plain ESP over IPv4 (path/link_ring.h), from the next start on. Its
 * frames come from the link-layer address STAND_RING_ADDRESS. */
void stand_set_ring(bool ring);

/* Starts both ends, each with that many workers and with one tunnel, or with several. */
void stand_start(struct stand *stand, unsigned workers);
void stand_start_tunnels(struct stand *stand, unsigned workers, unsigned tunnels);
void stand_stop(struct stand *stand);

/* Stops an end's path and starts another on the same live state and totals. */
void end_restart(struct end *end);

/* The number of a tunnel: of TunnelN.0, where N is `tunnel`. Its slot is `tunnel`. */
uint32_t stand_tunnel(unsigned tunnel);

/* One end's half of Child SA `number` (1 to STAND_SLOTS - 1, its slot and its SPIs and keys come of it) of
 * its present tunnel, as it is to be installed; active, selectors any. */
struct child_settings end_child(const struct end *end, const struct stand_sa *sa, uint32_t number);

/* The inbound SPI of the end's half of Child SA `number`. */
uint32_t end_spi(const struct end *end, uint32_t number);

/* path_child_change for an installation, for a change of the Child SA with that inbound SPI, and for another
 * destination. */
enum path_result child_install(struct path *path, uint64_t request, const struct child_settings *child);
enum path_result child_change(struct path *path, uint64_t request, enum child_change change, uint32_t spi);
enum path_result child_redirect(struct path *path, uint64_t request, uint32_t spi,
                                const struct child_destination *destination);

/* Changes the settings of the end's present tunnel; its number and slot are filled in, and an MTU of 0 is
 * that which it had at first. */
void end_configure(struct end *end, struct path_tunnel settings);

/* Installs it; both ends' halves with stand_install. All settled on return. */
void end_install(struct end *end, const struct child_settings *child);
void stand_install(struct stand *stand, const struct stand_sa *sa, uint32_t number);
void end_remove(struct end *end, uint32_t number);

/* An inner UDP packet of `length` octets (IPv4 20 + 8 + 4 at least, IPv6 40 + 8 + 4) that carries `number`.
 */
size_t packet_make(uint8_t *packet, enum ip_family family, size_t length, uint32_t number);
uint32_t packet_number(const uint8_t *packet);

/* Puts a packet into the end's TUN device, as if Linux had routed it there. */
void end_put(struct end *end, const uint8_t *packet, size_t length);

/* Puts a super-packet into the end's TUN device. Linux segments it there if the device does not. */
void end_put_super(struct end *end, const struct virtio_net_hdr *form, const uint8_t *packet, size_t length);

/* Takes the next packet that came out of the end's TUN device; 0 if none came in time (milliseconds). */
size_t end_take(struct end *end, uint8_t packet[STAND_PACKET_MAX], int patience);

/* Both for a packet of packet_make; end_expect fails the test if the next packet is another, or none. */
void end_put_number(struct end *end, enum ip_family family, size_t length, uint32_t number);
void end_expect_number(struct end *end, uint32_t number);
void end_expect_silence(struct end *end);

/* Waits for an event of that kind, passing over PATH_DONE; fails the test if none comes. */
struct path_event end_expect_event(struct end *end, enum path_event_kind kind);
/* True if an event of that kind comes within STAND_QUIET. */
bool end_has_event(struct end *end, enum path_event_kind kind);

/* Waits until the path says that there may be events; false if it does not. */
bool end_await_events(const struct end *end);

/* Waits until a counter of the present tunnel's totals, or of all workers' own counters, has exactly that
 * value; fails the test, saying what it was, if it never gets there. */
void end_expect_total(const struct end *end, enum esp_counter counter, uint64_t value);
void end_expect_worker_counter(const struct end *end, enum path_counter counter, uint64_t value);
uint64_t end_total(const struct end *end, enum esp_counter counter);
/* How many packets of the present tunnel left in fragments. */
uint64_t end_fragmented(const struct end *end);
/* What one worker has counted for all tunnels. */
uint64_t end_worker_total(const struct end *end, unsigned worker, enum esp_counter counter);

/* The middle's UDP socket on port 4500; `host` is the last octet of its address, 3 or more. */
int middle_open(uint8_t host);
struct ip_endpoint middle_endpoint(uint8_t host);

/* Receives a datagram at the middle; 0 if none came within `patience`. */
size_t middle_take(int fd, uint8_t *datagram, size_t size, int patience);

/* Sends datagrams of `segment` octets, but for the last, from the middle to an end's port 4500 such that they
 * come merged there. */
void middle_put_merged(int fd, const struct end *to, const uint8_t *datagrams, size_t length,
                       uint16_t segment);

/* Sends a datagram from the middle to an end's port 4500. */
void middle_put(int fd, const struct end *to, const uint8_t *datagram, size_t length);

/* Has lo take packets at that rate only, so that those behind stay in the account of the sockets that sent
 * them; false, having said so in TAP, if this kernel cannot (tc-tbf). */
bool stand_slow_down(uint32_t octets_per_second);

/* Waits until lo has delivered all that was sent before, so that nothing of it reaches the next test. */
void stand_drain(void);

/* Milliseconds on a clock that never goes back. */
int64_t stand_clock(void);

#endif
