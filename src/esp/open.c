#include "esp/open.h"

#include <netinet/in.h>

#include "esp/ecn.h"
#include "esp/replay.h"
#include "esp/worker_state.h"

enum {
    TRAILER_SIZE = 2, /* padding length and next header */
    IPV4_HEADER_SIZE = 20,
    IPV6_HEADER_SIZE = 40,
};

enum esp_counter esp_open_counter(enum esp_open_result result)
{
    static const enum esp_counter counters[ESP_OPEN_RESULT_COUNT] = {
        [ESP_OPENED] = ESP_IN_PACKETS,
        [ESP_OPEN_DUMMY] = ESP_IN_PACKETS,
        [ESP_OPEN_TRUNCATED] = ESP_IN_TRUNCATED,
        [ESP_OPEN_INVALID_SA] = ESP_IN_INVALID_SA,
        [ESP_OPEN_REPLAY] = ESP_IN_REPLAY,
        [ESP_OPEN_INTEGRITY_FAILURE] = ESP_IN_INTEGRITY_FAILURE,
        [ESP_OPEN_CIPHER_FAILURE] = ESP_IN_CIPHER_FAILURE,
        [ESP_OPEN_INVALID_PADDING] = ESP_IN_INVALID_PADDING,
        [ESP_OPEN_UNKNOWN_PROTOCOL] = ESP_IN_UNKNOWN_PROTOCOL,
        [ESP_OPEN_TS_UNACCEPTABLE] = ESP_IN_TS_UNACCEPTABLE,
        [ESP_OPEN_NOT_IP] = ESP_IN_MISC_ERROR,
        [ESP_OPEN_CONGESTED] = ESP_IN_MISC_ERROR,
    };
    return counters[result];
}

bool esp_open_is_authentic(enum esp_open_result result)
{
    switch (result) {
    case ESP_OPENED:
    case ESP_OPEN_DUMMY:
    case ESP_OPEN_INVALID_PADDING:
    case ESP_OPEN_UNKNOWN_PROTOCOL:
    case ESP_OPEN_TS_UNACCEPTABLE:
    case ESP_OPEN_NOT_IP:
    case ESP_OPEN_CONGESTED:
        return true;
    default:
        return false;
    }
}

/* What can be said before the ICV is checked: lengths, SPI, and whether it may be new. Makes the job. */
static enum esp_open_result admit_packet(struct esp_inbound *p, struct esp_job *job)
{
    const struct esp_sa *sa = p->sa;
    size_t around = (size_t)ESP_HEADER_SIZE + sa->suite.iv_size + sa->suite.icv_size;
    /* One block of text at least, since the trailer is in it. */
    if (p->length < around + sa->suite.alignment ||
        ((p->length - around) & (sa->suite.alignment - 1U)) != 0 || p->length > ESP_PACKET_MAX)
        return ESP_OPEN_TRUNCATED;
    if (load_u32be(p->packet) != sa->spi)
        return ESP_OPEN_INVALID_SA;
    p->sequence = load_u32be(p->packet + 4);
    if (sa->anti_replay && !replay_is_fresh(sa->live, p->sequence))
        return ESP_OPEN_REPLAY;
    *job = (struct esp_job){
        .sa = sa, .esp = p->packet, .text = (uint32_t)(p->length - around), .outcome = ESP_JOB_FAILED};
    return ESP_OPENED;
}

/* The window once more, now that the number is known to be the peer's: a batch may hold a packet twice. */
static bool take_number(const struct esp_inbound *p)
{
    if (p->sa->anti_replay)
        return replay_accept(p->sa->live, p->sequence);
    replay_note(p->sa->live, p->sequence);
    return true;
}

/* True if the `length` octets of padding are 1, 2, 3, … (RFC 4303 2.4). */
static bool padding_is_sound(const uint8_t *padding, size_t length)
{
    uint8_t difference = 0;
    for (size_t i = 0; i < length; i++)
        difference = (uint8_t)(difference | (padding[i] ^ (i + 1)));
    return difference == 0;
}

/* Finds the inner packet in the `room` octets at `text`, by its own length: the rest is TFC padding. */
static bool find_inner(struct esp_inbound *p, uint8_t *text, size_t room, enum ip_family family)
{
    size_t header = family == IP_V4 ? IPV4_HEADER_SIZE : IPV6_HEADER_SIZE;
    if (room < header || text[0] >> 4 != (int)family)
        return false;
    size_t length = family == IP_V4 ? load_u16be(text + 2) : (size_t)load_u16be(text + 4) + IPV6_HEADER_SIZE;
    if (family == IP_V4)
        header = (size_t)(text[0] & 0x0f) * 4;
    if (header < IPV4_HEADER_SIZE || length < header || length > room)
        return false;
    p->family = family;
    p->inner = text;
    p->inner_length = length;
    return true;
}

