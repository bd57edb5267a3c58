#include "esp/worker_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

struct esp_worker *esp_worker_new(const uint8_t seed[ESP_SEED_SIZE], enum esp_arithmetic arithmetic)
{
    struct esp_worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL)
        return NULL;
    (void)snprintf(worker->name, sizeof worker->name, "%s", OpenSSL_version(OPENSSL_VERSION));
    worker->openssl = esp_backend_openssl_new();
    worker->ivs = iv_source_new(seed);
    if (worker->openssl == NULL || worker->ivs == NULL) {
        esp_worker_free(worker);
        return NULL;
    }
    if (arithmetic == ESP_ARITHMETIC_BEST)
        worker->ipsec_mb = esp_backend_ipsec_mb_new(worker->name, sizeof worker->name);
    return worker;
}

void esp_worker_free(struct esp_worker *worker)
{
    if (worker == NULL)
        return;
    esp_backend_openssl.free(worker->openssl);
    esp_backend_ipsec_mb.free(worker->ipsec_mb);
    iv_source_free(worker->ivs);
    free(worker);
}

const char *esp_worker_arithmetic(const struct esp_worker *worker)
{
    return worker->name;
}

const struct esp_backend *esp_worker_backend(const struct esp_worker *worker, const struct esp_suite *suite)
{
    if (worker->ipsec_mb != NULL && esp_backend_ipsec_mb.can_do(suite, 0))
        return &esp_backend_ipsec_mb;
    return &esp_backend_openssl;
}

void *esp_worker_backend_state(const struct esp_worker *worker, const struct esp_backend *backend)
{
    return backend == &esp_backend_ipsec_mb ? worker->ipsec_mb : worker->openssl;
}

bool esp_icv_equal(const uint8_t *a, const uint8_t *b, size_t size)
{
    uint32_t difference = 0;
    for (size_t i = 0; i < size; i += sizeof difference) {
        uint32_t x, y;
        memcpy(&x, a + i, sizeof x);
        memcpy(&y, b + i, sizeof y);
        difference |= x ^ y;
    }
    return difference == 0;
}

/* The backend that is to do a job: its SA's, where that has a state here and can do the length. */
static const struct esp_backend *job_backend(const struct esp_worker *worker, const struct esp_job *job)
{
    const struct esp_backend *backend = job->sa->backend;
    if (esp_worker_backend_state(worker, backend) == NULL || !backend->can_do(&job->sa->suite, job->text))
        return &esp_backend_openssl;
    return backend;
}

typedef void (*job_runner)(const struct esp_backend *backend, void *state, const struct esp_suite *suite,
                           struct esp_job *jobs, size_t count);

static void run_seal(const struct esp_backend *backend, void *state, const struct esp_suite *suite,
                     struct esp_job *jobs, size_t count)
{
    backend->seal(state, suite, jobs, count);
}

static void run_open(const struct esp_backend *backend, void *state, const struct esp_suite *suite,
                     struct esp_job *jobs, size_t count)
{
    backend->open(state, suite, jobs, count);
}

/* Takes the jobs of one backend and suite together: those that are like the first, then those like the first
 * of the rest, and so on. In nearly all batches that is a single call. */
static void run_jobs(struct esp_worker *worker, struct esp_job *jobs, size_t count, job_runner run)
{
    const struct esp_backend *backends[ESP_CHUNK];
    bool alike = true;
    for (size_t i = 0; i < count; i++) {
        backends[i] = job_backend(worker, &jobs[i]);
        alike =
            alike && backends[i] == backends[0] && esp_suite_equal(&jobs[i].sa->suite, &jobs[0].sa->suite);
    }
    if (alike) {
        if (count > 0)
            run(backends[0], esp_worker_backend_state(worker, backends[0]), &jobs[0].sa->suite, jobs, count);
        return;
    }
    bool done[ESP_CHUNK] = {false};
    for (size_t first = 0; first < count; first++) {
        if (done[first])
            continue;
        struct esp_job group[ESP_CHUNK];
        size_t places[ESP_CHUNK], size = 0;
        for (size_t i = first; i < count; i++) {
            if (done[i] || backends[i] != backends[first] ||
                !esp_suite_equal(&jobs[i].sa->suite, &jobs[first].sa->suite))
                continue;
            done[i] = true;
            places[size] = i;
            group[size++] = jobs[i];
        }
        run(backends[first], esp_worker_backend_state(worker, backends[first]), &group[0].sa->suite, group,
            size);
        for (size_t i = 0; i < size; i++)
            jobs[places[i]].outcome = group[i].outcome;
    }
}

void esp_worker_seal_jobs(struct esp_worker *worker, struct esp_job *jobs, size_t count)
{
    run_jobs(worker, jobs, count, run_seal);
}

void esp_worker_open_jobs(struct esp_worker *worker, struct esp_job *jobs, size_t count)
{
    run_jobs(worker, jobs, count, run_open);
}
