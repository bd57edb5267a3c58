/*
 * Interfaces in the router's words: GigaEthernetN.M, GigaEthernetN:P.M (port P of a switch), TunnelN.M,
 * LoopbackN.M, Null0.0; and devices: GigaEthernetN.
 */
#ifndef MUSUBI_CONFIG_INTERFACE_NAME_H
#define MUSUBI_CONFIG_INTERFACE_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include "config/policy.h"

enum interface_kind {
    INTERFACE_NONE,
    INTERFACE_GIGA_ETHERNET,
    INTERFACE_TUNNEL,
    INTERFACE_LOOPBACK,
};

struct interface_name {
    enum interface_kind kind;
    uint16_t number;     /* N */
    bool has_port;       /* only GigaEthernet */
    uint16_t port;       /* P */
    uint16_t sub_number; /* M */
};

/* How a word fits what is wanted: S14 tells these three apart. */
enum value_fit {
    VALUE_FITS,
    VALUE_UNLIKE, /* it does not even look like one */
    VALUE_WRONG,  /* it looks like one and is wrong */
};

/*
 * Reads a name. The kind may be abbreviated and in any case ("tu0.0"). Of names that look right and are
 * wrong, `complaint` (may be NULL) receives what is wrong with them, a literal.
 */
enum value_fit interface_name_parse(const char *text, struct interface_name *out, const char **complaint);

/* Reads a device's name, "GigaEthernet0", in the same way. Only kind and number are set. */
enum value_fit device_name_parse(const char *text, struct interface_name *out, const char **complaint);

/* The name in full; `out` is returned. */
const char *interface_name_format(const struct interface_name *name, char out[INTERFACE_NAME_SIZE]);
const char *device_name_format(const struct interface_name *name, char out[INTERFACE_NAME_SIZE]);

/*
 * The number that TunnelN.M goes by in struct tunnel_policy. It follows from the name alone and is never 0,
 * so it is the same across edits, reloads and restarts.
 */
uint32_t tunnel_number(const struct interface_name *tunnel);

#endif
