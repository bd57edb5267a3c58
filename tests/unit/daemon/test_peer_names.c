/* daemon/keeper/peer_names.h: when names are looked up, and what their answers mean. */
#include "daemon/keeper/peer_names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { QUESTIONS_MAX = 1024, SECOND = 1000 };

static const char gw[] = "gw.example.com";

/* A question that the test answers when it likes. */
struct question {
    bool open;
    enum ip_family family;
    resolver_answered *answered;
    void *context;
};

struct fixture {
    struct peer_names names;
    msec_t now;
    struct question questions[QUESTIONS_MAX];
    size_t asked;
    bool no_memory;
    char told[2048]; /* "C" changed, "U" unresolved, "F" failing, "A" answered, "." a lookup is over */
};

static msec_t host_now(void *context)
{
    const struct fixture *f = context;
    return f->now;
}

static void *host_ask(void *context, const char *name, enum ip_family family, resolver_answered *answered,
                      void *answered_context)
{
    struct fixture *f = context;
    assert_true(strlen(name) > 0);
    if (f->no_memory)
        return NULL;
    assert_true(f->asked < QUESTIONS_MAX);
    f->questions[f->asked] = (struct question){true, family, answered, answered_context};
    return &f->questions[f->asked++];
}

static void host_cancel(void *context, void *question)
{
    (void)context;
    struct question *q = question;
    assert_true(q->open);
    q->open = false;
}

static void tell(struct fixture *f, char what)
{
    size_t length = strlen(f->told);
    assert_true(length + 1 < sizeof(f->told));
    f->told[length] = what;
    f->told[length + 1] = '\0';
}

static void host_news(void *context, const struct peer_name *name, enum peer_name_news news)
{
    assert_true(news == PEER_NAME_CHANGED || news == PEER_NAME_ANSWERED || name->problem != NULL);
    tell(context, "CUFA"[news]);
}

static void host_answered(void *context, const struct peer_name *name, bool over)
{
    (void)name;
    if (over)
        tell(context, '.');
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    const struct peer_names_host host = {host_now, host_ask, host_cancel, host_news, host_answered, f};
    f->now = 1000000;
    f->names = peer_names_of(&host);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    peer_names_clear(&f->names);
    for (size_t i = 0; i < f->asked; i++)
        assert_false(f->questions[i].open); /* answered or cancelled */
    free(f);
    return 0;
}

/* Starts to use a name, whose first lookup is begun. */
static struct peer_name *use(struct fixture *f, const char *text, enum ip_family family)
{
    struct peer_name *name = peer_names_use(&f->names, text, family);
    assert_non_null(name);
    peer_names_handle(&f->names);
    return name;
}

static void answer(struct fixture *f, size_t index, const struct resolver_answer *with)
{
    assert_true(index < f->asked && f->questions[index].open);
    f->questions[index].open = false;
    f->questions[index].answered(f->questions[index].context, with);
}

/* Answers the newest question with addresses that have blanks between them. */
static void found_at(struct fixture *f, size_t index, const char *addresses, uint32_t ttl)
{
    struct resolver_answer found = {.outcome = RESOLVER_FOUND, .ttl = ttl};
    char copy[256];
    (void)snprintf(copy, sizeof(copy), "%s", addresses);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
        assert_true(ip_address_parse(word, &found.addresses[found.count++]));
    answer(f, index, &found);
}

static void found(struct fixture *f, const char *addresses, uint32_t ttl)
{
    found_at(f, f->asked - 1, addresses, ttl);
}

static const struct resolver_answer absent = {.outcome = RESOLVER_ABSENT, .reason = "no such name"};
static const struct resolver_answer failed = {.outcome = RESOLVER_FAILED, .reason = "timeout"};

/* Lets time pass until the next lookup, which has to begin after so many seconds. */
static void assert_asked_after(struct fixture *f, msec_t seconds)
{
    size_t asked = f->asked;
    assert_int_equal(peer_names_due(&f->names), f->now + seconds * SECOND);
    f->now += seconds * SECOND - 1;
    peer_names_handle(&f->names);
    assert_int_equal(f->asked, asked);
    f->now++;
    peer_names_handle(&f->names);
    assert_int_equal(f->asked, asked + 1);
}

static void assert_told(struct fixture *f, const char *wanted)
{
    assert_string_equal(f->told, wanted);
    f->told[0] = '\0';
}

