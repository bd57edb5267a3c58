#include "daemon/keeper/interface_news.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- What is news ------------------------------------------------------------------------------------- */

static bool make_room(struct interface_news *news)
{
    if (news->count < news->room)
        return true;
    size_t more = news->room == 0 ? 16 : 2 * news->room;
    struct interface_change *grown = reallocarray(news->changes, more, sizeof(*grown));
    if (grown == NULL)
        return false;
    news->changes = grown;
    news->room = more;
    return true;
}

/* Whether it is to be told that an interface is down, which was so, or was not, for another cause. */
static bool is_news(const struct told_interface *told, enum interface_cause cause, bool is_start)
{
    bool was_up = told->is_known && told->cause == INTERFACE_UP;
    if (cause == INTERFACE_NO_SA)
        return was_up;
    return cause != INTERFACE_INCOMPLETE || !is_start;
}

void interface_news_add(struct interface_news *news, const struct interface_change *change, msec_t now,
                        bool is_start)
{
    struct told_interface *told = change->told;
    enum interface_cause before = (enum interface_cause)told->cause;
    bool is_up = change->cause == INTERFACE_UP;
    bool was_known = told->is_known;
    bool is_told = is_up ? was_known : is_news(told, change->cause, is_start);
    if (was_known && before == change->cause)
        return;
    struct interface_change added = *change;
    added.lasted = now - told->since;
    added.place = news->count;
    told->is_known = true;
    told->cause = (uint8_t)change->cause;
    if (!was_known || is_up || before == INTERFACE_UP)
        told->since = now;
    if (is_told && make_room(news))
        news->changes[news->count++] = added;
}

/* ---- Order and level ---------------------------------------------------------------------------------- */

static int compare_names(const char *a, const char *b)
{
    return strcmp(a != NULL ? a : "", b != NULL ? b : "");
}

/* Those that are down come before those that are up. */
static int compare_changes(const void *a, const void *b)
{
    const struct interface_change *x = a, *y = b;
    bool x_is_up = x->cause == INTERFACE_UP, y_is_up = y->cause == INTERFACE_UP;
    if (x_is_up != y_is_up)
        return x_is_up ? 1 : -1;
    if (x->cause != y->cause)
        return x->cause < y->cause ? -1 : 1;
    int order = compare_names(x->port, y->port);
    return order != 0 ? order : (x->place > y->place) - (x->place < y->place);
}

/* Whether a line about an interface is at level warn; counts it. */
static bool is_at_warn(struct told_interface *told, enum interface_cause cause, msec_t now)
{
    bool was_told = told->is_told;
    told->is_told = false;
    if (cause == INTERFACE_UP && !was_told)
        return false;
    if (told->lines == 0 || now - told->hour >= NEWS_HOUR) {
        told->hour = now;
        told->lines = 0;
    }
    if (told->lines >= NEWS_HOURLY_MAX)
        return false;
    told->lines++;
    told->is_told = cause != INTERFACE_UP;
    return true;
}

/* ---- Lines -------------------------------------------------------------------------------------------- */

static void print_duration(msec_t lasted, struct text *out)
{
    uint64_t seconds = lasted / 1000;
    if (seconds < 120)
        text_print(out, "%" PRIu64 " s", seconds);
    else if (seconds < 7200)
        text_print(out, "%" PRIu64 " min", seconds / 60);
    else
        text_print(out, "%" PRIu64 " h", seconds / 3600);
}

static void print_state(const struct interface_news *news, const struct interface_change *change,
                        struct text *out)
{
    if (change->cause == INTERFACE_UP) {
        text_print(out, "up again, after ");
        print_duration(change->lasted, out);
        return;
    }
    text_print(out, "down: ");
    news->explain(news->context, change, out);
}

static void print_names(const struct interface_change *changes, size_t count, struct text *out)
{
    size_t shown = count < NEWS_SINGLY_MAX ? count : NEWS_SINGLY_MAX;
    for (size_t i = 0; i < shown; i++)
        text_print(out, "%s%s", i > 0 ? ", " : "", changes[i].name);
    if (count > shown)
        text_print(out, " and %zu more", count - shown);
}

