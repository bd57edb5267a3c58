#include "esp/replay.h"

enum {
    WORD_BITS = 64,
    RING_WORDS = ESP_REPLAY_WINDOW / WORD_BITS + 1,
};

static uint64_t load(const uint64_t *at)
{
    return __atomic_load_n(at, __ATOMIC_RELAXED);
}

bool replay_is_fresh(const struct esp_live *live, uint32_t sequence)
{
    uint64_t top = load(&live->replay_top);
    if (sequence == 0)
        return false;
    if (sequence > top)
        return true;
    if (top - sequence >= ESP_REPLAY_WINDOW)
        return false;
    uint64_t word = load(&live->replay_bits[sequence / WORD_BITS % RING_WORDS]);
    return (word >> sequence % WORD_BITS & 1) == 0;
}

/* Makes `sequence` the highest number, and room for the numbers up to it. */
static void window_advance(struct esp_live *live, uint32_t sequence)
{
    uint64_t from = live->replay_top / WORD_BITS;
    uint64_t steps = sequence / WORD_BITS - from;
    if (steps > RING_WORDS)
        steps = RING_WORDS;
    /* The top first: the words that are cleared still belong to the old window. Whoever finds the memory
     * after a crash between the two takes some new packets for seen, but never a seen one for new. */
    __atomic_store_n(&live->replay_top, sequence, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    for (uint64_t i = 1; i <= steps; i++)
        __atomic_store_n(&live->replay_bits[(from + i) % RING_WORDS], 0, __ATOMIC_RELAXED);
}

bool replay_accept(struct esp_live *live, uint32_t sequence)
{
    if (!replay_is_fresh(live, sequence))
        return false;
    if (sequence > live->replay_top)
        window_advance(live, sequence);
    uint64_t *word = &live->replay_bits[sequence / WORD_BITS % RING_WORDS];
    __atomic_store_n(word, *word | UINT64_C(1) << sequence % WORD_BITS, __ATOMIC_RELAXED);
    return true;
}

void replay_note(struct esp_live *live, uint32_t sequence)
{
    if (sequence > live->replay_top)
        __atomic_store_n(&live->replay_top, sequence, __ATOMIC_RELAXED);
}
