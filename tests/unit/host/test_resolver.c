/* host/resolver.h: what name servers say, how it is understood, and whom it asks */
#include "host/resolver.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cmocka.h>

#include "name_server.h"
#include "netns.h"

static const char first_address[] = "127.0.0.1";
static const char second_address[] = "127.0.0.2";

struct fixture {
    uv_loop_t loop;
    struct name_server first, second;
    bool has_second;
    struct resolver *resolver;
    size_t answers;
    struct resolver_answer answer; /* the last one */
};

static struct ip_address address_of(const char *text)
{
    struct ip_address address;
    assert_true(ip_address_parse(text, &address));
    return address;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    const struct ip_address server = address_of(first_address);
    assert_int_equal(netns_setup(NULL), 0);
    assert_int_equal(uv_loop_init(&f->loop), 0);
    name_server_start(&f->first, &f->loop, first_address);
    f->resolver = resolver_new(&f->loop);
    assert_non_null(f->resolver);
    assert_true(resolver_set_servers(f->resolver, &server, 1));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    resolver_free(f->resolver);
    name_server_stop(&f->first);
    if (f->has_second)
        name_server_stop(&f->second);
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    free(f);
    return 0;
}

/* Has the resolver ask the second server too, after the first one. */
static void start_second(struct fixture *f)
{
    const struct ip_address both[] = {address_of(first_address), address_of(second_address)};
    name_server_start(&f->second, &f->loop, second_address);
    f->has_second = true;
    assert_true(resolver_set_servers(f->resolver, both, 2));
}

static void keep_answer(void *context, const struct resolver_answer *answer)
{
    struct fixture *f = context;
    f->answer = *answer;
    f->answers++;
}

/* Asks, and runs the loop until the answer is there. */
static const struct resolver_answer *ask(struct fixture *f, const char *name, enum ip_family family)
{
    size_t before = f->answers;
    assert_non_null(resolver_ask(f->resolver, name, family, keep_answer, f));
    assert_int_equal(f->answers, before); /* not sooner than it returns */
    while (f->answers == before)
        (void)uv_run(&f->loop, UV_RUN_ONCE);
    assert_int_equal(f->answers, before + 1);
    return &f->answer;
}

static void answer_with(struct name_server *server, const char *address, uint32_t ttl)
{
    server->addresses[0] = address;
    server->ttls[0] = ttl;
}

static void assert_found(const struct resolver_answer *answer, size_t index, const char *text)
{
    char found[IP_TEXT_SIZE];
    if (answer->outcome != RESOLVER_FOUND)
        fail_msg("outcome %d: %s", answer->outcome, answer->reason);
    assert_true(index < answer->count);
    assert_string_equal(ip_address_format(&answer->addresses[index], found), text);
}

/* ---- What servers say ------------------------------------------------------------------------------ */

static void S19_addresses_come_with_the_least_ttl(void **state)
{
    struct fixture *f = *state;
    answer_with(&f->first, "10.2.0.1", 30);
    f->first.addresses[1] = "10.2.0.2";
    f->first.ttls[1] = 20;

    const struct resolver_answer *answer = ask(f, "gw.example.com", IP_V4);

    assert_found(answer, 0, "10.2.0.1");
    assert_found(answer, 1, "10.2.0.2");
    assert_int_equal(answer->count, 2);
    assert_int_equal(answer->ttl, 20);
    assert_string_equal(f->first.name, "gw.example.com");
    assert_int_equal(f->first.type, 1);
}

static void S19_ipv6_is_asked_for_by_itself(void **state)
{
    struct fixture *f = *state;
    answer_with(&f->first, "2001:db8::2", 60);

    const struct resolver_answer *answer = ask(f, "gw.example.com.", IP_V6);

    assert_found(answer, 0, "2001:db8::2");
    assert_int_equal(answer->count, 1);
    assert_int_equal(f->first.questions, 1);
    assert_int_equal(f->first.type, 28);
}

static void RFC1034_3_6_2_an_alias_is_followed_and_its_ttl_counts(void **state)
{
    struct fixture *f = *state;
    answer_with(&f->first, "10.2.0.1", 300);
    f->first.alias_ttl = 15;

    const struct resolver_answer *answer = ask(f, "gw.example.com", IP_V4);

    assert_found(answer, 0, "10.2.0.1");
    assert_int_equal(answer->ttl, 15);
}

