#include "ike/sa/unknown_senders.h"

static bool is_recent(const struct noted_address *sender, msec_t now, msec_t silence)
{
    return sender->address.family != IP_NONE && now - sender->time < silence;
}

/* Notes the address; false if it stands in the ring already, or if the ring has no place for it yet. */
static bool ring_note(struct noted_address *ring, size_t size, size_t *next, msec_t silence,
                      const struct ip_address *address, msec_t now)
{
    if (is_recent(&ring[*next], now, silence)) /* the oldest one */
        return false;
    for (size_t i = 0; i < size; i++) {
        if (is_recent(&ring[i], now, silence) && ip_address_equal(&ring[i].address, address))
            return false;
    }
    ring[*next] = (struct noted_address){*address, now};
    *next = (*next + 1) % size;
    return true;
}

/* True if the ring's last UNKNOWN_SENDER_ANSWERS entries are all of the last second. */
static bool second_is_full(const struct unknown_senders *senders, msec_t now)
{
    size_t place = (senders->next_answered + UNKNOWN_SENDERS_ANSWERED - UNKNOWN_SENDER_ANSWERS) %
                   UNKNOWN_SENDERS_ANSWERED;
    return is_recent(&senders->answered[place], now, 1000);
}

bool unknown_senders_may_answer(struct unknown_senders *senders, const struct ip_address *address, msec_t now)
{
    return !second_is_full(senders, now) &&
           ring_note(senders->answered, UNKNOWN_SENDERS_ANSWERED, &senders->next_answered,
                     UNKNOWN_SENDER_SILENCE, address, now);
}

bool unknown_senders_may_log(struct unknown_senders *senders, const struct ip_address *address, msec_t now)
{
    return ring_note(senders->logged, UNKNOWN_SENDERS_LOGGED, &senders->next_logged,
                     UNKNOWN_SENDER_LOG_SILENCE, address, now);
}

enum unanswered_notice unanswered_senders_note(struct unanswered_senders *senders,
                                               const struct ip_address *address, msec_t now)
{
    for (size_t i = 0; i < UNANSWERED_SENDERS_TOLD; i++) {
        const struct noted_address *told = &senders->told[i];
        if (is_recent(told, now, UNKNOWN_SENDER_LOG_SILENCE) && ip_address_equal(&told->address, address))
            return UNANSWERED_TOLD;
    }
    if (ring_note(senders->told, UNANSWERED_SENDERS_TOLD, &senders->next, UNKNOWN_SENDER_LOG_SILENCE, address,
                  now))
        return UNANSWERED_NEW;
    if (now < senders->rest_is_told_until)
        return UNANSWERED_TOLD;
    senders->rest_is_told_until = now + UNKNOWN_SENDER_LOG_SILENCE;
    return UNANSWERED_REST;
}

void unanswered_senders_forget(struct unknown_senders *senders)
{
    senders->ikev1 = senders->ikev2 = (struct unanswered_senders){.next = 0};
}
