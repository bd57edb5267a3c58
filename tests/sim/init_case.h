/*
 * A table of hostile and odd IKE_SA_INIT requests: each row is one, with the section of RFC 7296 (or what is
 * named) that says what is to happen, and what must be seen: an answer or silence, a counter, and no state
 * that stays, unless the request is answered as any other. And the parts that requests are made of.
 */
#ifndef MUSUBI_SIM_INIT_CASE_H
#define MUSUBI_SIM_INIT_CASE_H

#include "stage.h"

enum { ANSWERED = UINT16_MAX };          /* in place of a notify: as a proper request */
enum { NO_COUNTER = IKE_COUNTER_COUNT }; /* none is looked at */

/* A proper IKE_SA_INIT request in a buffer, to be spoilt. */
struct draft {
    uint8_t at[16384];
    size_t length;
};

struct init_case {
    const char *name;
    const char *section;
    void (*spoil)(struct stage *s, struct draft *d);
    uint16_t answer; /* notify, SILENCE or ANSWERED */
    int counted;     /* enum ike_counter that is 1 then, or NO_COUNTER */
};

/* Sends the request to a fresh stage and fails if not all is as it should be. */
void check_init_case(const struct init_case *c);

/* Sets the length in the header. */
void draft_set_length(struct draft *d, size_t length);

/* Rewrites the request with payloads of the test's choice. */
struct message_writer draft_rewrite(struct stage *s, struct draft *d);
void draft_finish(struct draft *d, struct message_writer *m);

/* A proper SA payload; KE and nonce of any size. */
void put_ike_offer(struct stage *s, struct message_writer *m);
void put_ke_of(struct message_writer *m, uint16_t group, size_t length);
void put_nonce_of(struct message_writer *m, size_t length);

#endif
