/*
 * Names of interfaces in the command language: GigaEthernetN.M, GigaEthernetN:P.M (port P of a switch),
 * TunnelN.M, LoopbackN.M; and of devices: GigaEthernetN, or one of its sub-interfaces.
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
    bool has_sub_number; /* false only for a device that is written without */
    uint16_t sub_number; /* M; 0 if there is none */
};

/* How a word fits a type of argument. S14 treats the three differently. */
enum value_fit {
    VALUE_FITS,
    VALUE_UNLIKE, /* it does not look like a value of the type */
    VALUE_WRONG,  /* it looks like one, but is wrong */
};

/*
 * Reads the name of an interface. The kind may be abbreviated, and its case does not count ("tu0.0"). With
 * VALUE_WRONG, `*complaint` is set to a constant text that says what is wrong; `complaint` may be NULL.
 */
enum value_fit interface_name_parse(const char *text, struct interface_name *out, const char **complaint);

/* The same for the name of a device: "GigaEthernet0", "GigaEthernet0:1", or one of an interface of that kind.
 */
enum value_fit device_name_parse(const char *text, struct interface_name *out, const char **complaint);

/* True if the word may be followed by a blank and the numbers of an interface, as in "Tunnel 0.0": it is a
 * kind of interface or its abbreviation, or an address, `%` and that. */
bool interface_kind_is(const char *word);

/* Write the name of an interface or of a device in full, a device as it was written, and return `out`. */
const char *interface_name_format(const struct interface_name *name, char out[INTERFACE_NAME_SIZE]);
const char *device_name_format(const struct interface_name *name, char out[INTERFACE_NAME_SIZE]);

/*
 * The number of TunnelN.M in struct tunnel_policy. It depends on the name alone, so edits, reloads and
 * restarts don't change it. Never 0.
 */
uint32_t tunnel_number(const struct interface_name *tunnel);

#endif
