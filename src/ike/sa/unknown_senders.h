/*
 * Who sent ESP for an unknown SPI and is the peer of no tunnel (S46): whether it is to be answered, and
 * logged; and whose first message of a negotiation no tunnel may answer (S22): whether the log is to tell of
 * it. What is kept has a fixed size, since anybody can send such packets from any address.
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
    UNANSWERED_SENDERS_TOLD = 64,  /* likewise, of negotiations in one version of IKE */
};

struct noted_address {
    struct ip_address address; /* IP_NONE: the place is free */
    msec_t time;
};

/* Whose negotiations in one version of IKE the log has told as unanswered. */
struct unanswered_senders {
    struct noted_address told[UNANSWERED_SENDERS_TOLD]; /* a ring in the order of time */
    size_t next;
    msec_t rest_is_told_until; /* the log has told that it leaves out the other addresses */
};

/* Rings, each in the order of time. All zero: nobody yet. */
struct unknown_senders {
    struct noted_address answered[UNKNOWN_SENDERS_ANSWERED];
    struct noted_address logged[UNKNOWN_SENDERS_LOGGED];
    size_t next_answered, next_logged;
    struct unanswered_senders ikev1, ikev2;
};

/* What the log is to say of an address whose negotiation is not answered. */
enum unanswered_notice {
    UNANSWERED_TOLD, /* nothing: it has told of it within the hour, or of too many others */
    UNANSWERED_NEW,  /* tell of it */
    UNANSWERED_REST, /* tell once that the log leaves out other addresses for an hour */
};

/* True if an answer may go to `address` now, which is then noted. */
bool unknown_senders_may_answer(struct unknown_senders *senders, const struct ip_address *address,
                                msec_t now);

/* True if the event log may tell of `address` now, which is then noted. */
bool unknown_senders_may_log(struct unknown_senders *senders, const struct ip_address *address, msec_t now);

/* What the log is to say of `address` now, which is then noted. */
enum unanswered_notice unanswered_senders_note(struct unanswered_senders *senders,
                                               const struct ip_address *address, msec_t now);

/* Forgets all addresses, as when the config has changed: what it says of them may differ now. */
void unanswered_senders_forget(struct unknown_senders *senders);

#endif
