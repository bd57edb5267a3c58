#include "check/swanctl_proposal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/key_exchange.h"

/* A word of strongSwan, and ours of one of the tables. */
struct word {
    const char *theirs, *ours;
};

static const struct word encryptions[] = {
    {"3des", "3des"},
    {"aes", "aes-cbc-128"},
    {"aes128", "aes-cbc-128"},
    {"aes192", "aes-cbc-192"},
    {"aes256", "aes-cbc-256"},
    {"aes128gcm16", "aes-gcm-128"},
    {"aes128gcm128", "aes-gcm-128"},
    {"aes256gcm16", "aes-gcm-256"},
    {"aes256gcm128", "aes-gcm-256"},
    {NULL, NULL},
};

static const struct word integrities[] = {
    {"sha", "sha1"},          {"sha1", "sha1"},         {"sha256", "sha2-256"},
    {"sha2_256", "sha2-256"}, {"sha384", "sha2-384"},   {"sha2_384", "sha2-384"},
    {"sha512", "sha2-512"},   {"sha2_512", "sha2-512"}, {NULL, NULL},
};

static const struct word prfs[] = {
    {"prfsha1", "sha1"}, {"prfsha256", "sha2-256"}, {"prfsha384", "sha2-384"}, {"prfsha512", "sha2-512"},
    {NULL, NULL},
};

static const struct word groups[] = {
    {"modp768", "768-bit"},   {"modp1024", "1024-bit"}, {"modp1536", "1536-bit"},
    {"modp2048", "2048-bit"}, {"modp3072", "3072-bit"}, {NULL, NULL},
};

static const char *find(const struct word *words, const char *theirs)
{
    while (words->theirs != NULL && strcmp(words->theirs, theirs) != 0)
        words++;
    return words->ours;
}

/* Adds what a word stands for; false if it stands for nothing that Musubi has. */
static bool add_word(struct swanctl_proposals *p, const char *word)
{
    const char *encryption = find(encryptions, word);
    const char *integrity = find(integrities, word);
    const char *prf = find(prfs, word);
    const char *group = find(groups, word);
    if (encryption != NULL)
        p->encryption |= ALGORITHM_SET_OF(encryption_by_word(encryption), encryption_algorithms);
    if (integrity != NULL)
        p->integrity |= ALGORITHM_SET_OF(integrity_by_word(integrity), integrity_algorithms);
    if (prf != NULL)
        p->prf |= ALGORITHM_SET_OF(prf_by_word(prf), prf_algorithms);
    if (group != NULL)
        p->dh |= ALGORITHM_SET_OF(key_exchange_by_word(group), key_exchange_methods);
    return encryption != NULL || integrity != NULL || prf != NULL || group != NULL ||
           strcmp(word, "noesn") == 0;
}

/* A PRF that is not named has the hash of the integrity algorithm. */
static void complete_prf(struct swanctl_proposals *p)
{
    for (size_t i = 0; p->prf == 0 && i < INTEGRITY_COUNT; i++) {
        if (!algorithm_set_has(p->integrity, i))
            continue;
        for (size_t j = 0; j < PRF_COUNT; j++) {
            if (prf_algorithms[j].hash == integrity_algorithms[i].hash)
                p->prf |= UINT32_C(1) << j;
        }
    }
    if (p->prf == 0)
        p->prf = ALGORITHM_SET_ALL(PRF_COUNT);
}

static void set_default(struct swanctl_proposals *all)
{
    all->encryption |= ALGORITHM_SET_ALL(ENCRYPTION_COUNT);
    all->integrity |= ALGORITHM_SET_ALL(INTEGRITY_COUNT);
    all->prf |= ALGORITHM_SET_ALL(PRF_COUNT);
    all->dh |= ALGORITHM_SET_ALL(KEY_EXCHANGE_COUNT);
    all->dh_none = true;
    all->usable++;
}

static void add_proposal(struct swanctl_proposals *all, char *text)
{
    struct swanctl_proposals one = {0};
    char *rest;
    if (strcmp(text, "default") == 0) {
        set_default(all);
        return;
    }
    for (char *word = strtok_r(text, "-", &rest); word != NULL; word = strtok_r(NULL, "-", &rest)) {
        if (add_word(&one, word))
            continue;
        (void)snprintf(all->unusable, sizeof all->unusable, "%s", word);
        return;
    }
    complete_prf(&one);
    all->encryption |= one.encryption;
    all->integrity |= one.integrity;
    all->prf |= one.prf;
    all->dh |= one.dh;
    all->dh_none = all->dh_none || one.dh == 0;
    all->usable++;
}

struct swanctl_proposals swanctl_proposals_read(const char *list)
{
    struct swanctl_proposals all = {0};
    char *copy = strdup(list);
    char *rest;
    if (copy == NULL)
        return all;
    for (char *one = strtok_r(copy, ", \t", &rest); one != NULL; one = strtok_r(NULL, ", \t", &rest))
        add_proposal(&all, one);
    free(copy);
    return all;
}