static void an_alias_without_an_address_has_none(void **state)
{
    struct fixture *f = *state;
    f->first.alias_ttl = 15;

    const enum ip_family families[] = {IP_V4, IP_V6};
    for (size_t i = 0; i < 2; i++) {
        const struct resolver_answer *answer = ask(f, "gw.example.com", families[i]);
        assert_int_equal(answer->outcome, RESOLVER_ABSENT);
        assert_string_equal(answer->reason, "the name has no address");
    }
}

static void R41_no_such_name_and_no_address_are_told_apart(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask(f, "gw.example.com", IP_V4)->outcome, RESOLVER_ABSENT);
    assert_string_equal(f->answer.reason, "the name has no address");

    f->first.rcode = NXDOMAIN;
    assert_int_equal(ask(f, "gw.example.com", IP_V4)->outcome, RESOLVER_ABSENT);
    assert_string_equal(f->answer.reason, "no such name");
}

static void what_no_host_can_have_is_no_address(void **state)
{
    struct fixture *f = *state;
    answer_with(&f->first, "0.0.0.0", 30);
    f->first.addresses[1] = "224.0.0.1";

    const struct resolver_answer *answer = ask(f, "gw.example.com", IP_V4);

    assert_int_equal(answer->outcome, RESOLVER_ABSENT);
    assert_int_equal(answer->count, 0);
}

static void more_addresses_than_there_is_room_for_are_left_out(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < 30; i++)
        f->first.addresses[i] = "10.2.0.1";

    const struct resolver_answer *answer = ask(f, "gw.example.com", IP_V4);

    assert_found(answer, RESOLVER_ADDRESSES_MAX - 1, "10.2.0.1");
    assert_int_equal(answer->count, RESOLVER_ADDRESSES_MAX);
}

static void RFC1035_4_2_what_is_too_long_for_udp_comes_by_tcp(void **state)
{
    struct fixture *f = *state;
    answer_with(&f->first, "10.2.0.1", 30);
    f->first.by_tcp_alone = true;

    const struct resolver_answer *answer = ask(f, "gw.example.com", IP_V4);

    assert_found(answer, 0, "10.2.0.1");
    assert_int_equal(f->first.questions, 2);
}

/* ---- Servers that don't say ------------------------------------------------------------------------ */

static const char unusable[] = "the name servers can't be reached, or answer SERVFAIL or REFUSED";

static void R41_servers_that_fail_or_refuse_know_nothing_of_the_name(void **state)
{
    struct fixture *f = *state;
    const unsigned rcodes[] = {SERVFAIL, REFUSED};
    for (size_t i = 0; i < sizeof rcodes / sizeof *rcodes; i++) {
        f->first.rcode = rcodes[i];
        const struct resolver_answer *answer = ask(f, "gw.example.com", IP_V4);
        assert_int_equal(answer->outcome, RESOLVER_FAILED);
        assert_string_equal(answer->reason, unusable);
    }
}

static void R41_a_server_that_is_not_there_knows_nothing_of_the_name(void **state)
{
    struct fixture *f = *state;
    const struct ip_address nobody = address_of("127.0.0.99");
    assert_true(resolver_set_servers(f->resolver, &nobody, 1));

    const struct resolver_answer *answer = ask(f, "gw.example.com", IP_V4);

    assert_int_equal(answer->outcome, RESOLVER_FAILED);
    assert_string_equal(answer->reason, unusable);
}

static void a_lost_question_is_asked_again(void **state)
{
    struct fixture *f = *state;
    answer_with(&f->first, "10.2.0.1", 30);
    f->first.ignored = 1;

    const struct resolver_answer *answer = ask(f, "gw.example.com", IP_V4);

    assert_found(answer, 0, "10.2.0.1");
    assert_int_equal(f->first.questions, 2);
}

static void the_next_server_is_asked_when_the_first_fails(void **state)
{
    struct fixture *f = *state;
    start_second(f);
    f->first.rcode = SERVFAIL;
    answer_with(&f->second, "10.2.0.1", 30);

    const struct resolver_answer *answer = ask(f, "gw.example.com", IP_V4);

    assert_found(answer, 0, "10.2.0.1");
    assert_int_equal(f->first.questions, 1);
}

/* ---- Questions that end otherwise ------------------------------------------------------------------ */

