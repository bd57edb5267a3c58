#include "path/size.h"

#include "path/header_fields.h"

enum {
    IPV4_HEADER = 20,
    IPV6_HEADER = 40,
    LENGTH_MAX = 65535, /* of what IPv4's total length, or IPv6's payload length, counts */
};

static size_t ip_header_size(enum ip_family family)
{
    return family == IP_V4 ? IPV4_HEADER : IPV6_HEADER;
}

size_t size_outer_header(const struct size_form *form)
{
    return ip_header_size(form->outer) + (form->encapsulated ? UDP_HEADER : 0);
}

size_t size_outer(const struct size_form *form, size_t inner)
{
    return size_outer_header(form) + esp_framing_sealed_size(&form->esp, inner);
}

size_t size_largest_inner(const struct size_form *form, size_t mtu)
{
    size_t least = form->outer == IP_V4 ? SIZE_LINK_LEAST_V4 : SIZE_MTU_LEAST_V6;
    size_t inner =
        esp_framing_largest_inner(&form->esp, (mtu > least ? mtu : least) - size_outer_header(form));
    return inner < SIZE_INNER_MAX ? inner : SIZE_INNER_MAX;
}

size_t size_largest_sealable(const struct size_form *form)
{
    return size_largest_inner(form, form->outer == IP_V4 ? LENGTH_MAX : LENGTH_MAX + IPV6_HEADER);
}

uint16_t size_mss(enum ip_family family, size_t inner)
{
    size_t headers = ip_header_size(family) + TCP_HEADER;
    return (uint16_t)(inner > headers ? inner - headers : 0);
}