static void assert_addresses(const struct peer_name *name, const char *wanted)
{
    struct ip_address addresses[IKE_PEER_ADDRESSES_MAX];
    size_t count = peer_name_addresses(name, addresses);
    char seen[512] = "";
    for (size_t i = 0; i < count; i++) {
        char text[IP_TEXT_SIZE];
        (void)strcat(strcat(seen, i > 0 ? " " : ""), ip_address_format(&addresses[i], text));
        assert_true(peer_name_has(name, &addresses[i]));
    }
    assert_string_equal(seen, wanted);
}

/* ---- When ------------------------------------------------------------------------------------------- */

static void S19_a_name_is_looked_up_at_once_and_every_ttl_within_10_and_60_seconds(void **state)
{
    struct fixture *f = *state;
    struct peer_name *name = use(f, gw, IP_V4);
    assert_int_equal(f->asked, 1);
    assert_int_equal(peer_names_due(&f->names), MSEC_NEVER);

    const struct {
        uint32_t ttl;
        msec_t interval;
    } cases[] = {{30, 30}, {0, 10}, {9, 10}, {10, 10}, {60, 60}, {61, 60}, {86400, 60}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        found(f, "10.2.0.1", cases[i].ttl);
        assert_asked_after(f, cases[i].interval);
    }
    peer_names_release(name);
}

static void S19_what_has_no_answer_is_asked_again_after_10_seconds(void **state)
{
    struct fixture *f = *state;
    struct peer_name *name = use(f, gw, IP_V4);

    answer(f, 0, &failed);
    assert_asked_after(f, 10);
    answer(f, 1, &absent);
    assert_asked_after(f, 10);
    found(f, "10.2.0.1", 50);
    assert_asked_after(f, 50);
    answer(f, 3, &failed);
    assert_asked_after(f, 10);
    peer_names_release(name);
}

static void S19_of_two_families_the_least_ttl_counts(void **state)
{
    struct fixture *f = *state;
    struct peer_name *name = use(f, gw, IP_NONE);
    found_at(f, 0, "10.2.0.1", 40);
    found_at(f, 1, "2001:db8::1", 20);
    assert_int_equal(peer_names_due(&f->names), f->now + 20 * SECOND);
    peer_names_release(name);
}

static void one_lookup_serves_all_users_of_a_name_and_family(void **state)
{
    struct fixture *f = *state;
    struct peer_name *first = use(f, "GW.example.com", IP_V4);
    struct peer_name *second = use(f, "gw.EXAMPLE.com.", IP_V4);
    assert_ptr_equal(first, second);
    assert_int_equal(f->asked, 1);

    struct peer_name *other_family = use(f, gw, IP_V6);
    struct peer_name *other_name = use(f, "gw2.example.com", IP_V4);
    assert_ptr_not_equal(other_family, first);
    assert_ptr_not_equal(other_name, first);
    assert_int_equal(f->asked, 3);

    found_at(f, 0, "10.2.0.1", 30);
    peer_names_release(first);
    assert_asked_after(f, 30); /* there is still one who uses it */
    peer_names_release(second);
    assert_false(f->questions[3].open);
    peer_names_release(other_family);
    peer_names_release(other_name);
}

static void a_lookup_at_once_joins_the_one_under_way(void **state)
{
    struct fixture *f = *state;
    struct peer_name *name = use(f, gw, IP_V4);
    assert_true(peer_names_look_up(name));
    assert_int_equal(f->asked, 1);

    found(f, "10.2.0.1", 60);
    f->now += 5 * SECOND;
    assert_true(peer_names_look_up(name));
    assert_int_equal(f->asked, 2);
    found(f, "10.2.0.1", 60);
    assert_asked_after(f, 60); /* from the last answer on */
    peer_names_release(name);
}

static void other_servers_are_asked_for_all_names_at_once(void **state)
{
    struct fixture *f = *state;
    struct peer_name *known = use(f, gw, IP_V4);
    found(f, "10.2.0.1", 60);
    struct peer_name *open = use(f, "gw2.example.com", IP_V4);
    assert_told(f, "C.");

    peer_names_begin_anew(&f->names);
    peer_names_handle(&f->names);

    assert_false(f->questions[1].open);
    assert_int_equal(f->asked, 4);
    assert_told(f, "");
    assert_addresses(known, "10.2.0.1");
    peer_names_release(known);
    peer_names_release(open);
}