static void a_cancelled_question_is_not_answered(void **state)
{
    struct fixture *f = *state;
    answer_with(&f->first, "10.2.0.1", 30);
    struct resolver_question *question = resolver_ask(f->resolver, "gone.example.com", IP_V4, keep_answer, f);
    assert_non_null(question);

    resolver_cancel(question);

    (void)ask(f, "gw.example.com", IP_V4); /* whose own answer is the only one */
    assert_int_equal(f->answers, 1);
    assert_int_equal(f->first.questions, 2);
}

static void other_servers_end_the_questions_under_way(void **state)
{
    struct fixture *f = *state;
    f->first.ignored = 1;
    assert_non_null(resolver_ask(f->resolver, "gw.example.com", IP_V4, keep_answer, f));

    start_second(f);
    while (f->answers == 0)
        (void)uv_run(&f->loop, UV_RUN_ONCE);

    assert_int_equal(f->answer.outcome, RESOLVER_FAILED);
    assert_string_equal(f->answer.reason, "the name servers were changed");
}

static void the_same_servers_are_no_change(void **state)
{
    struct fixture *f = *state;
    const struct ip_address server = address_of(first_address);
    assert_false(resolver_set_servers(f->resolver, &server, 1));
}

static void questions_may_be_open_at_the_end(void **state)
{
    struct fixture *f = *state;
    f->first.ignored = 100;
    struct resolver_question *cancelled =
        resolver_ask(f->resolver, "gone.example.com", IP_V4, keep_answer, f);
    assert_non_null(cancelled);
    assert_non_null(resolver_ask(f->resolver, "gw.example.com", IP_V4, keep_answer, f));
    resolver_cancel(cancelled);
    while (f->first.questions < 2)
        (void)uv_run(&f->loop, UV_RUN_ONCE);
    /* The rest is to be seen by tear_down, and by the sanitizers. */
    assert_int_equal(f->answers, 0);
}

/* ---- The system's servers -------------------------------------------------------------------------- */

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void without_servers_those_of_resolv_conf_are_asked_and_followed(void **state)
{
    struct fixture *f = *state;
    char path[] = "/tmp/musubi-resolv-XXXXXX";
    start_second(f);
    answer_with(&f->first, "10.2.0.1", 30);
    answer_with(&f->second, "10.2.0.2", 30);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(unshare(CLONE_NEWNS), 0);
    assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    assert_int_equal(mount(path, "/etc/resolv.conf", NULL, MS_BIND, NULL), 0);

    write_file(path, "nameserver 127.0.0.1\n");
    assert_true(resolver_set_servers(f->resolver, NULL, 0));
    assert_found(ask(f, "gw.example.com", IP_V4), 0, "10.2.0.1");

    write_file(path, "# another one\nnameserver 127.0.0.2\n");
    assert_found(ask(f, "gw.example.com", IP_V4), 0, "10.2.0.2");

    assert_int_equal(umount("/etc/resolv.conf"), 0);
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_SERVER(S19_addresses_come_with_the_least_ttl),
        WITH_SERVER(S19_ipv6_is_asked_for_by_itself),
        WITH_SERVER(RFC1034_3_6_2_an_alias_is_followed_and_its_ttl_counts),
        WITH_SERVER(an_alias_without_an_address_has_none),
        WITH_SERVER(R41_no_such_name_and_no_address_are_told_apart),
        WITH_SERVER(what_no_host_can_have_is_no_address),
        WITH_SERVER(more_addresses_than_there_is_room_for_are_left_out),
        WITH_SERVER(RFC1035_4_2_what_is_too_long_for_udp_comes_by_tcp),
        WITH_SERVER(R41_servers_that_fail_or_refuse_know_nothing_of_the_name),
        WITH_SERVER(R41_a_server_that_is_not_there_knows_nothing_of_the_name),
        WITH_SERVER(a_lost_question_is_asked_again),
        WITH_SERVER(the_next_server_is_asked_when_the_first_fails),
        WITH_SERVER(a_cancelled_question_is_not_answered),
        WITH_SERVER(other_servers_end_the_questions_under_way),
        WITH_SERVER(the_same_servers_are_no_change),
        WITH_SERVER(questions_may_be_open_at_the_end),
        WITH_SERVER(without_servers_those_of_resolv_conf_are_asked_and_followed),
    };
    if (!netns_is_possible())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
