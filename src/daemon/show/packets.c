#include "daemon/show/packets.h"

#include <inttypes.h>
#include <string.h>

static void show_count(const struct packet_count *count, struct text *out)
{
    static const struct packet_count none = {0};
    if (count == NULL)
        count = &none;
    text_print(out, "%" PRIu64 " packets, %" PRIu64 " octets\n", count->packets, count->octets);
}

/* ---- NAPT ------------------------------------------------------------------------------------------ */

static void show_static(const struct napt_static *line, const struct packet_count *count, struct text *out)
{
    if (line->port != 0)
        text_print(out, "  Static %s %u : ", line->protocol == IP_PROTOCOL_TCP ? "tcp" : "udp", line->port);
    else
        text_print(out, "  Static %d : ", line->protocol);
    show_count(count, out);
}

static void show_napt_of(const struct host_settings *settings, size_t number,
                         const struct packet_counts *counts, struct text *out)
{
    const struct configured_interface *interface = &settings->interfaces[number];
    const struct packet_count *count = packet_counts_find(counts, COUNTER_NAPT_CONNECTIONS, number, 0);
    text_print(out, "Interface %s\n", interface->name);
    text_print(out, "  Connections translated : %" PRIu64 "\n", count != NULL ? count->packets : 0);
    text_print(out, "  Dropped from outside : ");
    show_count(packet_counts_find(counts, COUNTER_NAPT_DROPPED, number, 0), out);
    for (size_t i = 0; i < interface->filters.static_count; i++)
        show_static(&interface->filters.statics[i],
                    packet_counts_find(counts, COUNTER_NAPT_STATIC, number, i), out);
}

void show_napt(const struct host_settings *settings, const struct packet_counts *counts, struct text *out)
{
    for (size_t i = 0; i < settings->interface_count; i++) {
        if (settings->interfaces[i].filters.napt)
            show_napt_of(settings, i, counts, out);
    }
}

/* ---- Access lists ---------------------------------------------------------------------------------- */

static void show_list(const struct access_lists *lists, const struct access_list *list,
                      const struct packet_counts *counts, struct text *out)
{
    text_print(out, "IPv%d access list %s\n", (int)list->family, list->name);
    for (size_t i = list->first; i < list->first + list->count; i++) {
        char line[ACCESS_LINE_TEXT_SIZE];
        text_print(out, "  %s : ", access_list_line_format(&lists->lines[i], line));
        show_count(packet_counts_find(counts, COUNTER_LINE, i, 0), out);
    }
}

static void show_filters(const struct host_settings *settings, size_t number, enum ip_family family,
                         enum filter_direction direction, const struct packet_counts *counts,
                         struct text *out)
{
    const struct configured_interface *interface = &settings->interfaces[number];
    size_t count;
    const struct interface_filter *run =
        interface_filters_run(&interface->filters, family, direction, &count);
    if (count == 0)
        return;
    text_print(out, "Interface %s, %s\n", interface->name, direction == FILTER_IN ? "in" : "out");
    for (size_t i = 0; i < count; i++)
        text_print(out, "  %" PRIu32 " : %s%s\n", run[i].sequence, run[i].list,
                   access_lists_find(&settings->access_lists, family, run[i].list) == NULL ? " (not defined)"
                                                                                           : "");
    text_print(out, "  Dropped since no line matched : ");
    show_count(packet_counts_find(counts, packet_counter_denied(family, direction), number, 0), out);
}

void show_access_lists(const struct host_settings *settings, const struct packet_counts *counts,
                       enum ip_family family, const char *name, struct text *out)
{
    const struct access_lists *lists = &settings->access_lists;
    for (size_t i = 0; i < lists->list_count; i++) {
        const struct access_list *list = &lists->lists[i];
        if (list->family == family && (name == NULL || strcmp(list->name, name) == 0))
            show_list(lists, list, counts, out);
    }
    for (size_t i = 0; name == NULL && i < settings->interface_count; i++) {
        show_filters(settings, i, family, FILTER_IN, counts, out);
        show_filters(settings, i, family, FILTER_OUT, counts, out);
    }
}