static void many_names_are_looked_up_by_and_by(void **state)
{
    enum { NAMES = 600 };
    struct fixture *f = *state;
    struct peer_name *names[NAMES];
    for (size_t i = 0; i < NAMES; i++) {
        char text[32];
        (void)snprintf(text, sizeof(text), "gw%zu.example.com", i);
        names[i] = use(f, text, IP_V4);
    }
    assert_int_equal(f->asked, PEER_NAME_LOOKUPS_MAX);
    assert_int_equal(peer_names_due(&f->names), MSEC_NEVER);

    assert_true(peer_names_look_up(names[NAMES - 1])); /* asked for at once */
    assert_int_equal(f->asked, PEER_NAME_LOOKUPS_MAX + 1);
    for (size_t i = 0; i < f->asked; i++) {
        answer(f, i, &absent);
        if (peer_names_due(&f->names) <= f->now)
            peer_names_handle(&f->names);
    }
    assert_int_equal(f->asked, NAMES);
    for (size_t i = 0; i < NAMES; i++)
        peer_names_release(names[i]);
    assert_int_equal(peer_names_due(&f->names), MSEC_NEVER);
}

static void a_lookup_without_memory_is_tried_again(void **state)
{
    struct fixture *f = *state;
    f->no_memory = true;
    struct peer_name *name = use(f, gw, IP_NONE);
    assert_false(peer_names_look_up(name));
    f->no_memory = false;

    assert_int_equal(peer_names_due(&f->names), f->now + 10 * SECOND);
    assert_true(peer_names_look_up(name));
    assert_int_equal(f->asked, 2);
    peer_names_release(name);
}

/* ---- What ------------------------------------------------------------------------------------------- */

static void R41_the_same_addresses_in_another_order_are_no_change(void **state)
{
    struct fixture *f = *state;
    struct peer_name *name = use(f, gw, IP_V4);
    found(f, "10.2.0.1 10.2.0.2", 10);
    assert_told(f, "C.");

    assert_asked_after(f, 10);
    found(f, "10.2.0.2 10.2.0.1", 10);
    assert_told(f, ".");

    assert_asked_after(f, 10);
    found(f, "10.2.0.2", 10);
    assert_told(f, "C.");
    assert_addresses(name, "10.2.0.2");
    peer_names_release(name);
}

static void R41_a_lookup_that_fails_changes_nothing_and_is_told_once(void **state)
{
    struct fixture *f = *state;
    struct peer_name *name = use(f, gw, IP_V4);
    found(f, "10.2.0.1", 10);
    assert_told(f, "C.");

    for (size_t i = 0; i < 3; i++) {
        assert_asked_after(f, 10);
        answer(f, f->asked - 1, &failed);
        assert_told(f, i == 0 ? "F." : ".");
        assert_addresses(name, "10.2.0.1");
        assert_string_equal(name->problem, "timeout");
    }
    assert_asked_after(f, 10);
    found(f, "10.2.0.1", 10);
    assert_told(f, "A.");
    assert_null(name->problem);
    peer_names_release(name);
}

static void R41_no_such_name_takes_the_addresses_away_and_is_told_once(void **state)
{
    struct fixture *f = *state;
    struct peer_name *name = use(f, gw, IP_V4);
    found(f, "10.2.0.1", 10);
    assert_told(f, "C.");

    for (size_t i = 0; i < 3; i++) {
        assert_asked_after(f, 10);
        answer(f, f->asked - 1, &absent);
        assert_told(f, i == 0 ? "U." : ".");
        assert_addresses(name, "");
    }
    assert_asked_after(f, 10);
    found(f, "10.2.0.1", 10);
    assert_told(f, "C.");
    peer_names_release(name);
}

static void R41_why_a_name_was_never_resolved_is_told_when_it_changes(void **state)
{
    struct fixture *f = *state;
    struct peer_name *name = use(f, gw, IP_V4);
    assert_string_equal(name->problem, "it is being looked up");

    answer(f, 0, &failed);
    assert_told(f, "U.");
    assert_asked_after(f, 10);
    answer(f, 1, &failed);
    assert_told(f, ".");
    assert_asked_after(f, 10);
    answer(f, 2, &absent);
    assert_told(f, "U.");
    assert_string_equal(name->problem, "no such name");
    peer_names_release(name);
}

/* ---- Two families ----------------------------------------------------------------------------------- */

