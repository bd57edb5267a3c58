/*
 * A table of hostile and odd CREATE_CHILD_SA requests: each row is one, with the section of RFC 7296 (or what
 * is named) that says what is to happen. And the parts that requests are made of.
 */
#ifndef MUSUBI_SIM_CREATE_CASE_H
#define MUSUBI_SIM_CREATE_CASE_H

#include "requests.h"

enum { MADE = UINT16_MAX }; /* in place of a notify: the request is granted */

struct create_case {
    const char *name;
    const char *section;
    void (*write)(struct stage *s, struct message_writer *m);
    uint16_t answer;
    bool survives; /* the IKE SA is still there; INVALID_SYNTAX ends it (2.21.3) */
};

/* Sends the request to a fresh stage and fails if not all is as it should be. */
void check_create_case(const struct create_case *c);

/* An SA payload with the puppet's algorithms for ESP and, if it is not NULL, a group. */
void put_esp_offer(struct stage *s, struct message_writer *m, uint32_t spi, const char *group);

/* One whose proposal has an SPI of any size, for any protocol. */
void put_offer_with_spi(struct stage *s, struct message_writer *m, uint8_t protocol, struct octets spi);

/* A payload made by hand. */
void put_raw(struct message_writer *m, uint8_t type, const uint8_t *at, size_t length);

/* TSi and TSr of everything. */
void put_any_selectors(struct message_writer *m);

#endif
