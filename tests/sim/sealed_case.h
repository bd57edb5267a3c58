/*
 * A table of hostile and odd messages within an IKE SA, from a peer that has its keys: each row is one, with
 * the section of RFC 7296 (or what is named) that says what is to happen.
 */
#ifndef MUSUBI_SIM_SEALED_CASE_H
#define MUSUBI_SIM_SEALED_CASE_H

#include "stage.h"

struct sealed_case {
    const char *name;
    const char *section;
    bool after_auth; /* the IKE SA is up; else IKE_AUTH is due */
    void (*send)(struct stage *s);
    uint16_t answer; /* error notify; SILENCE: an answer without one, or none: that `send` looks at */
    bool survives;   /* the IKE SA is still there */
};

/* Sends the message to a fresh stage and fails if not all is as it should be. */
void check_sealed_case(const struct sealed_case *c);

#endif