static void write_line(const struct interface_news *news, const struct interface_change *about,
                       const struct text *line, bool at_warn)
{
    event_log_add(news->log, EVENT_SYSTEM, at_warn ? LOG_LEVEL_WARN : LOG_LEVEL_NOTICE,
                  about != NULL ? about->name : NULL, text_get(line));
}

/* Those after `at` that have the same cause. */
static size_t group_size(const struct interface_news *news, size_t at)
{
    const struct interface_change *first = &news->changes[at];
    size_t count = 1;
    while (at + count < news->count && news->changes[at + count].cause == first->cause &&
           compare_names(news->changes[at + count].port, first->port) == 0)
        count++;
    return count;
}

/* Counts a line about each of a group; true if it is one at level warn for any of them. */
static bool count_lines(const struct interface_change *changes, size_t count, msec_t now)
{
    bool any = false;
    for (size_t i = 0; i < count; i++)
        any |= is_at_warn(changes[i].told, changes[i].cause, now);
    return any;
}

/* The tunnels that are down because of a port, where those are too many for a line each. */
static void print_consequences(const struct interface_news *news, const char *port, msec_t now,
                               struct text *out)
{
    for (size_t at = 0, count; at < news->count; at += count) {
        const struct interface_change *first = &news->changes[at];
        count = group_size(news, at);
        if (first->port == NULL || strcmp(first->port, port) != 0 || count <= NEWS_SINGLY_MAX)
            continue;
        (void)count_lines(first, count, now);
        text_print(out, "; with it %zu Tunnels: ", count);
        print_names(first, count, out);
    }
}

/* True if the line of a port in this report tells of those that it is the cause of. */
static bool is_told_with_port(const struct interface_news *news, const char *port)
{
    for (size_t i = 0; port != NULL && i < news->count; i++) {
        if (news->changes[i].cause != INTERFACE_UP && strcmp(news->changes[i].name, port) == 0)
            return true;
    }
    return false;
}

static void tell_singly(const struct interface_news *news, const struct interface_change *change, msec_t now)
{
    struct text line = {0};
    bool at_warn = is_at_warn(change->told, change->cause, now);
    print_state(news, change, &line);
    if (change->cause != INTERFACE_UP)
        print_consequences(news, change->name, now, &line);
    if (at_warn && change->told->lines == NEWS_HOURLY_MAX)
        text_print(&line, " (more of it is told at level notice, until an hour has passed)");
    write_line(news, change, &line, at_warn);
    text_free(&line);
}

/* "1000 Tunnels are down: Tunnel0.0 (no route to the peer 10.2.0.1; line 14), ... and 997 more" */
static void tell_group(const struct interface_news *news, const struct interface_change *changes,
                       size_t count, msec_t now)
{
    struct text line = {0};
    bool is_up = changes[0].cause == INTERFACE_UP;
    bool at_warn = count_lines(changes, count, now);
    text_print(&line, "%zu interfaces are %s: ", count, is_up ? "up again" : "down");
    for (size_t i = 0; i < NEWS_SINGLY_MAX; i++) {
        text_print(&line, "%s%s", i > 0 ? ", " : "", changes[i].name);
        if (is_up)
            continue;
        text_print(&line, " (");
        news->explain(news->context, &changes[i], &line);
        text_print(&line, ")");
    }
    text_print(&line, " and %zu more", count - NEWS_SINGLY_MAX);
    write_line(news, NULL, &line, at_warn);
    text_free(&line);
}

void interface_news_tell(struct interface_news *news, msec_t now)
{
    if (news->count > 0)
        qsort(news->changes, news->count, sizeof(*news->changes), compare_changes);
    for (size_t at = 0, count; at < news->count; at += count) {
        const struct interface_change *first = &news->changes[at];
        count = group_size(news, at);
        bool is_many = count > NEWS_SINGLY_MAX;
        if (is_many && is_told_with_port(news, first->port))
            continue;
        for (size_t i = 0; i < count && !is_many; i++)
            tell_singly(news, &first[i], now);
        if (is_many)
            tell_group(news, first, count, now);
    }
    news->count = 0;
}

void interface_news_free(struct interface_news *news)
{
    free(news->changes);
    news->changes = NULL;
    news->count = news->room = 0;
}
