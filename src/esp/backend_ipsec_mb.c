/*
 * The arithmetic by libIPSec_MB 1.3: AES-GCM by direct calls, AES-CBC and HMAC by the synchronous bursts of
 * ciphers and hashes, which spread the packets of a batch over the lanes of the vector unit. Its job API is
 * not used: it writes a process-wide variable on each call, so that two threads are slower than one; bursts
 * do so once a burst.
 *
 * Hashes may have a manager of their own. Up to AVX2, the library has SHA-NI in its SSE code alone, and that
 * is faster than eight lanes of AVX2, even more so where a burst does not fill the lanes: see
 * docs/performance.md.
 *
 * The _NOCHECK calls are taken: what they would check (pointers, lengths, key sizes) is set here, from
 * tables.
 */
#include "esp/backend.h"

#include <intel-ipsec-mb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

enum {
    TEXT_MAX = 65000,    /* the lanes count octets with 16 bits, and a hash has the header, too */
    SCHEDULE_SIZE = 240, /* round keys of AES-256 */
    HASH_STATE_SIZE = 64,
    HASH_BLOCK_MAX = 128,
    CBC_BURST = 16, /* packets of a burst: so many fill all lanes, and are still in the first-level cache when
                       the second pass, by hash or cipher, comes to them */
};

/* The expanded keys of an SA with AES-CBC. Those with AES-GCM are a struct gcm_key_data. */
struct cbc_keys {
    _Alignas(16) uint8_t schedule[SCHEDULE_SIZE]; /* of the SA's direction */
    _Alignas(16) uint8_t inner[HASH_STATE_SIZE];  /* the hash after the block of key xor ipad (RFC 2104) */
    _Alignas(16) uint8_t outer[HASH_STATE_SIZE];  /* and of key xor opad */
};

struct ipsec_mb_state {
    IMB_MGR *manager;
    IMB_MGR *sha_ni_manager; /* NULL: `manager` hashes as well */
    IMB_JOB jobs[CBC_BURST];
    uint8_t icvs[CBC_BURST][INTEGRITY_ICV_MAX]; /* computed, of packets to open */
};

/* Rows as in `integrity_algorithms`. */
static const struct {
    IMB_HASH_ALG hash;
    size_t block_size;
    bool by_sha_ni; /* the instructions know it */
} hmacs[INTEGRITY_COUNT] = {
    {IMB_AUTH_HMAC_SHA_512, 128, false},
    {IMB_AUTH_HMAC_SHA_384, 128, false},
    {IMB_AUTH_HMAC_SHA_256, 64, true},
    {IMB_AUTH_HMAC_SHA_1, 64, true},
};

static void ipsec_mb_free(void *opaque)
{
    struct ipsec_mb_state *state = opaque;
    if (state == NULL)
        return;
    if (state->manager != NULL)
        free_mb_mgr(state->manager);
    if (state->sha_ni_manager != NULL)
        free_mb_mgr(state->sha_ni_manager);
    secret_free(state, sizeof *state);
}

/* True if the manager runs on AES instructions and its own self-test has passed. */
static bool manager_is_sound(IMB_MGR *manager)
{
    const uint64_t needed = IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ;
    if (imb_get_errno(manager) != 0 || (manager->features & needed) != needed)
        return false;
    return (manager->features & IMB_FEATURE_SELF_TEST) == 0 ||
           (manager->features & IMB_FEATURE_SELF_TEST_PASS) != 0;
}

/* A manager for hashes by SHA-NI; NULL if the processor lacks the instructions, or has AVX512, whose sixteen
 * lanes do the work of hashes. */
static IMB_MGR *sha_ni_manager_new(IMB_ARCH architecture)
{
    if (architecture != IMB_ARCH_AVX && architecture != IMB_ARCH_AVX2)
        return NULL;
    IMB_MGR *manager = alloc_mb_mgr(0);
    if (manager == NULL)
        return NULL;
    init_mb_mgr_sse(manager);
    if (manager_is_sound(manager) && (manager->features & IMB_FEATURE_SHANI) != 0)
        return manager;
    free_mb_mgr(manager);
    return NULL;
}

