#include "esp/sa.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "esp/worker_state.h"

enum {
    SPI_FIRST = 256, /* RFC 4303 2.1: those below are reserved */
    CACHE_LINE = 64,
};

#define SEQUENCE_END (UINT64_C(1) << 32) /* one above the last number, without ESN */

static bool settings_are_sound(const struct esp_sa_settings *s)
{
    const struct encryption_algorithm *e = s->encryption;
    const struct integrity_algorithm *i = s->integrity;
    return s->spi >= SPI_FIRST && s->live != NULL && e != NULL && encryption_is_aead(e) == (i == NULL) &&
           s->encryption_key.length == e->key_size + e->salt_size &&
           s->integrity_key.length == (i != NULL ? i->key_size : 0) && s->selectors.local_count > 0 &&
           s->selectors.local_count <= ESP_SELECTORS_MAX && s->selectors.remote_count > 0 &&
           s->selectors.remote_count <= ESP_SELECTORS_MAX;
}

static struct esp_suite suite_of(const struct encryption_algorithm *e, const struct integrity_algorithm *i)
{
    const struct esp_framing framing = esp_framing_of(e, i);
    return (struct esp_suite){
        .encryption = e,
        .integrity = i,
        .iv_size = (uint8_t)e->iv_size,
        .icv_size = framing.icv,
        .alignment = framing.alignment,
    };
}

/* Octets of an SA, in one piece with its expanded keys. */
static size_t size_with_keys(const struct esp_backend *backend, const struct esp_suite *suite)
{
    return sizeof(struct esp_sa) + backend->expanded_size(suite);
}

struct esp_sa *esp_sa_new(struct esp_worker *worker, const struct esp_sa_settings *settings)
{
    if (!settings_are_sound(settings))
        return NULL;
    const struct esp_suite suite = suite_of(settings->encryption, settings->integrity);
    const struct esp_backend *backend = esp_worker_backend(worker, &suite);
    bool all_v4 = traffic_selectors_hold_all(&settings->selectors, IP_V4);
    bool all_v6 = traffic_selectors_hold_all(&settings->selectors, IP_V6);
    size_t size = size_with_keys(backend, &suite);
    void *at; /* by posix_memalign: for aligned_alloc the size would have to be a multiple of the alignment */
    if (posix_memalign(&at, CACHE_LINE, size) != 0)
        return NULL;
    struct esp_sa *sa = memset(at, 0, size);
    uint64_t mark = settings->live->sequence_mark;
    *sa = (struct esp_sa){
        .suite = suite,
        .backend = backend,
        .live = settings->live,
        .next_sequence = mark > 0 ? mark : 1,
        .reserved = mark,
        .spi = settings->spi,
        .direction = (uint8_t)settings->direction,
        .anti_replay = settings->anti_replay,
        .holds_all_v4 = all_v4,
        .holds_all_v6 = all_v6,
    };
    if (!all_v4 || !all_v6)
        sa->selectors = settings->selectors;
    memcpy(sa->encryption_key, settings->encryption_key.at, settings->encryption_key.length);
    if (settings->integrity != NULL)
        memcpy(sa->integrity_key, settings->integrity_key.at, settings->integrity_key.length);
    if (!backend->expand(esp_worker_backend_state(worker, backend), sa)) {
        esp_sa_free(sa);
        return NULL;
    }
    return sa;
}

void esp_sa_free(struct esp_sa *sa)
{
    if (sa != NULL)
        secret_free(sa, size_with_keys(sa->backend, &sa->suite));
}

static bool selector_equal(const struct traffic_selector *a, const struct traffic_selector *b)
{
    return a->protocol == b->protocol && a->first_port == b->first_port && a->last_port == b->last_port &&
           ip_address_equal(&a->first, &b->first) && ip_address_equal(&a->last, &b->last);
}

static bool selectors_equal(const struct traffic_selector *a, size_t a_count,
                            const struct traffic_selector *b, size_t b_count)
{
    if (a_count != b_count)
        return false;
    for (size_t i = 0; i < a_count; i++) {
        if (!selector_equal(&a[i], &b[i]))
            return false;
    }
    return true;
}

