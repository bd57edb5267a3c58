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

static size_t count_letters(const char *text)
{
    size_t letters = 0;
    while (isalpha((unsigned char)text[letters]))
        letters++;
    return letters;
}

/* The kind that the first `letters` octets of `text` name or abbreviate. */
static enum interface_kind find_kind(const char *text, size_t letters)
{
    for (size_t i = 0; i < KIND_COUNT && letters >= 2; i++) {
        if (strncasecmp(text, kinds[i].word, letters) == 0)
            return kinds[i].kind;
    }
    return INTERFACE_NONE;
}

/* The kind that the letters at the start of `text` name or abbreviate, if a digit follows; `*after` is set to
 * the end of the letters. */
static enum interface_kind read_kind(const char *text, const char **after)
{
    size_t letters = count_letters(text);
    *after = text + letters;
    return isdigit((unsigned char)**after) ? find_kind(text, letters) : INTERFACE_NONE;
}

bool interface_kind_is(const char *word)
{
    const char *percent = strrchr(word, '%');
    const char *kind = percent == NULL ? word : percent + 1;
    size_t letters = count_letters(kind);
    return kind[letters] == '\0' &&
           (find_kind(kind, letters) != INTERFACE_NONE || strcasecmp(kind, "Null") == 0);
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

/* Reads N, N.M, N:P or N:P.M up to the end; NULL, or what is wrong with it. */
static const char *read_numbers(const char **at, struct interface_name *name)
{
    if (!read_number(at, &name->number))
        return "the number of an interface is at most 65535";
    if (**at == ':' && name->kind == INTERFACE_GIGA_ETHERNET) {
        (*at)++;
        name->has_port = true;
        if (!read_number(at, &name->port))
            return "a port number, 0 to 65535, has to follow the colon";
    }
    if (**at != '.')
        return NULL;
    (*at)++;
    name->has_sub_number = true;
    if (!read_number(at, &name->sub_number) || **at != '\0')
        return "a number, 0 to 65535, has to follow the dot";
    return NULL;
}

enum value_fit interface_name_parse(const char *text, struct interface_name *out, const char **complaint)
{
    const char *at;
    struct interface_name name = {.kind = read_kind(text, &at)};
    if (name.kind == INTERFACE_NONE)
        return VALUE_UNLIKE;
    const char *what = read_numbers(&at, &name);
    if (what != NULL)
        return wrong(complaint, what);
    if (!name.has_sub_number)
        return wrong(complaint, "an interface is written KIND N.M, as in Tunnel0.0 or GigaEthernet0.0");

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
    const char *what = read_numbers(&at, &name);
    if (what != NULL)
        return wrong(complaint, what);
    if (*at != '\0')
        return wrong(complaint, "a device is written GigaEthernetN, or GigaEthernetN.M for a sub-interface");
    *out = name;
    return VALUE_FITS;
}

const char *device_name_format(const struct interface_name *name, char out[INTERFACE_NAME_SIZE])
{
    char *at = out + snprintf(out, INTERFACE_NAME_SIZE, "%s%u", kind_word(name->kind), name->number);
    if (name->has_port)
        at += snprintf(at, (size_t)(out + INTERFACE_NAME_SIZE - at), ":%u", name->port);
    if (name->has_sub_number)
        (void)snprintf(at, (size_t)(out + INTERFACE_NAME_SIZE - at), ".%u", name->sub_number);
    return out;
}

const char *interface_name_format(const struct interface_name *name, char out[INTERFACE_NAME_SIZE])
{
    struct interface_name whole = *name;
    whole.has_sub_number = true;
    return device_name_format(&whole, out);
}

uint32_t tunnel_number(const struct interface_name *tunnel)
{
    return ((uint32_t)tunnel->number << 16 | tunnel->sub_number) + 1;
}