static bool selectors_hold(const struct esp_inbound *p)
{
    struct packet_flow flow;
    const struct octets inner = {p->inner, p->inner_length};
    return esp_sa_holds_all(p->sa, p->family) ||
           (packet_flow_read(inner.at, inner.length, &flow) && esp_sa_holds(p->sa, &flow)) ||
           esp_sa_holds_error(p->sa, inner);
}

/* What the deciphered text says. */
static enum esp_open_result unframe_packet(struct esp_inbound *p, const struct esp_job *job)
{
    uint8_t *text = job->esp + ESP_HEADER_SIZE + job->sa->suite.iv_size;
    uint8_t *trailer = text + job->text - TRAILER_SIZE;
    size_t padding = trailer[0];
    if (padding > job->text - TRAILER_SIZE || !padding_is_sound(trailer - padding, padding))
        return ESP_OPEN_INVALID_PADDING;
    size_t room = job->text - TRAILER_SIZE - padding;
    switch (trailer[1]) {
    case IPPROTO_IPIP:
        if (!find_inner(p, text, room, IP_V4))
            return ESP_OPEN_NOT_IP;
        break;
    case IPPROTO_IPV6:
        if (!find_inner(p, text, room, IP_V6))
            return ESP_OPEN_NOT_IP;
        break;
    case IPPROTO_NONE:
        return ESP_OPEN_DUMMY;
    default:
        return ESP_OPEN_UNKNOWN_PROTOCOL;
    }
    if (!selectors_hold(p))
        return ESP_OPEN_TS_UNACCEPTABLE;
    return ecn_combine(p->inner, p->family, p->outer_tos) ? ESP_OPENED : ESP_OPEN_CONGESTED;
}

static enum esp_open_result judge_packet(struct esp_inbound *p, const struct esp_job *job)
{
    if (job->outcome == ESP_JOB_NOT_AUTHENTIC)
        return ESP_OPEN_INTEGRITY_FAILURE;
    if (job->outcome != ESP_JOB_DONE)
        return ESP_OPEN_CIPHER_FAILURE;
    if (!take_number(p))
        return ESP_OPEN_REPLAY;
    enum esp_open_result result = unframe_packet(p, job);
    if (result != ESP_OPENED)
        p->inner = NULL;
    return result;
}

/* Counts the results of a chunk in the live state of the SAs. */
static size_t count_results(const struct esp_inbound *packets, size_t count, uint64_t now)
{
    size_t opened = 0;
    for (size_t i = 0; i < count;) {
        struct esp_live *live = packets[i].sa->live;
        uint64_t good = 0, octets = 0;
        bool authentic = false;
        /* A run of one SA's packets is added up first. */
        for (; i < count && packets[i].sa->live == live; i++) {
            authentic = authentic || esp_open_is_authentic(packets[i].result);
            if (packets[i].result == ESP_OPENED) {
                good++;
                octets += packets[i].inner_length;
            } else {
                esp_live_count(live, esp_open_counter(packets[i].result), 1);
            }
        }
        if (authentic)
            __atomic_store_n(&live->last_inbound, now, __ATOMIC_RELAXED);
        if (good > 0) {
            esp_live_count(live, ESP_IN_PACKETS, good);
            esp_live_count(live, ESP_IN_OCTETS, octets);
        }
        opened += good;
    }
    return opened;
}

static size_t open_chunk(struct esp_worker *worker, struct esp_inbound *packets, size_t count, uint64_t now)
{
    struct esp_job jobs[ESP_CHUNK];
    struct esp_inbound *owners[ESP_CHUNK];
    size_t job_count = 0;
    for (size_t i = 0; i < count; i++) {
        packets[i].family = IP_NONE;
        packets[i].inner = NULL;
        packets[i].inner_length = 0;
        packets[i].sequence = 0;
        packets[i].result = admit_packet(&packets[i], &jobs[job_count]);
        owners[job_count] = &packets[i];
        if (packets[i].result == ESP_OPENED)
            job_count++;
    }
    esp_worker_open_jobs(worker, jobs, job_count);
    for (size_t i = 0; i < job_count; i++)
        owners[i]->result = judge_packet(owners[i], &jobs[i]);
    return count_results(packets, count, now);
}

size_t esp_open(struct esp_worker *worker, struct esp_inbound *packets, size_t count, uint64_t now)
{
    size_t opened = 0;
    for (size_t i = 0; i < count; i += ESP_CHUNK)
        opened += open_chunk(worker, packets + i, count - i < ESP_CHUNK ? count - i : ESP_CHUNK, now);
    return opened;
}
