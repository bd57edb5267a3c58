#include "base/secret.h"

#include <alloca.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

bool secret_lock_process(void)
{
    const struct rlimit no_core = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &no_core);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    return mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
}

void secret_wipe(void *at, size_t length)
{
    explicit_bzero(at, length);
}

__attribute__((noinline)) void secret_wipe_stack(size_t size)
{
    secret_wipe(alloca(size), size);
}

void secret_free(void *at, size_t length)
{
    if (at == NULL)
        return;
    secret_wipe(at, length);
    free(at);
}

bool secret_equal(const void *a, const void *b, size_t length)
{
    const volatile uint8_t *x = a;
    const volatile uint8_t *y = b;
    uint8_t difference = 0;
    for (size_t i = 0; i < length; i++)
        difference = (uint8_t)(difference | (x[i] ^ y[i]));
    return difference == 0;
}
