#include "config/interface_name.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Octets of the longest name of a Linux interface; a Tunnel has the same name in Linux. */
enum { LINUX_NAME_MAX = 15 };

static const struct {
    enum interface_kind kind;
    const char *word;
} kinds[] = {
    {INTERFACE_GIGA_ETHERNET, "GigaEthernet"},
    {INTERFACE_TUNNEL, "Tunnel"},
    {INTERFACE_LOOPBACK, "Loopback"},
};

enum { KIND_COUNT = sizeof kinds / sizeof *kinds };

static const char *kind_word(enum interface_kind kind)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (kinds[i].kind == kind)
            return kinds[i].word;
    }
    return "";
}

/* The kind that the letters at the start of `text` name or abbreviate; `*after` is set to the end of the
 * letters. */
static enum interface_kind read_kind(const char *text, const char **after)
{
    size_t letters = 0;
    while (isalpha((unsigned char)text[letters]))
        letters++;
    if (letters < 2 || !isdigit((unsigned char)text[letters]))
        return INTERFACE_NONE;
    *after = text + letters;
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (strncasecmp(text, kinds[i].word, letters) == 0)
            return kinds[i].kind;
    }
    return INTERFACE_NONE;
}

/* Reads a decimal number up to 65535; false if there is none at `*at`. */
static bool read_number(const char **at, uint16_t *out)
{
    uint32_t number = 0;
    const char *start = *at;
    for (; isdigit((unsigned char)**at); (*at)++) {
        number = 10 * number + (uint32_t)(**at - '0');
        if (number > UINT16_MAX)
            return false;
    }
    *out = (uint16_t)number;
    return *at > start;
}

static enum value_fit wrong(const char **complaint, const char *what)
{
    if (complaint != NULL)
        *complaint = what;
    return VALUE_WRONG;
}

enum value_fit interface_name_parse(const char *text, struct interface_name *out, const char **complaint)
{
    const char *at;
    struct interface_name name = {.kind = read_kind(text, &at)};
    if (name.kind == INTERFACE_NONE)
        return VALUE_UNLIKE;
    if (!read_number(&at, &name.number))
        return wrong(complaint, "the number of an interface is at most 65535");
    if (*at == ':' && name.kind == INTERFACE_GIGA_ETHERNET) {
        at++;
        name.has_port = true;
        if (!read_number(&at, &name.port))
            return wrong(complaint, "a port number, 0 to 65535, has to follow the colon");
    }
    if (*at != '.')
        return wrong(complaint, "an interface is written KIND N.M, as in Tunnel0.0 or GigaEthernet0.0");
    at++;
    if (!read_number(&at, &name.sub_number) || *at != '\0')
        return wrong(complaint, "a number, 0 to 65535, has to follow the dot");

    char formatted[INTERFACE_NAME_SIZE];
    interface_name_format(&name, formatted);
    if (name.kind == INTERFACE_TUNNEL && strlen(formatted) > LINUX_NAME_MAX)
        return wrong(complaint, "a Tunnel's name may have 15 characters at most, for Linux");
    *out = name;
    return VALUE_FITS;
}

enum value_fit device_name_parse(const char *text, struct interface_name *out, const char **complaint)
{
    const char *at;
    struct interface_name name = {.kind = read_kind(text, &at)};
    if (name.kind != INTERFACE_GIGA_ETHERNET)
        return VALUE_UNLIKE;
    if (!read_number(&at, &name.number) || *at != '\0')
        return wrong(complaint, "a device is written GigaEthernetN");
    *out = name;
    return VALUE_FITS;
}

const char *interface_name_format(const struct interface_name *name, char out[INTERFACE_NAME_SIZE])
{
    if (name->has_port)
        (void)snprintf(out, INTERFACE_NAME_SIZE, "%s%u:%u.%u", kind_word(name->kind), name->number,
                       name->port, name->sub_number);
    else
        (void)snprintf(out, INTERFACE_NAME_SIZE, "%s%u.%u", kind_word(name->kind), name->number,
                       name->sub_number);
    return out;
}

const char *device_name_format(const struct interface_name *name, char out[INTERFACE_NAME_SIZE])
{
    (void)snprintf(out, INTERFACE_NAME_SIZE, "%s%u", kind_word(name->kind), name->number);
    return out;
}

uint32_t tunnel_number(const struct interface_name *tunnel)
{
    return ((uint32_t)tunnel->number << 16 | tunnel->sub_number) + 1;
}
