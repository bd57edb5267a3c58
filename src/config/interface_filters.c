#include "config/interface_filters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t count_of_row(const struct setting *s)
{
    size_t count = 0;
    for (; s != NULL; s = setting_next_of_row(s))
        count++;
    return count;
}

static void read_filters(struct interface_filters *out, const struct setting *s, enum ip_family family)
{
    for (; s != NULL; s = setting_next_of_row(s)) {
        struct interface_filter *filter = &out->filters[out->filter_count++];
        (void)snprintf(filter->list, sizeof filter->list, "%s", line_argument(&s->line, "name"));
        filter->family = family;
        filter->direction = line_has(&s->line, "out") ? FILTER_OUT : FILTER_IN;
        (void)line_number(&s->line, "sequence", &filter->sequence);
    }
}

static int compare(const struct interface_filter *a, const struct interface_filter *b)
{
    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    if (a->direction != b->direction)
        return a->direction < b->direction ? -1 : 1;
    return (a->sequence > b->sequence) - (a->sequence < b->sequence);
}

/* Keeps the order of those that are equal; they are few. */
static void sort(struct interface_filter *filters, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct interface_filter moved = filters[i];
        size_t to = i;
        for (; to > 0 && compare(&filters[to - 1], &moved) > 0; to--)
            filters[to] = filters[to - 1];
        filters[to] = moved;
    }
}

static void read_static(const struct setting *s, struct napt_static *out)
{
    uint32_t number = 0;
    if (line_number(&s->line, "port", &number)) {
        out->port = (uint16_t)number;
        out->protocol = line_has(&s->line, "tcp") ? IP_PROTOCOL_TCP : IP_PROTOCOL_UDP;
    } else {
        (void)line_number(&s->line, "protocol", &number);
        out->protocol = (int)number;
    }
}

bool interface_filters_of(const struct section *interface, struct interface_filters *out)
{
    const struct setting *ipv4 = section_setting(interface, COMMAND_IP_FILTER);
    const struct setting *ipv6 = section_setting(interface, COMMAND_IPV6_FILTER);
    const struct setting *statics = section_setting(interface, COMMAND_IP_NAPT_STATIC);
    *out = (struct interface_filters){
        .napt = section_setting(interface, COMMAND_IP_NAPT_ENABLE) != NULL,
    };
    size_t count = count_of_row(ipv4) + count_of_row(ipv6);
    if (count > 0)
        out->filters = calloc(count, sizeof *out->filters);
    if (statics != NULL)
        out->statics = calloc(count_of_row(statics), sizeof *out->statics);
    if ((count > 0 && out->filters == NULL) || (statics != NULL && out->statics == NULL)) {
        interface_filters_free(out);
        return false;
    }
    read_filters(out, ipv4, IP_V4);
    read_filters(out, ipv6, IP_V6);
    sort(out->filters, out->filter_count);
    for (const struct setting *s = statics; s != NULL; s = setting_next_of_row(s))
        read_static(s, &out->statics[out->static_count++]);
    return true;
}

void interface_filters_free(struct interface_filters *filters)
{
    free(filters->filters);
    free(filters->statics);
    *filters = (struct interface_filters){0};
}

const struct interface_filter *interface_filters_run(const struct interface_filters *filters,
                                                     enum ip_family family, enum filter_direction direction,
                                                     size_t *count)
{
    const struct interface_filter *first = NULL;
    *count = 0;
    for (size_t i = 0; i < filters->filter_count; i++) {
        const struct interface_filter *filter = &filters->filters[i];
        if (filter->family != family || filter->direction != direction)
            continue;
        if (first == NULL)
            first = filter;
        (*count)++;
    }
    return first;
}

bool interface_filters_pass(const struct interface_filters *filters, const struct access_lists *lists,
                            enum filter_direction direction, const struct filtered_packet *packet)
{
    size_t count;
    const struct interface_filter *run = interface_filters_run(filters, packet->family, direction, &count);
    for (size_t i = 0; i < count; i++) {
        const struct access_list *list = access_lists_find(lists, packet->family, run[i].list);
        enum access_verdict verdict = list == NULL ? ACCESS_UNSAID : access_list_verdict(lists, list, packet);
        if (verdict != ACCESS_UNSAID)
            return verdict == ACCESS_PERMITTED;
    }
    return count == 0;
}
