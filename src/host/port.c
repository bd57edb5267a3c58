#include "host/port.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char ethernet[] = "GigaEthernet";

/* Skips a decimal number of at most nine digits; NULL if there is none. */
static const char *skip_number(const char *at)
{
    size_t digits = 0;
    while (at[digits] >= '0' && at[digits] <= '9')
        digits++;
    return digits == 0 || digits > 9 ? NULL : at + digits;
}

/* Splits "N", "N:P", "N.M" or "N:P.M" after its kind: true if it is one, `*sub` points to ".M" or the end. */
static bool split_numbers(const char *at, bool colon_allowed, const char **sub)
{
    at = skip_number(at);
    if (at != NULL && colon_allowed && *at == ':')
        at = skip_number(at + 1);
    *sub = at;
    if (at != NULL && *at == '.')
        at = skip_number(at + 1);
    return at != NULL && *at == '\0';
}

/* What follows `kind` in `name`; NULL if it starts otherwise. */
static const char *after_kind(const char *name, const char *kind)
{
    size_t length = strlen(kind);
    return strncmp(name, kind, length) == 0 ? name + length : NULL;
}

/* Completes a port's name by ".0"; false if it is none. */
static bool complete(const char *name, char out[PORT_NAME_SIZE])
{
    const char *numbers = after_kind(name, ethernet), *sub;
    if (numbers == NULL || !split_numbers(numbers, true, &sub))
        return false;
    (void)snprintf(out, PORT_NAME_SIZE, "%s%s", name, *sub == '.' ? "" : ".0");
    return true;
}

static struct port_entry *find(const struct port_table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->entries[i].name, name) == 0)
            return &table->entries[i];
    }
    return NULL;
}

void port_table_clear(struct port_table *table)
{
    free(table->entries);
    *table = (struct port_table){0};
}

void port_table_forget_config(struct port_table *table)
{
    size_t kept = 0;
    for (size_t i = 0; i < table->count; i++) {
        if (table->entries[i].origin == PORT_FROM_COMMAND_LINE)
            table->entries[kept++] = table->entries[i];
    }
    table->count = kept;
}

static struct port_entry *append(struct port_table *table)
{
    if (table->count == table->room) {
        size_t more = table->room == 0 ? 8 : 2 * table->room;
        struct port_entry *grown = reallocarray(table->entries, more, sizeof *grown);
        if (grown == NULL)
            return NULL;
        table->entries = grown;
        table->room = more;
    }
    return &table->entries[table->count++];
}

bool port_table_set(struct port_table *table, enum port_origin origin, const char *name, const char *link,
                    struct host_error *err)
{
    struct port_entry entry = {.origin = origin};
    if (strlen(name) >= PORT_NAME_SIZE - 2 || !complete(name, entry.name))
        return host_fail(err, 0, "%.40s is no port: GigaEthernetN or GigaEthernetN.M is wanted", name);
    if (!host_link_name_is_valid(link))
        return host_fail(err, 0, "%.40s cannot be the name of a Linux interface", link);
    (void)snprintf(entry.link, sizeof entry.link, "%s", link);

    struct port_entry *old = find(table, entry.name);
    if (old != NULL && old->origin == PORT_FROM_COMMAND_LINE && origin == PORT_FROM_CONFIG)
        return true;
    if (old != NULL && old->origin == PORT_FROM_CONFIG && origin == PORT_FROM_CONFIG &&
        strcmp(old->link, link) != 0)
        return host_fail(err, 0, "%s stands behind %s already", old->link, old->name);
    for (size_t i = 0; i < table->count; i++) {
        if (&table->entries[i] != old && strcmp(table->entries[i].link, link) == 0)
            return host_fail(err, 0, "%s stands behind %s already", link, table->entries[i].name);
    }
    if (old == NULL)
        old = append(table);
    if (old == NULL)
        return host_fail(err, ENOMEM, "cannot keep %s", name);
    *old = entry;
    return true;
}

bool port_table_set_option(struct port_table *table, const char *option, struct host_error *err)
{
    char name[PORT_NAME_SIZE];
    const char *equals = strchr(option, '=');
    if (equals == NULL || (size_t)(equals - option) >= sizeof name)
        return host_fail(err, 0, "GigaEthernetN=NAME is wanted");
    memcpy(name, option, (size_t)(equals - option));
    name[equals - option] = '\0';
    return port_table_set(table, PORT_FROM_COMMAND_LINE, name, equals + 1, err);
}

bool port_table_find(const struct port_table *table, const char *name, char link[HOST_LINK_NAME_SIZE],
                     struct host_error *err)
{
    char whole[PORT_NAME_SIZE];
    const char *numbers, *sub;
    if (strlen(name) >= PORT_NAME_SIZE - 2)
        return host_fail(err, 0, "%.40s has no Linux interface", name);
    if (complete(name, whole)) {
        const struct port_entry *entry = find(table, whole);
        int number = (int)strspn(whole + strlen(ethernet), "0123456789");
        if (entry != NULL)
            memcpy(link, entry->link, HOST_LINK_NAME_SIZE);
        else if (strcmp(whole + strlen(ethernet) + number, ".0") == 0)
            (void)snprintf(link, HOST_LINK_NAME_SIZE, "ge%.*s", number, whole + strlen(ethernet));
        else
            return host_fail(err, 0,
                             "%s has no Linux interface: say `linux-interface NAME` under `device %s`", whole,
                             whole);
        return true;
    }
    numbers = after_kind(name, "Loopback");
    if (numbers != NULL && split_numbers(numbers, false, &sub)) {
        (void)snprintf(link, HOST_LINK_NAME_SIZE, "lo");
        return true;
    }
    numbers = after_kind(name, "Tunnel");
    if (numbers != NULL && split_numbers(numbers, false, &sub)) {
        if (strlen(name) >= HOST_LINK_NAME_SIZE)
            return host_fail(err, 0, "%s is too long for Linux: %d characters at most", name,
                             HOST_LINK_NAME_SIZE - 1);
        (void)snprintf(link, HOST_LINK_NAME_SIZE, "%.*s", HOST_LINK_NAME_SIZE - 1, name);
        return true;
    }
    return host_fail(err, 0, "%.40s has no Linux interface", name);
}

bool port_table_find_link(const struct port_table *table, const char *link, char name[PORT_NAME_SIZE])
{
    const char *numbers, *sub;
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->entries[i].link, link) == 0) {
            memcpy(name, table->entries[i].name, PORT_NAME_SIZE);
            return true;
        }
    }
    numbers = after_kind(link, "ge");
    const char *end = numbers != NULL ? skip_number(numbers) : NULL;
    if (end != NULL && *end == '\0') {
        (void)snprintf(name, PORT_NAME_SIZE, "%s%s.0", ethernet, numbers);
        return find(table, name) == NULL; /* else that port has another link */
    }
    numbers = after_kind(link, "Tunnel");
    if (numbers == NULL || !split_numbers(numbers, false, &sub) || *sub != '.')
        return false;
    (void)snprintf(name, PORT_NAME_SIZE, "%s", link);
    return true;
}