/* Those that hold everything are not looked at again. */
static bool sa_has_selectors(const struct esp_sa *sa, const struct traffic_selectors *s)
{
    if (traffic_selectors_hold_all(s, IP_V4) != sa->holds_all_v4 ||
        traffic_selectors_hold_all(s, IP_V6) != sa->holds_all_v6)
        return false;
    const struct traffic_selectors *own = &sa->selectors;
    return (sa->holds_all_v4 && sa->holds_all_v6) ||
           (selectors_equal(own->local, own->local_count, s->local, s->local_count) &&
            selectors_equal(own->remote, own->remote_count, s->remote, s->remote_count));
}

bool esp_sa_is_made_of(const struct esp_sa *sa, const struct esp_sa_settings *settings)
{
    const struct octets *encryption = &settings->encryption_key;
    const struct octets *integrity = &settings->integrity_key;
    return settings_are_sound(settings) && sa->direction == settings->direction && sa->spi == settings->spi &&
           sa->suite.encryption == settings->encryption && sa->suite.integrity == settings->integrity &&
           secret_equal(sa->encryption_key, encryption->at, encryption->length) &&
           (integrity->length == 0 || secret_equal(sa->integrity_key, integrity->at, integrity->length)) &&
           sa_has_selectors(sa, &settings->selectors);
}

void esp_sa_set_anti_replay(struct esp_sa *sa, bool on)
{
    sa->anti_replay = on;
}

bool esp_sa_has_anti_replay(const struct esp_sa *sa)
{
    return sa->anti_replay;
}

uint32_t esp_sa_spi(const struct esp_sa *sa)
{
    return sa->spi;
}

struct esp_live *esp_sa_live(const struct esp_sa *sa)
{
    return sa->live;
}

static enum packet_direction direction_of(const struct esp_sa *sa)
{
    return (enum packet_direction)sa->direction;
}

bool esp_sa_holds(const struct esp_sa *sa, const struct packet_flow *flow)
{
    return esp_sa_holds_all(sa, flow->source.family) ||
           traffic_selectors_hold(&sa->selectors, flow, direction_of(sa));
}

bool esp_sa_holds_error(const struct esp_sa *sa, struct octets packet)
{
    struct packet_flow quoted;
    enum packet_direction its_way = direction_of(sa) == PACKET_OUTBOUND ? PACKET_INBOUND : PACKET_OUTBOUND;
    return packet_flow_read_quoted(packet.at, packet.length, &quoted) &&
           traffic_selectors_hold(&sa->selectors, &quoted, its_way);
}

bool esp_sa_holds_fragments(const struct esp_sa *sa, const struct packet_flow *flow)
{
    struct packet_flow later = *flow;
    later.ports = FLOW_PORTS_NONE;
    later.source_port = later.destination_port = 0;
    return esp_sa_holds(sa, &later);
}

bool esp_sa_holds_all(const struct esp_sa *sa, enum ip_family family)
{
    return (family == IP_V4 && sa->holds_all_v4) || (family == IP_V6 && sa->holds_all_v6);
}

uint64_t esp_sa_sequences_left(const struct esp_sa *sa)
{
    return sa->next_sequence < SEQUENCE_END ? SEQUENCE_END - sa->next_sequence : 0;
}

bool esp_sa_take_sequence(struct esp_sa *sa, uint32_t *sequence)
{
    if (sa->next_sequence >= SEQUENCE_END)
        return false;
    if (sa->next_sequence >= sa->reserved) {
        sa->reserved = sa->next_sequence + ESP_SEQUENCE_BLOCK;
        if (sa->reserved > SEQUENCE_END)
            sa->reserved = SEQUENCE_END;
        __atomic_store_n(&sa->live->sequence_mark, sa->reserved, __ATOMIC_SEQ_CST);
    }
    *sequence = (uint32_t)sa->next_sequence++;
    return true;
}

bool esp_sa_has_sent(const struct esp_sa *sa, uint32_t sequence, uint32_t among)
{
    return sequence > 0 && sequence < sa->next_sequence && sa->next_sequence - sequence <= among;
}

struct esp_framing esp_sa_framing(const struct esp_sa *sa)
{
    return esp_framing_of(sa->suite.encryption, sa->suite.integrity);
}

size_t esp_sa_front_size(const struct esp_sa *sa)
{
    return ESP_HEADER_SIZE + sa->suite.iv_size;
}

size_t esp_sa_sealed_size(const struct esp_sa *sa, size_t inner)
{
    const struct esp_framing framing = {
        .front = (uint8_t)esp_sa_front_size(sa),
        .alignment = sa->suite.alignment,
        .icv = sa->suite.icv_size,
    };
    return esp_framing_sealed_size(&framing, inner);
}
