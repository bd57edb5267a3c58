#include "ike/services/buffer.h"

#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

bool ike_buffer_set(struct ike_buffer *buffer, struct octets from)
{
    uint8_t *copy = malloc(from.length > 0 ? from.length : 1);
    if (copy == NULL)
        return false;
    if (from.length > 0)
        memcpy(copy, from.at, from.length);
    ike_buffer_clear(buffer);
    *buffer = (struct ike_buffer){copy, from.length};
    return true;
}

void ike_buffer_clear(struct ike_buffer *buffer)
{
    secret_free(buffer->at, buffer->length);
    *buffer = (struct ike_buffer){0};
}

struct octets ike_buffer_octets(const struct ike_buffer *buffer)
{
    return (struct octets){buffer->at, buffer->length};
}
