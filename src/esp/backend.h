/*
 * The interface between the handling of packets and the libraries that do the arithmetic. Inside of esp/
 * only.
 *
 * A backend enciphers and deciphers the text of ESP packets and makes or checks their ICVs: all of a batch
 * that has one suite (encryption and integrity algorithm) in one call. It knows nothing of padding, sequence
 * numbers or results.
 */
#ifndef MUSUBI_ESP_BACKEND_H
#define MUSUBI_ESP_BACKEND_H

#include "esp/sa.h"

enum {
    ESP_CHUNK = 32, /* packets that are handled together, so that they stay in the first-level cache */
    GCM_NONCE_SIZE = 12,
    ESP_GCM_ICV_SIZE = 16,
};

/* The part of an SA that the arithmetic needs. */
struct esp_suite {
    const struct encryption_algorithm *encryption;
    const struct integrity_algorithm *integrity; /* NULL with AEAD */
    uint8_t iv_size;
    uint8_t icv_size;
    uint8_t
        alignment; /* the text's length is a multiple of it, a power of two: the cipher's block, 4 at least */
};

struct esp_backend;

/* One direction of a Child SA: see esp/sa.h. */
struct esp_sa {
    struct esp_suite suite;
    const struct esp_backend *backend; /* that made `expanded` */
    struct esp_live *live;
    uint64_t next_sequence; /* outbound: the next to use */
    uint64_t reserved;      /* outbound: live->sequence_mark, as far as this SA has raised it */
    uint32_t spi;
    uint8_t direction; /* enum packet_direction */
    bool anti_replay;
    bool holds_all_v4, holds_all_v6;
    struct traffic_selectors selectors;         /* the caller's; none if they hold all of both families */
    uint8_t encryption_key[ENCRYPTION_KEY_MAX]; /* with the salt */
    uint8_t integrity_key[INTEGRITY_KEY_MAX];
    _Alignas(64) uint8_t expanded[]; /* the keys as the backend wants them */
};

/* The next sequence number of an outbound SA, with its block reserved first; false if all are used. */
bool esp_sa_take_sequence(struct esp_sa *sa, uint32_t *sequence);

enum esp_job_outcome {
    ESP_JOB_FAILED, /* the library failed */
    ESP_JOB_DONE,
    ESP_JOB_NOT_AUTHENTIC, /* opening: the ICV does not match; the text may be anything */
};

/*
 * One packet's arithmetic. `esp` is the ESP packet: SPI, sequence number, IV, `text` octets of text (a
 * multiple of the suite's alignment, not 0), ICV. Sealing, all but the ICV is in place and the text is plain;
 * opening, all is as received.
 */
struct esp_job {
    const struct esp_sa *sa;
    uint8_t *esp;
    uint32_t text;
    enum esp_job_outcome outcome; /* result */
};

struct esp_backend {
    const char *name;

    /* Octets of the expanded keys of a suite; 0: none are needed. */
    size_t (*expanded_size)(const struct esp_suite *suite);

    /* True if this backend can do the suite, with this length of text. */
    bool (*can_do)(const struct esp_suite *suite, size_t text);

    /* Fills `sa->expanded` from the SA's keys. False if the library failed. */
    bool (*expand)(void *state, struct esp_sa *sa);

    /* Seal and open `count` jobs (ESP_CHUNK at most), all of one suite, and set their outcomes. */
    void (*seal)(void *state, const struct esp_suite *suite, struct esp_job *jobs, size_t count);
    void (*open)(void *state, const struct esp_suite *suite, struct esp_job *jobs, size_t count);

    /* Frees a state; NULL is ignored. */
    void (*free)(void *state);
};

/* OpenSSL: does everything. NULL if memory ran out or libcrypto lacks an algorithm. */
extern const struct esp_backend esp_backend_openssl;
void *esp_backend_openssl_new(void);

/* libIPSec_MB: AES up to 65,000 octets of text, where the library was there at build time. NULL if it was
 * not, if memory ran out, if the processor lacks AES instructions, or if the library's self-test failed.
 * `name` receives name, version and the architecture it runs on. */
extern const struct esp_backend esp_backend_ipsec_mb;
void *esp_backend_ipsec_mb_new(char *name, size_t size);

/* True if the ICVs, a multiple of 4 octets, are the same; in constant time. */
bool esp_icv_equal(const uint8_t *a, const uint8_t *b, size_t size);

/* True if both are the same algorithms. */
static inline bool esp_suite_equal(const struct esp_suite *a, const struct esp_suite *b)
{
    return a->encryption == b->encryption && a->integrity == b->integrity;
}

#endif
