#include "esp/seal.h"

#include <netinet/in.h>
#include <string.h>

#include "esp/worker_state.h"

enum {
    IPV4_HEADER_SIZE = 20,
    IPV6_HEADER_SIZE = 40,
};

enum esp_counter esp_seal_counter(enum esp_seal_result result)
{
    static const enum esp_counter counters[ESP_SEAL_RESULT_COUNT] = {
        [ESP_SEALED] = ESP_OUT_PACKETS,
        [ESP_SEAL_CIPHER_FAILURE] = ESP_OUT_CIPHER_FAILURE,
        [ESP_SEAL_NO_ROOM] = ESP_OUT_NO_MEMORY,
        [ESP_SEAL_NOT_IP] = ESP_OUT_MISC_ERROR,
        [ESP_SEAL_EXHAUSTED] = ESP_OUT_MISC_ERROR,
    };
    return counters[result];
}

/* Next header for the inner packet by its version field (RFC 4303 2.6); 0 if it can be no IP packet. */
static uint8_t next_header_of(const struct esp_outbound *p)
{
    if (p->head.length > ESP_INNER_MAX || p->body.length > ESP_INNER_MAX)
        return 0;
    size_t inner = p->head.length + p->body.length;
    if (inner < IPV4_HEADER_SIZE || inner > ESP_INNER_MAX)
        return 0;
    switch ((p->head.length > 0 ? p->head.at[0] : p->body.at[0]) >> 4) {
    case IP_V4:
        return IPPROTO_IPIP;
    case IP_V6:
        return inner >= IPV6_HEADER_SIZE ? IPPROTO_IPV6 : 0;
    default:
        return 0;
    }
}

/* Appends padding 1, 2, 3, … its length, and next header (RFC 4303 2.4 to 2.6) to the text; returns its end.
 */
static uint8_t *write_trailer(uint8_t *at, size_t padding, uint8_t next_header)
{
    static const uint8_t pattern[15] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    memcpy(at, pattern, padding);
    at[padding] = (uint8_t)padding;
    at[padding + 1] = next_header;
    return at + padding + 2;
}

/* Writes IV: the sequence number for GCM, unpredictable octets for the others. */
static bool write_iv(struct esp_worker *worker, const struct esp_sa *sa, uint32_t sequence, uint8_t *at)
{
    if (sa->suite.integrity != NULL)
        return iv_source_draw(worker->ivs, at, sa->suite.iv_size);
    store_u64be(at, sequence);
    return true;
}

/* Checks the packet, gives it its number, and lays out all of it but the ICV, with the text still plain. */
static enum esp_seal_result frame_packet(struct esp_worker *worker, struct esp_outbound *p,
                                         struct esp_job *job)
{
    struct esp_sa *sa = p->sa;
    uint8_t next_header = next_header_of(p);
    size_t inner = p->head.length + p->body.length;
    if (next_header == 0)
        return ESP_SEAL_NOT_IP;
    size_t sealed = esp_sa_sealed_size(sa, inner);
    if (sealed > p->capacity)
        return ESP_SEAL_NO_ROOM;
    if (!esp_sa_take_sequence(sa, &p->sequence))
        return ESP_SEAL_EXHAUSTED;

    uint8_t *text = p->to + ESP_HEADER_SIZE + sa->suite.iv_size;
    uint8_t *body = text + p->head.length;
    /* The body first: it may lie where the header goes. */
    if (body != p->body.at && p->body.length > 0)
        memmove(body, p->body.at, p->body.length);
    if (p->head.length > 0)
        memcpy(text, p->head.at, p->head.length);
    size_t text_size = sealed - ESP_HEADER_SIZE - sa->suite.iv_size - sa->suite.icv_size;
    write_trailer(text + inner, text_size - inner - 2, next_header);
    store_u32be(p->to, sa->spi);
    store_u32be(p->to + 4, p->sequence);
    if (!write_iv(worker, sa, p->sequence, p->to + ESP_HEADER_SIZE))
        return ESP_SEAL_CIPHER_FAILURE;
    p->length = sealed;
    *job = (struct esp_job){.sa = sa, .esp = p->to, .text = (uint32_t)text_size, .outcome = ESP_JOB_FAILED};
    return ESP_SEALED;
}

/* Counts the results of a chunk in the live state of the SAs. */
static size_t count_results(const struct esp_outbound *packets, size_t count)
{
    size_t sealed = 0;
    for (size_t i = 0; i < count;) {
        struct esp_live *live = packets[i].sa->live;
        uint64_t good = 0, octets = 0;
        /* A run of one SA's packets is added up first. */
        for (; i < count && packets[i].sa->live == live; i++) {
            if (packets[i].result == ESP_SEALED) {
                good++;
                octets += packets[i].head.length + packets[i].body.length;
            } else {
                esp_live_count(live, esp_seal_counter(packets[i].result), 1);
            }
        }
        if (good > 0) {
            esp_live_count(live, ESP_OUT_PACKETS, good);
            esp_live_count(live, ESP_OUT_OCTETS, octets);
        }
        sealed += good;
    }
    return sealed;
}

static size_t seal_chunk(struct esp_worker *worker, struct esp_outbound *packets, size_t count)
{
    struct esp_job jobs[ESP_CHUNK];
    struct esp_outbound *owners[ESP_CHUNK];
    size_t job_count = 0;
    for (size_t i = 0; i < count; i++) {
        packets[i].length = 0;
        packets[i].sequence = 0;
        packets[i].result = frame_packet(worker, &packets[i], &jobs[job_count]);
        owners[job_count] = &packets[i];
        if (packets[i].result == ESP_SEALED)
            job_count++;
    }
    esp_worker_seal_jobs(worker, jobs, job_count);
    for (size_t i = 0; i < job_count; i++) {
        if (jobs[i].outcome != ESP_JOB_DONE) {
            owners[i]->result = ESP_SEAL_CIPHER_FAILURE;
            owners[i]->length = 0;
        }
    }
    return count_results(packets, count);
}

size_t esp_seal(struct esp_worker *worker, struct esp_outbound *packets, size_t count)
{
    size_t sealed = 0;
    for (size_t i = 0; i < count; i += ESP_CHUNK)
        sealed += seal_chunk(worker, packets + i, count - i < ESP_CHUNK ? count - i : ESP_CHUNK);
    return sealed;
}