void *esp_backend_ipsec_mb_new(char *name, size_t size)
{
    static const char *const architectures[IMB_ARCH_NUM] = {
        [IMB_ARCH_SSE] = "SSE",
        [IMB_ARCH_AVX] = "AVX",
        [IMB_ARCH_AVX2] = "AVX2",
        [IMB_ARCH_AVX512] = "AVX512",
    };
    struct ipsec_mb_state *state = calloc(1, sizeof *state);
    if (state == NULL)
        return NULL;
    IMB_ARCH architecture = IMB_ARCH_NONE;
    state->manager = alloc_mb_mgr(0);
    if (state->manager != NULL)
        init_mb_mgr_auto(state->manager, &architecture);
    if (state->manager == NULL || architectures[architecture] == NULL || !manager_is_sound(state->manager)) {
        ipsec_mb_free(state);
        return NULL;
    }
    state->sha_ni_manager = sha_ni_manager_new(architecture);
    (void)snprintf(name, size, "libIPSec_MB %s %s%s", imb_get_version_str(), architectures[architecture],
                   state->sha_ni_manager != NULL ? ", SHA-NI" : "");
    return state;
}

static bool is_gcm(const struct esp_suite *suite)
{
    return suite->encryption->id == ENCR_AES_GCM_16;
}

static size_t ipsec_mb_expanded_size(const struct esp_suite *suite)
{
    return is_gcm(suite) ? sizeof(struct gcm_key_data) : sizeof(struct cbc_keys);
}

static bool ipsec_mb_can_do(const struct esp_suite *suite, size_t text)
{
    return text <= TEXT_MAX && (is_gcm(suite) || suite->encryption->id == ENCR_AES_CBC);
}

static void hash_one_block(IMB_MGR *manager, enum hash_id hash, const uint8_t *block, uint8_t *to)
{
    switch (hash) {
    case HASH_SHA1:
        IMB_SHA1_ONE_BLOCK(manager, block, to);
        break;
    case HASH_SHA2_256:
        IMB_SHA256_ONE_BLOCK(manager, block, to);
        break;
    case HASH_SHA2_384:
        IMB_SHA384_ONE_BLOCK(manager, block, to);
        break;
    case HASH_SHA2_512:
        IMB_SHA512_ONE_BLOCK(manager, block, to);
        break;
    }
}

/* The hash's state after the block of the key xor `pad`. No key of the table is longer than a block. */
static void expand_hmac_key(IMB_MGR *manager, const struct esp_sa *sa, uint8_t pad, uint8_t *to)
{
    const struct integrity_algorithm *a = sa->suite.integrity;
    size_t block_size = hmacs[a - integrity_algorithms].block_size;
    _Alignas(16) uint8_t block[HASH_BLOCK_MAX];
    memset(block, pad, block_size);
    for (size_t i = 0; i < a->key_size; i++)
        block[i] ^= sa->integrity_key[i];
    hash_one_block(manager, a->hash, block, to);
    secret_wipe(block, sizeof block);
}

static void expand_cbc(IMB_MGR *manager, struct esp_sa *sa)
{
    struct cbc_keys *keys = (void *)sa->expanded;
    _Alignas(16) uint8_t other[SCHEDULE_SIZE];
    uint8_t *encryption = sa->direction == PACKET_OUTBOUND ? keys->schedule : other;
    uint8_t *decryption = sa->direction == PACKET_OUTBOUND ? other : keys->schedule;
    switch (sa->suite.encryption->key_size) {
    case 16:
        IMB_AES_KEYEXP_128(manager, sa->encryption_key, encryption, decryption);
        break;
    case 24:
        IMB_AES_KEYEXP_192(manager, sa->encryption_key, encryption, decryption);
        break;
    default:
        IMB_AES_KEYEXP_256(manager, sa->encryption_key, encryption, decryption);
        break;
    }
    secret_wipe(other, sizeof other);
    expand_hmac_key(manager, sa, 0x36, keys->inner);
    expand_hmac_key(manager, sa, 0x5c, keys->outer);
}

static bool ipsec_mb_expand(void *opaque, struct esp_sa *sa)
{
    IMB_MGR *manager = ((struct ipsec_mb_state *)opaque)->manager;
    if (!is_gcm(&sa->suite))
        expand_cbc(manager, sa);
    else if (sa->suite.encryption->key_size == 16)
        IMB_AES128_GCM_PRE(manager, sa->encryption_key, (void *)sa->expanded);
    else
        IMB_AES256_GCM_PRE(manager, sa->encryption_key, (void *)sa->expanded);
    return true;
}

