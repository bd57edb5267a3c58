#include "daemon/keeper/peer_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/map.h"

enum { SECOND = 1000 };

_Static_assert(2 * RESOLVER_ADDRESSES_MAX <= IKE_PEER_ADDRESSES_MAX, "the engine takes all addresses");

static const char not_asked_yet[] = "it is being looked up";

/* ---- What is known --------------------------------------------------------------------------------- */

size_t peer_name_addresses(const struct peer_name *name, struct ip_address out[IKE_PEER_ADDRESSES_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < name->family_count; i++) {
        const struct peer_name_family *family = &name->families[i];
        memcpy(out + count, family->addresses, family->count * sizeof(*out));
        count += family->count;
    }
    return count;
}

static bool family_has(const struct peer_name_family *family, const struct ip_address *address)
{
    for (size_t i = 0; i < family->count; i++) {
        if (ip_address_equal(&family->addresses[i], address))
            return true;
    }
    return false;
}

bool peer_name_has(const struct peer_name *name, const struct ip_address *address)
{
    return family_has(&name->families[0], address) || family_has(&name->families[1], address);
}

static bool is_resolved(const struct peer_name *name)
{
    return name->families[0].count > 0 || name->families[1].count > 0;
}

/* Takes an answer in. True if the addresses are others than before, whatever their order. */
static bool family_update(struct peer_name_family *family, const struct resolver_answer *answer)
{
    family->outcome = answer->outcome;
    family->reason = answer->reason;
    family->ttl = answer->ttl;
    if (answer->outcome == RESOLVER_FAILED)
        return false;
    bool changed = answer->count != family->count;
    for (size_t i = 0; i < answer->count; i++)
        changed |= !family_has(family, &answer->addresses[i]);
    memcpy(family->addresses, answer->addresses, sizeof(family->addresses));
    family->count = answer->count;
    return changed;
}

/* ---- Answers --------------------------------------------------------------------------------------- */

static bool is_under_way(const struct peer_name *name)
{
    return name->families[0].question != NULL || name->families[1].question != NULL;
}

/* Why the lookup has brought no address; NULL if it has. A failure counts for more than an absence: the
 * name may have an address of the family for which nobody could answer. */
static const char *lookup_problem(const struct peer_name *name)
{
    const char *reason = NULL;
    for (size_t i = 0; i < name->family_count; i++) {
        const struct peer_name_family *family = &name->families[i];
        if (family->outcome == RESOLVER_FOUND)
            return NULL;
        if (reason == NULL || family->outcome == RESOLVER_FAILED)
            reason = family->reason;
    }
    return reason;
}

static msec_t now(const struct peer_names *names)
{
    return names->host.now(names->host.context);
}

static void set_due(struct peer_name *name, uint32_t seconds)
{
    struct peer_names *names = name->names;
    /* If memory runs out here, the name waits until somebody asks for it. */
    (void)deadline_set(&names->deadlines, &name->due, now(names) + (msec_t)seconds * SECOND);
}

/* Seconds to the next lookup, by the least TTL that this one has brought. */
static uint32_t interval(const struct peer_name *name)
{
    uint32_t seconds =
        name->problem == NULL ? (uint32_t)PEER_NAME_INTERVAL_MAX : (uint32_t)PEER_NAME_INTERVAL_MIN;
    for (size_t i = 0; i < name->family_count; i++) {
        const struct peer_name_family *family = &name->families[i];
        if (family->outcome == RESOLVER_FOUND && family->ttl < seconds)
            seconds = family->ttl;
    }
    return seconds > PEER_NAME_INTERVAL_MIN ? seconds : (uint32_t)PEER_NAME_INTERVAL_MIN;
}

static void tell(struct peer_name *name, enum peer_name_news news)
{
    name->changed = false;
    name->failing = news == PEER_NAME_FAILING;
    name->names->host.news(name->names->host.context, name, news);
}

/* All answers of a lookup are there: tells what was not told before. */
static void tell_verdict(struct peer_name *name)
{
    const char *before = name->problem;
    name->problem = lookup_problem(name);
    bool same = name->problem != NULL && before != NULL && strcmp(name->problem, before) == 0;
    if (!is_resolved(name)) {
        if (name->changed || !same)
            tell(name, PEER_NAME_UNRESOLVED);
    } else if (name->changed) {
        tell(name, PEER_NAME_CHANGED);
    } else if (name->problem != NULL && !same) {
        tell(name, PEER_NAME_FAILING);
    } else if (name->problem == NULL && name->failing) {
        tell(name, PEER_NAME_ANSWERED);
    }
}

/* The answer of one family. News of IPv6 waits for the answer of IPv4, but not the reverse. */
static void question_answered(void *context, const struct resolver_answer *answer)
{
    struct peer_name_family *family = context;
    struct peer_name *name = family->name;
    struct peer_names *names = name->names;
    family->question = NULL;
    name->changed |= family_update(family, answer);
    bool over = !is_under_way(name);
    if (over) {
        names->under_way--;
        tell_verdict(name);
        set_due(name, interval(name));
    } else if (name->changed && name->families[0].count > 0 && name->families[0].question == NULL) {
        tell(name, PEER_NAME_CHANGED);
    }
    names->host.answered(names->host.context, name, over);
}

/* ---- Lookups --------------------------------------------------------------------------------------- */

