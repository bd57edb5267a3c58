#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "bench/ike_command.h"
#include "crypto/key_exchange.h"

enum { ROUNDS = 5, IN_A_ROUND = 100 };

static double cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Milliseconds of CPU time that a responder's key exchange takes, the least of several rounds; negative: it
 * failed. */
static double responder_time(const struct key_exchange_method *method)
{
    struct key_exchange_job job = {.method = method->id, .operation = KEY_EXCHANGE_GENERATE};
    struct key_exchange_result own;
    struct key_exchange_result answer;
    double least = -1;
    if (getrandom(job.random, sizeof(job.random), 0) != sizeof(job.random) ||
        !key_exchange_perform(method, &job, &own))
        return -1;
    job.operation = KEY_EXCHANGE_ANSWER;
    memcpy(job.peer_share, own.share, sizeof(job.peer_share));
    for (int round = 0; round < ROUNDS; round++) {
        double start = cpu_now();
        for (int i = 0; i < IN_A_ROUND; i++) {
            if (!key_exchange_perform(method, &job, &answer))
                return -1;
        }
        double spent = (cpu_now() - start) / IN_A_ROUND;
        least = least < 0 || spent < least ? spent : least;
    }
    return least;
}

int key_exchange_command(int argc, char **argv)
{
    const struct key_exchange_method *method = argc == 2 ? key_exchange_by_word(argv[1]) : NULL;
    if (method == NULL) {
        if (argc == 2)
            (void)fprintf(stderr, "musubi-bench key-exchange: there is no group `%s`\n", argv[1]);
        (void)fputs(
            "Usage: musubi-bench key-exchange GROUP\n"
            "Prints the CPU time of what a responder computes in IKE_SA_INIT, a share and a secret, in\n"
            "milliseconds. GROUP is as in a config: 2048-bit.\n",
            stderr);
        return 2;
    }
    double spent = responder_time(method);
    if (spent < 0)
        return 1;
    (void)printf("%.4f\n", spent);
    return 0;
}