static void S19_ipv4_comes_first_and_does_not_wait_for_ipv6(void **state)
{
    struct fixture *f = *state;
    struct peer_name *name = use(f, gw, IP_NONE);
    assert_int_equal(f->asked, 2);
    assert_int_equal(f->questions[0].family, IP_V4);
    assert_int_equal(f->questions[1].family, IP_V6);

    found_at(f, 0, "10.2.0.1", 30);
    assert_told(f, "C");
    found_at(f, 1, "2001:db8::1", 30);
    assert_told(f, "C.");
    assert_addresses(name, "10.2.0.1 2001:db8::1");
    peer_names_release(name);
}

static void a_name_that_becomes_known_by_ipv4_is_told_once(void **state)
{
    struct fixture *f = *state;
    struct peer_name *name = use(f, gw, IP_NONE);
    answer(f, 0, &absent);
    answer(f, 1, &absent);
    assert_told(f, "U.");

    f->now += 10 * SECOND;
    peer_names_handle(&f->names);
    found_at(f, 2, "10.2.0.1", 30);
    answer(f, 3, &absent);
    assert_told(f, "C.");
    peer_names_release(name);
}

static void S19_ipv6_waits_for_ipv4(void **state)
{
    struct fixture *f = *state;
    struct peer_name *name = use(f, gw, IP_NONE);

    found_at(f, 1, "2001:db8::1", 30);
    assert_told(f, "");
    found_at(f, 0, "10.2.0.1", 30);
    assert_told(f, "C.");
    assert_addresses(name, "10.2.0.1 2001:db8::1");
    peer_names_release(name);
}

static void S19_a_name_with_ipv6_alone_is_resolved(void **state)
{
    struct fixture *f = *state;
    struct peer_name *name = use(f, gw, IP_NONE);

    answer(f, 0, &absent);
    assert_told(f, "");
    found_at(f, 1, "2001:db8::1", 30);
    assert_told(f, "C.");
    assert_null(name->problem);
    peer_names_release(name);
}

static void R41_of_a_family_that_nobody_could_say_the_addresses_stay(void **state)
{
    struct fixture *f = *state;
    struct peer_name *name = use(f, gw, IP_NONE);
    found_at(f, 0, "10.2.0.1", 10);
    found_at(f, 1, "2001:db8::1", 10);
    assert_told(f, "CC.");

    f->now += 10 * SECOND;
    peer_names_handle(&f->names);
    found_at(f, 2, "10.2.0.9", 10);
    answer(f, 3, &failed);
    assert_told(f, "C."); /* an answer was found, so that nothing is amiss */
    assert_addresses(name, "10.2.0.9 2001:db8::1");

    f->now += 10 * SECOND;
    peer_names_handle(&f->names);
    answer(f, 4, &absent);
    answer(f, 5, &failed);
    assert_told(f, "C."); /* IPv4 has gone */
    assert_addresses(name, "2001:db8::1");
    assert_string_equal(name->problem, "timeout");
    peer_names_release(name);
}

int main(void)
{
#define WITH_NAMES(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_NAMES(S19_a_name_is_looked_up_at_once_and_every_ttl_within_10_and_60_seconds),
        WITH_NAMES(S19_what_has_no_answer_is_asked_again_after_10_seconds),
        WITH_NAMES(S19_of_two_families_the_least_ttl_counts),
        WITH_NAMES(one_lookup_serves_all_users_of_a_name_and_family),
        WITH_NAMES(a_lookup_at_once_joins_the_one_under_way),
        WITH_NAMES(other_servers_are_asked_for_all_names_at_once),
        WITH_NAMES(many_names_are_looked_up_by_and_by),
        WITH_NAMES(a_lookup_without_memory_is_tried_again),
        WITH_NAMES(R41_the_same_addresses_in_another_order_are_no_change),
        WITH_NAMES(R41_a_lookup_that_fails_changes_nothing_and_is_told_once),
        WITH_NAMES(R41_no_such_name_takes_the_addresses_away_and_is_told_once),
        WITH_NAMES(R41_why_a_name_was_never_resolved_is_told_when_it_changes),
        WITH_NAMES(S19_ipv4_comes_first_and_does_not_wait_for_ipv6),
        WITH_NAMES(a_name_that_becomes_known_by_ipv4_is_told_once),
        WITH_NAMES(S19_ipv6_waits_for_ipv4),
        WITH_NAMES(S19_a_name_with_ipv6_alone_is_resolved),
        WITH_NAMES(R41_of_a_family_that_nobody_could_say_the_addresses_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