static void end_questions(struct peer_name *name)
{
    struct peer_names *names = name->names;
    names->under_way -= is_under_way(name);
    for (size_t i = 0; i < name->family_count; i++) {
        if (name->families[i].question != NULL)
            names->host.cancel(names->host.context, name->families[i].question);
        name->families[i].question = NULL;
    }
}

static bool start(struct peer_name *name)
{
    struct peer_names *names = name->names;
    bool asked = true;
    for (size_t i = 0; i < name->family_count; i++) {
        struct peer_name_family *family = &name->families[i];
        family->question =
            names->host.ask(names->host.context, name->text, family->family, question_answered, family);
        asked &= family->question != NULL;
    }
    names->under_way += is_under_way(name);
    if (asked)
        return true;
    end_questions(name);
    set_due(name, PEER_NAME_INTERVAL_MIN);
    return false;
}

bool peer_names_look_up(struct peer_name *name)
{
    if (is_under_way(name))
        return true;
    deadline_cancel(&name->names->deadlines, &name->due);
    return start(name);
}

static bool has_room(const struct peer_names *names)
{
    return names->under_way < PEER_NAME_LOOKUPS_MAX;
}

void peer_names_handle(struct peer_names *names)
{
    msec_t at = now(names);
    struct deadline *due;
    while (has_room(names) && (due = deadline_take_due(&names->deadlines, at)) != NULL)
        (void)start((struct peer_name *)due);
}

msec_t peer_names_due(const struct peer_names *names)
{
    return has_room(names) ? deadline_next(&names->deadlines) : MSEC_NEVER;
}

void peer_names_begin_anew(struct peer_names *names)
{
    struct peer_name *name;
    LIST_FOREACH(name, &names->all, link)
    {
        end_questions(name);
        set_due(name, 0);
    }
}

/* ---- Use ------------------------------------------------------------------------------------------- */

/* A final dot is dropped: all names are complete ones. */
static void copy_text(const char *text, char out[FQDN_SIZE])
{
    size_t length = strnlen(text, FQDN_SIZE - 1);
    if (length > 0 && text[length - 1] == '.')
        length--;
    memcpy(out, text, length);
    out[length] = '\0';
}

bool peer_name_is(const struct peer_name *name, const char *text, enum ip_family family)
{
    char whole[FQDN_SIZE];
    copy_text(text, whole);
    return name->family == family && strcasecmp(name->text, whole) == 0;
}

static struct peer_name *find(const struct peer_names *names, uint64_t hash, const char *text,
                              enum ip_family family)
{
    struct peer_name *name = map_find(&names->by_hash, hash);
    while (name != NULL && !peer_name_is(name, text, family))
        name = name->next;
    return name;
}

static void init_families(struct peer_name *name)
{
    const enum ip_family wanted[] = {name->family == IP_V6 ? IP_V6 : IP_V4, IP_V6};
    name->family_count = name->family == IP_NONE ? 2 : 1;
    for (size_t i = 0; i < name->family_count; i++) {
        name->families[i].name = name;
        name->families[i].family = wanted[i];
    }
}

static struct peer_name *add(struct peer_names *names, uint64_t hash, const char *text, enum ip_family family)
{
    struct peer_name *name = calloc(1, sizeof(*name));
    if (name == NULL)
        return NULL;
    name->names = names;
    name->hash = hash;
    name->family = family;
    name->problem = not_asked_yet;
    copy_text(text, name->text);
    TAILQ_INIT(&name->tunnels);
    init_families(name);
    name->next = map_find(&names->by_hash, hash);
    if (!deadline_set(&names->deadlines, &name->due, now(names)) || !map_put(&names->by_hash, hash, name)) {
        deadline_cancel(&names->deadlines, &name->due);
        free(name);
        return NULL;
    }
    LIST_INSERT_HEAD(&names->all, name, link);
    return name;
}

struct peer_name *peer_names_use(struct peer_names *names, const char *text, enum ip_family family)
{
    char whole[FQDN_SIZE];
    copy_text(text, whole);
    uint64_t hash = hash_text_any_case(hash_number(HASH_START, (uint64_t)family), whole);
    struct peer_name *name = find(names, hash, whole, family);
    if (name == NULL)
        name = add(names, hash, whole, family);
    if (name != NULL)
        name->users++;
    return name;
}

/* Takes a name out of the table. */
static void unlink_name(struct peer_name *name)
{
    struct map *by_hash = &name->names->by_hash;
    struct peer_name *first = map_find(by_hash, name->hash);
    if (first == name && name->next == NULL) {
        (void)map_remove(by_hash, name->hash);
    } else if (first == name) {
        (void)map_put(by_hash, name->hash, name->next);
    } else {
        while (first->next != name)
            first = first->next;
        first->next = name->next;
    }
    LIST_REMOVE(name, link);
}

static void name_free(struct peer_name *name)
{
    end_questions(name);
    deadline_cancel(&name->names->deadlines, &name->due);
    unlink_name(name);
    free(name);
}

void peer_names_release(struct peer_name *name)
{
    if (name != NULL && --name->users == 0)
        name_free(name);
}

struct peer_names peer_names_of(const struct peer_names_host *host)
{
    return (struct peer_names){.host = *host};
}

void peer_names_clear(struct peer_names *names)
{
    struct peer_name *next;
    for (struct peer_name *name = LIST_FIRST(&names->all); name != NULL; name = next) {
        next = LIST_NEXT(name, link);
        end_questions(name);
        free(name);
    }
    LIST_INIT(&names->all);
    map_free(&names->by_hash);
    deadline_heap_free(&names->deadlines);
}
