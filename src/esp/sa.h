/*
 * One direction of a Child SA as the packet path sees it (RFC 4301 4.4.2): keys ready for use, the selectors,
 * and a pointer to the live state. Made when the engine installs the SA, given to the packets of a batch
 * (esp/seal.h, esp/open.h), freed when it is deleted. It belongs to one worker thread at a time.
 *
 * About 1.2 KB for AES-GCM, 0.6 KB for AES-CBC, in one piece.
 */
#ifndef MUSUBI_ESP_SA_H
#define MUSUBI_ESP_SA_H

#include "base/bytes.h"
#include "crypto/algorithm.h"
#include "esp/framing.h"
#include "esp/live.h"
#include "esp/selector.h"
#include "esp/worker.h"

enum {
    ESP_HEADER_SIZE = 8, /* SPI and sequence number */
    /* No ESP packet is larger than its inner packet by more: header, IV, padding with its length and next
     * header, ICV. */
    ESP_OVERHEAD_MAX = 8 + 16 + 17 + 32,
    ESP_INNER_MAX = 65535,  /* octets of an inner packet */
    ESP_PACKET_MAX = 66000, /* octets of an ESP packet, from SPI to ICV */
};

/* What the engine says of an SA. Keys are copied. */
struct esp_sa_settings {
    enum packet_direction direction;
    uint32_t spi; /* host byte order; 256 or above */
    const struct encryption_algorithm *encryption;
    const struct integrity_algorithm *integrity; /* NULL with AES-GCM, and only then */
    struct octets encryption_key;                /* key_size octets, then salt_size of salt */
    struct octets integrity_key;                 /* key_size octets, or empty */
    bool anti_replay;                            /* inbound: refuse what the window does not let pass */
    /* 1 to ESP_SELECTORS_MAX of each side. They must outlive the SA, unless they hold all packets of both
     * families; the other direction may share them. */
    struct traffic_selectors selectors;
    struct esp_live *live; /* must outlive the SA; the other direction may share it */
};

struct esp_sa;

/*
 * A new SA; the worker's arithmetic determines the form of its keys. An outbound one goes on from
 * live->sequence_mark. NULL if memory ran out or the settings contradict themselves (lengths of keys, an
 * integrity algorithm with AES-GCM or none without, SPI below 256, number of selectors).
 */
struct esp_sa *esp_sa_new(struct esp_worker *worker, const struct esp_sa_settings *settings);

/* Wipes and frees an SA. `sa` may be NULL. The live state is left as it is. */
void esp_sa_free(struct esp_sa *sa);

/*
 * True if the SA was made of these settings: SPI, algorithms, keys (compared in constant time) and selectors.
 * What can change, anti-replay and the live state, does not matter. For any thread.
 */
bool esp_sa_is_made_of(const struct esp_sa *sa, const struct esp_sa_settings *settings);

/* Inbound: whether the window refuses packets from here on. */
void esp_sa_set_anti_replay(struct esp_sa *sa, bool on);
bool esp_sa_has_anti_replay(const struct esp_sa *sa);

uint32_t esp_sa_spi(const struct esp_sa *sa);
struct esp_live *esp_sa_live(const struct esp_sa *sa);

/* True if the SA's selectors hold the packet, going in the SA's own direction (R71). Counts nothing. */
bool esp_sa_holds(const struct esp_sa *sa, const struct packet_flow *flow);

/*
 * True if they hold the packet as an ICMP error: it quotes a packet that goes the other way by the same Child
 * SA. Such errors are carried, whatever the selectors say of ICMP (RFC 4301 6.2): with selectors of TCP, the
 * two ends could not learn the path's MTU otherwise.
 */
bool esp_sa_holds_error(const struct esp_sa *sa, struct octets packet);

/* True if they hold each fragment of a packet that they hold: those without ports too (RFC 4301 7). */
bool esp_sa_holds_fragments(const struct esp_sa *sa, const struct packet_flow *flow);

/* True if they hold every packet of the family, so that its flow need not be read. */
bool esp_sa_holds_all(const struct esp_sa *sa, enum ip_family family);

/*
 * Outbound: how many sequence numbers are left; 0: the SA seals nothing any more. For a rekey in time (S24).
 */
uint64_t esp_sa_sequences_left(const struct esp_sa *sa);

/* The sizes of its ESP packets, for whoever has no SA at hand. */
struct esp_framing esp_sa_framing(const struct esp_sa *sa);

/* Outbound: true if `sequence` is one of the last `among` numbers that were used. */
bool esp_sa_has_sent(const struct esp_sa *sa, uint32_t sequence, uint32_t among);

/* Octets of ESP header and IV: what stands before the inner packet, for sealing in place. */
size_t esp_sa_front_size(const struct esp_sa *sa);

/* Octets of the ESP packet, from SPI to ICV, for an inner packet of `inner` octets. */
size_t esp_sa_sealed_size(const struct esp_sa *sa, size_t inner);

#endif
