/*
 * What is in a worker, and the arithmetic of a batch. Inside of esp/ only.
 */
#ifndef MUSUBI_ESP_WORKER_STATE_H
#define MUSUBI_ESP_WORKER_STATE_H

#include "esp/backend.h"
#include "esp/iv_source.h"

struct esp_worker {
    void *openssl;
    void *ipsec_mb; /* NULL: not there */
    struct iv_source *ivs;
    char name[64];
};

/* The backend that keeps the keys of an SA of this suite ready. */
const struct esp_backend *esp_worker_backend(const struct esp_worker *worker, const struct esp_suite *suite);

/* A backend's state in this worker. */
void *esp_worker_backend_state(const struct esp_worker *worker, const struct esp_backend *backend);

/*
 * Seals or opens `count` jobs (ESP_CHUNK at most) of any mixture of suites and sets their outcomes. Each goes
 * to its SA's backend, or to OpenSSL where that cannot do its length.
 */
void esp_worker_seal_jobs(struct esp_worker *worker, struct esp_job *jobs, size_t count);
void esp_worker_open_jobs(struct esp_worker *worker, struct esp_job *jobs, size_t count);

#endif
