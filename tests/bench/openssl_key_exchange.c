/*
 * Prints the CPU time, in milliseconds, of OpenSSL's own key generation and derivation with MODP-2048: what a
 * responder without arithmetic of its own computes for a negotiation. The peer's share is not checked for
 * being in the right subgroup, which would be a third exponentiation that no IKEv2 responder needs (RFC
 * 6989).
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/dh.h>
#include <openssl/evp.h>

enum { ROUNDS = 5, IN_A_ROUND = 100, SECRET_SIZE = 256 };

static double cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void must(int done)
{
    if (done == 1)
        return;
    (void)fputs("OpenSSL failed\n", stderr);
    exit(1);
}

static EVP_PKEY *generate(void)
{
    static char group[] = "modp_2048";
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
    must(context != NULL);
    must(EVP_PKEY_keygen_init(context));
    must(EVP_PKEY_CTX_set_group_name(context, group));
    must(EVP_PKEY_generate(context, &key));
    EVP_PKEY_CTX_free(context);
    return key;
}

static void derive(EVP_PKEY *own, EVP_PKEY *peer)
{
    unsigned char secret[SECRET_SIZE];
    size_t length = sizeof secret;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
    must(context != NULL);
    must(EVP_PKEY_derive_init(context));
    must(EVP_PKEY_CTX_set_dh_pad(context, 1));
    must(EVP_PKEY_derive_set_peer_ex(context, peer, 0));
    must(EVP_PKEY_derive(context, secret, &length));
    EVP_PKEY_CTX_free(context);
}

int main(void)
{
    EVP_PKEY *peer = generate();
    double least = -1;
    for (int round = 0; round < ROUNDS; round++) {
        double start = cpu_now();
        for (int i = 0; i < IN_A_ROUND; i++) {
            EVP_PKEY *own = generate();
            derive(own, peer);
            EVP_PKEY_free(own);
        }
        double spent = (cpu_now() - start) / IN_A_ROUND;
        least = least < 0 || spent < least ? spent : least;
    }
    EVP_PKEY_free(peer);
    (void)printf("%.4f\n", least);
    return 0;
}
