/*
 * One payload, written by a test and parsed again, as the functions under test get it.
 */
#ifndef MUSUBI_TESTS_IKE_PAYLOAD_H
#define MUSUBI_TESTS_IKE_PAYLOAD_H

#include "ike/wire/message.h"

struct parsed_payload {
    uint8_t octets[16384];
    struct ike_message message;
};

/* Starts the payload; what the test writes goes to the writer that is returned. */
static inline struct message_writer payload_begin(struct parsed_payload *p)
{
    return message_begin_inner(p->octets, sizeof p->octets);
}

/* Parses what was written. NULL if it is malformed. */
static inline const struct ike_payload *payload_parse(struct parsed_payload *p,
                                                      const struct message_writer *m)
{
    p->message = (struct ike_message){.count = 0};
    if (ike_payloads_parse(writer_octets(&m->w), m->first_payload, &p->message, NULL, NULL) != MESSAGE_OK)
        return NULL;
    return &p->message.payloads[0];
}

/* The payload of a type with this body. */
static inline const struct ike_payload *payload_of(struct parsed_payload *p, uint8_t type,
                                                   const uint8_t *body, size_t length)
{
    struct message_writer m = payload_begin(p);
    message_begin_payload(&m, type);
    writer_put(&m.w, body, length);
    message_end_payload(&m);
    return payload_parse(p, &m);
}

#endif