/* Salt and IV (RFC 4106 4). */
static void gcm_nonce(const struct esp_job *job, const struct encryption_algorithm *a, uint8_t *nonce)
{
    memcpy(nonce, job->sa->encryption_key + a->key_size, 4);
    memcpy(nonce + 4, job->esp + ESP_HEADER_SIZE, 8);
}

static void gcm_seal(IMB_MGR *manager, const struct encryption_algorithm *a, struct esp_job *jobs,
                     size_t count)
{
    const aes_gcm_enc_dec_t seal = a->key_size == 16 ? manager->gcm128_enc : manager->gcm256_enc;
    struct gcm_context_data context;
    uint8_t nonce[GCM_NONCE_SIZE];
    for (size_t i = 0; i < count; i++) {
        uint8_t *text = jobs[i].esp + ESP_HEADER_SIZE + 8;
        gcm_nonce(&jobs[i], a, nonce);
        seal((const void *)jobs[i].sa->expanded, &context, text, text, jobs[i].text, nonce, jobs[i].esp,
             ESP_HEADER_SIZE, text + jobs[i].text, ESP_GCM_ICV_SIZE);
        jobs[i].outcome = ESP_JOB_DONE;
    }
}

static void gcm_open(IMB_MGR *manager, const struct encryption_algorithm *a, struct esp_job *jobs,
                     size_t count)
{
    const aes_gcm_enc_dec_t open = a->key_size == 16 ? manager->gcm128_dec : manager->gcm256_dec;
    struct gcm_context_data context;
    uint8_t nonce[GCM_NONCE_SIZE], icv[ESP_GCM_ICV_SIZE];
    for (size_t i = 0; i < count; i++) {
        uint8_t *text = jobs[i].esp + ESP_HEADER_SIZE + 8;
        gcm_nonce(&jobs[i], a, nonce);
        open((const void *)jobs[i].sa->expanded, &context, text, text, jobs[i].text, nonce, jobs[i].esp,
             ESP_HEADER_SIZE, icv, sizeof icv);
        bool authentic = esp_icv_equal(icv, text + jobs[i].text, sizeof icv);
        jobs[i].outcome = authentic ? ESP_JOB_DONE : ESP_JOB_NOT_AUTHENTIC;
    }
}

/* Enciphers or deciphers the texts of the jobs, CBC_BURST at most. False if the library left one out. */
static bool cbc_burst(struct ipsec_mb_state *state, const struct esp_suite *suite, const struct esp_job *jobs,
                      size_t count, IMB_CIPHER_DIRECTION direction)
{
    for (size_t i = 0; i < count; i++) {
        const struct cbc_keys *keys = (const void *)jobs[i].sa->expanded;
        IMB_JOB *j = &state->jobs[i];
        uint8_t *text = jobs[i].esp + ESP_HEADER_SIZE + 16;
        j->src = text;
        j->dst = text;
        j->cipher_start_src_offset_in_bytes = 0;
        j->msg_len_to_cipher_in_bytes = jobs[i].text;
        j->iv = jobs[i].esp + ESP_HEADER_SIZE;
        j->iv_len_in_bytes = 16;
        j->enc_keys = keys->schedule;
        j->dec_keys = keys->schedule;
        j->key_len_in_bytes = suite->encryption->key_size;
    }
    return IMB_SUBMIT_CIPHER_BURST_NOCHECK(state->manager, state->jobs, (uint32_t)count, IMB_CIPHER_CBC,
                                           direction,
                                           (IMB_KEY_SIZE_BYTES)suite->encryption->key_size) == count;
}

/* Where the ICV of a packet is. */
static uint8_t *job_icv(const struct esp_job *job)
{
    return job->esp + ESP_HEADER_SIZE + 16 + job->text;
}

/* Computes the ICVs of the jobs, CBC_BURST at most: outbound to where they belong, inbound to `state->icvs`.
 * False if the library left one out. */
