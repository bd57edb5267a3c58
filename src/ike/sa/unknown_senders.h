/*
 * Who sent ESP for an unknown SPI and is the peer of no tunnel (S46): whether it is to be answered, and
 * logged. What is kept has a fixed size, since anybody can send such packets from any address.
 */
#ifndef MUSUBI_IKE_SA_UNKNOWN_SENDERS_H
#define MUSUBI_IKE_SA_UNKNOWN_SENDERS_H

#include "base/address.h"
#include "base/deadline.h"

enum {
    UNKNOWN_SENDER_ANSWERS = 10,          /* to all, in a second */
    UNKNOWN_SENDER_SILENCE = 10000,       /* milliseconds between two answers to one address */
    UNKNOWN_SENDER_LOG_SILENCE = 3600000, /* likewise between two log lines */
    UNKNOWN_SENDERS_ANSWERED = UNKNOWN_SENDER_ANSWERS * UNKNOWN_SENDER_SILENCE / 1000,
    UNKNOWN_SENDERS_LOGGED = 1024, /* addresses, so log lines, in an hour */
};

struct noted_address {
    struct ip_address address; /* IP_NONE: the place is free */
    msec_t time;
};

/* Two rings, each in the order of time. All zero: nobody yet. */
struct unknown_senders {
    struct noted_address answered[UNKNOWN_SENDERS_ANSWERED];
    struct noted_address logged[UNKNOWN_SENDERS_LOGGED];
    size_t next_answered, next_logged;
};

/* True if an answer may go to `address` now, which is then noted. */
bool unknown_senders_may_answer(struct unknown_senders *senders, const struct ip_address *address,
                                msec_t now);

/* True if the event log may tell of `address` now, which is then noted. */
bool unknown_senders_may_log(struct unknown_senders *senders, const struct ip_address *address, msec_t now);

#endif
