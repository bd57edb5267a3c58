/*
 * What one worker thread needs for the arithmetic of packets: the libraries' contexts, the source of IVs, and
 * working memory for a batch. Never shared between threads.
 */
#ifndef MUSUBI_ESP_WORKER_H
#define MUSUBI_ESP_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ESP_SEED_SIZE = 48 }; /* octets */

/* Which library does the arithmetic. OpenSSL can do everything and is always there. */
enum esp_arithmetic {
    ESP_ARITHMETIC_BEST,    /* libIPSec_MB for what it does, where it and its processor are, else OpenSSL */
    ESP_ARITHMETIC_OPENSSL, /* OpenSSL alone */
};

struct esp_worker;

/*
 * A new worker. `seed` is ESP_SEED_SIZE fresh random octets: all IVs of AES-CBC and 3DES come of it, so no
 * two workers may have the same. NULL if memory ran out or libcrypto lacks an algorithm.
 *
 * ESP_ARITHMETIC_BEST gives OpenSSL alone if the machine lacks what libIPSec_MB needs or if its library's own
 * self-test fails; esp_worker_arithmetic tells.
 */
struct esp_worker *esp_worker_new(const uint8_t seed[ESP_SEED_SIZE], enum esp_arithmetic arithmetic);

/* Wipes and frees a worker. The SAs made with it stay usable with any other of the same arithmetic. */
void esp_worker_free(struct esp_worker *worker);

/* "libIPSec_MB 1.3.0 AVX512", "libIPSec_MB 1.3.0 AVX2, SHA-NI" or "OpenSSL 3.0.22": what does the arithmetic,
 * for the log. */
const char *esp_worker_arithmetic(const struct esp_worker *worker);

/*
 * Known-answer test, to be called once at start, before packets: known answers through the worker, then
 * packets of many sizes sealed and opened by the worker and by OpenSSL alone, for all algorithms, octet for
 * octet, and corrupted ones refused. Takes some milliseconds. False if anything differed: then `failure` has
 * the words of what (size octets at most, with the final NUL), and the worker must not be used for packets;
 * one made with ESP_ARITHMETIC_OPENSSL may serve instead.
 */
bool esp_worker_self_test(struct esp_worker *worker, char *failure, size_t size);

#endif
