/*
 * Stands for libIPSec_MB where the library was not there at build time: it is never there at run time either.
 */
#include "esp/backend.h"

void *esp_backend_ipsec_mb_new(char *name, size_t size)
{
    (void)name;
    (void)size;
    return NULL;
}

static void none_free(void *state)
{
    (void)state;
}

const struct esp_backend esp_backend_ipsec_mb = {.name = "none", .free = none_free};
