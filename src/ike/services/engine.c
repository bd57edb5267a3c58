#include "ike/services/engine.h"

#include "base/secret.h"

#include <stdlib.h>

bool engine_begin_services(struct ike_engine *engine, const struct ike_options *options)
{
    engine->options = *options;
    uint8_t **const scratches[] = {&engine->received_scratch, &engine->joined_scratch, &engine->inner_scratch,
                                   &engine->message_scratch};
    for (size_t i = 0; i < sizeof scratches / sizeof *scratches; i++) {
        *scratches[i] = malloc(SCRATCH_SIZE);
        if (*scratches[i] == NULL)
            return false;
    }
    return true;
}

void engine_end_services(struct ike_engine *engine)
{
    deadline_heap_free(&engine->deadlines);
    effects_free(&engine->effects);
    secret_free(engine->received_scratch, SCRATCH_SIZE);
    secret_free(engine->joined_scratch, SCRATCH_SIZE);
    secret_free(engine->inner_scratch, SCRATCH_SIZE);
    secret_free(engine->message_scratch, SCRATCH_SIZE);
}

void engine_random(struct ike_engine *engine, void *out, size_t length)
{
    engine->options.random(engine->options.random_context, out, length);
}

uint64_t engine_random_spi(struct ike_engine *engine)
{
    uint64_t spi = 0;
    while (spi == 0)
        engine_random(engine, &spi, sizeof spi);
    return spi;
}

msec_t engine_random_between(struct ike_engine *engine, msec_t low, msec_t high)
{
    uint32_t random;
    engine_random(engine, &random, sizeof random);
    return low + random % (high - low + 1);
}

void engine_count(struct ike_engine *engine, enum ike_counter counter)
{
    engine->counters[counter]++;
}