static bool hmac_burst(struct ipsec_mb_state *state, const struct esp_suite *suite,
                       const struct esp_job *jobs, size_t count, enum packet_direction direction)
{
    for (size_t i = 0; i < count; i++) {
        const struct cbc_keys *keys = (const void *)jobs[i].sa->expanded;
        IMB_JOB *j = &state->jobs[i];
        j->src = jobs[i].esp;
        j->hash_start_src_offset_in_bytes = 0;
        j->msg_len_to_hash_in_bytes = (uint64_t)ESP_HEADER_SIZE + 16 + jobs[i].text;
        j->auth_tag_output = direction == PACKET_OUTBOUND ? job_icv(&jobs[i]) : state->icvs[i];
        j->auth_tag_output_len_in_bytes = suite->icv_size;
        j->u.HMAC._hashed_auth_key_xor_ipad = keys->inner;
        j->u.HMAC._hashed_auth_key_xor_opad = keys->outer;
    }
    size_t row = (size_t)(suite->integrity - integrity_algorithms);
    IMB_MGR *manager =
        hmacs[row].by_sha_ni && state->sha_ni_manager != NULL ? state->sha_ni_manager : state->manager;
    return IMB_SUBMIT_HASH_BURST_NOCHECK(manager, state->jobs, (uint32_t)count, hmacs[row].hash) == count;
}

static void cbc_seal(struct ipsec_mb_state *state, const struct esp_suite *suite, struct esp_job *jobs,
                     size_t count)
{
    bool done = cbc_burst(state, suite, jobs, count, IMB_DIR_ENCRYPT) &&
                hmac_burst(state, suite, jobs, count, PACKET_OUTBOUND);
    for (size_t i = 0; i < count; i++)
        jobs[i].outcome = done ? ESP_JOB_DONE : ESP_JOB_FAILED;
}

static void cbc_open(struct ipsec_mb_state *state, const struct esp_suite *suite, struct esp_job *jobs,
                     size_t count)
{
    bool done = hmac_burst(state, suite, jobs, count, PACKET_INBOUND);

    /* Only what is authentic is deciphered. */
    struct esp_job authentic[CBC_BURST];
    size_t authentic_count = 0;
    for (size_t i = 0; i < count; i++) {
        bool equal = done && esp_icv_equal(state->icvs[i], job_icv(&jobs[i]), suite->icv_size);
        jobs[i].outcome = !done ? ESP_JOB_FAILED : equal ? ESP_JOB_DONE : ESP_JOB_NOT_AUTHENTIC;
        if (equal)
            authentic[authentic_count++] = jobs[i];
    }
    if (authentic_count == 0 || cbc_burst(state, suite, authentic, authentic_count, IMB_DIR_DECRYPT))
        return;
    for (size_t i = 0; i < count; i++) {
        if (jobs[i].outcome == ESP_JOB_DONE)
            jobs[i].outcome = ESP_JOB_FAILED;
    }
}

/* Runs the jobs of a suite with AES-CBC, a burst at a time. */
static void
run_bursts(struct ipsec_mb_state *state, const struct esp_suite *suite, struct esp_job *jobs, size_t count,
           void (*run)(struct ipsec_mb_state *, const struct esp_suite *, struct esp_job *, size_t))
{
    for (size_t i = 0; i < count; i += CBC_BURST)
        run(state, suite, jobs + i, count - i < CBC_BURST ? count - i : CBC_BURST);
}

static void ipsec_mb_seal(void *opaque, const struct esp_suite *suite, struct esp_job *jobs, size_t count)
{
    struct ipsec_mb_state *state = opaque;
    if (is_gcm(suite))
        gcm_seal(state->manager, suite->encryption, jobs, count);
    else
        run_bursts(state, suite, jobs, count, cbc_seal);
}

static void ipsec_mb_open(void *opaque, const struct esp_suite *suite, struct esp_job *jobs, size_t count)
{
    struct ipsec_mb_state *state = opaque;
    if (is_gcm(suite))
        gcm_open(state->manager, suite->encryption, jobs, count);
    else
        run_bursts(state, suite, jobs, count, cbc_open);
}

const struct esp_backend esp_backend_ipsec_mb = {
    .name = "libIPSec_MB",
    .expanded_size = ipsec_mb_expanded_size,
    .can_do = ipsec_mb_can_do,
    .expand = ipsec_mb_expand,
    .seal = ipsec_mb_seal,
    .open = ipsec_mb_open,
    .free = ipsec_mb_free,
};
