/*
 * An engine ends in the middle of anything, and another one goes on with its records: no SA is lost, nothing
 * is negotiated anew, and what the peer has seen under a message ID it sees again.
 */
#include "ike/sa/record.h"
#include "pair.h"
#include "requests.h"
#include "sim/inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* ---- Anywhere in the life of an SA ------------------------------------------------------------------- */

struct cut {
    unsigned actions; /* after which the engine of A ends */
    bool path_too;
};

/*
 * A pair is up, and both SAs are rekeyed by both ends; A's engine ends once on the way. False if it would
 * have had to do more for that.
 */
static bool play_with_cut(const struct cut *cut)
{
    struct tunnel_policy a = policy_a();
    struct tunnel_policy b = policy_b();
    a.sa_lifetime = 130;
    a.child_lifetime = 75;
    b.sa_lifetime = 170;
    b.child_lifetime = 69;
    a.dpd_interval = 10;
    struct pair p = pair_with_seed(7, &a, &b);
    gateway_packet_waits(p.a, 1);
    world_run(p.w, 1000);
    world_set_traffic(p.w, 200);
    gateway_resume_after(p.a, cut->actions, cut->path_too);

    world_run(p.w, 300 * 1000);

    world_set_traffic(p.w, 0);
    world_run(p.w, 2000);
    bool was_cut = gateway_log_has(p.a, "ANOTHER ONE GOES ON");
    size_t lost = gateway_packets_lost(p.a) + gateway_packets_lost(p.b);
    if (lost != 0 || world_fault(p.w) != NULL || !gateway_tunnel_is_up(p.a, 1) ||
        !gateway_tunnel_is_up(p.b, 0) || gateway_log_count(p.a, "negotiation started") != 1 ||
        gateway_log_has(p.b, "negotiation started on"))
        fail_msg("cut off after %u actions%s: %zu packets lost, %s", cut->actions,
                 cut->path_too ? ", the path too" : "", lost,
                 world_fault(p.w) != NULL ? world_fault(p.w) : "or negotiated anew");
    world_free(p.w);
    return was_cut;
}

static void no_sa_and_no_packet_is_lost_wherever_the_engine_ends(void **state)
{
    (void)state;
    unsigned actions = 0;
    for (unsigned with_path = 0; with_path < 2; with_path++) {
        actions = 0;
        while (play_with_cut(&(struct cut){actions, with_path == 1}))
            actions++;
    }
    assert_true(actions > 100); /* else the test shows little */
}

static void no_packet_is_lost_however_often_the_path_restarts(void **state)
{
    (void)state;
    struct tunnel_policy a = policy_a();
    struct tunnel_policy b = policy_b();
    a.sa_lifetime = 130;
    a.child_lifetime = 75;
    b.sa_lifetime = 170;
    b.child_lifetime = 69;
    struct pair p = pair_with_seed(7, &a, &b);
    gateway_packet_waits(p.a, 1);
    world_run(p.w, 1000);
    world_set_traffic(p.w, 200);

    for (int i = 0; i < 3000; i++) {
        gateway_renew_path(i % 2 == 0 ? p.a : p.b);
        world_run(p.w, 100);
    }

    world_set_traffic(p.w, 0);
    world_run(p.w, 2000);
    assert_null(world_fault(p.w));
    assert_int_equal(gateway_packets_lost(p.a) + gateway_packets_lost(p.b), 0);
    assert_true(gateway_log_count(p.a, "Child SA created") > 4);
    assert_int_equal(gateway_log_count(p.a, "negotiation started"), 1);
    world_free(p.w);
}

/* ---- At the border between two engines --------------------------------------------------------------- */

static void an_outstanding_request_is_sent_again_with_the_same_octets(void **state)
{
    (void)state;
    struct stage s = stage_established();
    gateway_clear(s.b, 0);
    uint8_t first[2048];
    size_t length = s.p->reply_length;
    memcpy(first, s.p->reply, length);
    s.p->reply_count = 0;

    gateway_resume_after(s.b, 0, false);

    assert_int_equal(s.p->reply_count, 1);
    assert_int_equal(s.p->reply_length, length);
    assert_memory_equal(s.p->reply, first, length);
    stage_free(&s);
}

/* The answer has come, and its secret is being computed: that is done again, and nothing is asked again. */
static void a_rekey_whose_secret_is_being_computed_goes_on(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_that_rekeys(70, 28800);
    struct stage s = stage_established_with(&policy);
    await_request(&s, EXCHANGE_CREATE_CHILD_SA);
    world_conditions(s.w)->job_time = 1000;
    answer_ike_rekey(&s, HIGHEST);
    s.p->reply_count = 0;

    gateway_resume_after(s.b, 0, false);
    world_run(s.w, 500);
    assert_int_equal(s.p->reply_count, 0);
    world_run(s.w, 1000);

    assert_true(gateway_log_has(s.b, "IKE SA rekeyed: serial 2 follows serial 1"));
    assert_int_equal(s.p->reply_count, 1);
    assert_true(puppet_read_reply(s.p));
    const struct ike_payload *deletion = ike_message_find(&s.p->message, PAYLOAD_DELETE);
    assert_true(deletion != NULL && deletion->protocol == PROTOCOL_IKE);
    stage_free(&s);
}

static void an_outstanding_delete_ends_with_the_reason_that_it_had(void **state)
{
    (void)state;
    struct stage s = stage_established();
    gateway_clear(s.b, 0);

    gateway_resume_after(s.b, 0, true);
    assert_true(puppet_read_reply(s.p));
    struct message_writer nothing = inner();
    puppet_answer(s.p, &nothing);

    assert_int_equal(gateway_record_count(s.b), 0);
    assert_string_equal(gateway_last_down_reason(s.b), "Delete IKE SA by command");
    stage_free(&s);
}

static void a_request_that_was_answered_is_answered_again_with_the_same_octets(void **state)
{
    (void)state;
    struct stage s = stage_established();
    send_child_rekey(&s, FIRST_ID, PUPPET_CHILD, SECOND_CHILD, HIGHEST);
    uint8_t first[2048];
    size_t length = s.p->reply_length;
    memcpy(first, s.p->reply, length);
    s.p->reply_count = 0;

    gateway_resume_after(s.b, 0, false);
    send_child_rekey(&s, FIRST_ID, PUPPET_CHILD, SECOND_CHILD, HIGHEST);

    assert_int_equal(s.p->reply_count, 1);
    assert_int_equal(s.p->reply_length, length);
    assert_memory_equal(s.p->reply, first, length);
    stage_free(&s);
}

static void an_unfinished_negotiation_is_forgotten(void **state)
{
    (void)state;
    struct stage s = stage_new();
    assert_true(puppet_do_init(s.p));
    assert_int_equal(gateway_record_count(s.b), 1);

    gateway_resume_after(s.b, 0, false);

    assert_int_equal(gateway_record_count(s.b), 0);
    assert_true(gateway_log_has(s.b, "is forgotten: its negotiation was not over"));
    stage_free(&s);
}

static void an_sa_whose_tunnel_is_gone_is_forgotten(void **state)
{
    (void)state;
    struct stage s = stage_established();

    gateway_drop_tunnel(s.b, 0);
    gateway_resume_after(s.b, 0, false);

    assert_int_equal(gateway_record_count(s.b), 0);
    assert_null(gateway_children(s.b));
    assert_true(gateway_log_has(s.b, "is forgotten: its tunnel is not there any more"));
    stage_free(&s);
}

/* Hands a record to the engine of B, and returns the one line that it logs. The record is to be forgotten. */
static const char *restore_and_read_log(const struct stage *s, uint32_t serial, struct octets record)
{
    struct ike_event event = {.kind = IKE_EVENT_SAVED};
    event.saved.serial = serial;
    event.saved.state = record;
    const struct ike_effects *effects = ike_engine_handle(gateway_engine(s->b), world_now(s->w), &event);
    assert_int_equal(effects->record_count, 1);
    assert_int_equal(effects->records[0].serial, serial);
    assert_int_equal(effects->records[0].state.length, 0);
    assert_int_equal(effects->action_count, 1);
    return effects->actions[0].log.text;
}

static void a_record_that_this_version_cannot_read_is_left_out_and_told(void **state)
{
    (void)state;
    struct stage s = stage_new();
    uint8_t newer[] = {0, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0};

    assert_string_equal(
        restore_and_read_log(&s, 3, (struct octets){some_octets, sizeof some_octets}),
        "saved IKE SA, serial 3, is left out: its record cannot be used: lengths or numbers in "
        "it are wrong");
    assert_string_equal(
        restore_and_read_log(&s, 4, (struct octets){newer, sizeof newer}),
        "saved IKE SA, serial 4, is left out: its record cannot be used: it is of version 256, "
        "and this program reads versions 4 to 5");
    newer[2] = newer[6] = 0;
    newer[3] = newer[7] = 2;
    assert_string_equal(
        restore_and_read_log(&s, 5, (struct octets){newer, sizeof newer}),
        "saved IKE SA, serial 5, is left out: its record cannot be used: it is of version 2, and "
        "this program reads versions 4 to 5");
    stage_free(&s);
}

static void a_record_under_the_serial_of_another_one_is_left_out(void **state)
{
    (void)state;
    struct stage s = stage_established();
    assert_int_equal(gateway_record_count(s.b), 1);

    const char *line = restore_and_read_log(&s, 77, gateway_record(s.b, 0));

    assert_string_equal(line,
                        "saved IKE SA, serial 77, is left out: its record cannot be used: it is of another "
                        "IKE SA");
    stage_free(&s);
}

/* Packets leave by the newest, so the packet path has to get them in the order in which they were made. */
static void child_sas_are_handed_over_oldest_first_and_once(void **state)
{
    (void)state;
    struct stage s = stage_established();
    send_child_rekey(&s, FIRST_ID, PUPPET_CHILD, SECOND_CHILD, HIGHEST);
    uint32_t newest = gateway_children(s.b)->sa.inbound.spi;
    assert_int_equal(gateway_child_count(s.b, 0), 2);

    gateway_resume_after(s.b, 0, true);

    assert_int_equal(gateway_child_count(s.b, 0), 2);
    assert_int_equal(gateway_children(s.b)->sa.inbound.spi, newest);
    assert_false(gateway_children(s.b)->active); /* the peer has not used it yet */
    stage_free(&s);
}

/* ---- On another machine ------------------------------------------------------------------------------ */

/* A new engine with B's tunnel, as on another machine; the caller frees it. */
static struct ike_engine *other_machine(struct world *w, const struct tunnel_policy *policy)
{
    const struct ike_options options = {
        .random = world_fill_random, .random_context = w, .esp_owners = 4, .log_level = LOG_LEVEL_NOTICE};
    struct ike_engine *engine = ike_engine_new(&options);
    assert_non_null(engine);
    (void)ike_engine_handle(engine, 0, &(struct ike_event){.kind = IKE_EVENT_POLICY, .policy = policy});
    return engine;
}

/* The actions of one change of Child SAs. */
static const struct child_settings *find_change(const struct ike_effects *effects, enum child_change change)
{
    for (size_t i = 0; i < effects->action_count; i++) {
        const struct ike_action *action = &effects->actions[i];
        if (action->kind == IKE_ACTION_CHILD && action->child->change == change)
            return &action->child->child;
    }
    return NULL;
}

static const struct ike_action *find_action(const struct ike_effects *effects, enum ike_action_kind kind)
{
    for (size_t i = 0; i < effects->action_count; i++) {
        if (effects->actions[i].kind == kind)
            return &effects->actions[i];
    }
    return NULL;
}

/* It gets a slot of that machine, and sends nothing by it, since it has no sequence numbers. */
static void a_child_sa_of_another_machine_is_installed_stopped_in_a_slot_of_this_one(void **state)
{
    (void)state;
    struct stage s = stage_established();
    struct tunnel_policy policy = stage_policy();
    struct ike_engine *engine = other_machine(s.w, &policy);
    uint8_t at[4096];
    struct octets record = gateway_record(s.b, 0);
    memcpy(at, record.at, record.length);
    struct ike_event event = {.kind = IKE_EVENT_SAVED};
    event.saved.state = record_without_machine(at, record.length);
    assert_true(event.saved.state.length < record.length);
    const struct ike_effects *effects = ike_engine_handle(engine, 0, &event);
    assert_int_equal(effects->record_count + effects->action_count, 0);

    effects = ike_engine_handle(engine, 0, &(struct ike_event){.kind = IKE_EVENT_SAVED_END});

    const struct child_settings *child = find_change(effects, CHILD_INSTALL);
    assert_non_null(child);
    assert_int_equal(child->inbound.spi, gateway_children(s.b)->sa.inbound.spi);
    assert_false(child->active || child->active_when_used);
    assert_non_null(find_change(effects, CHILD_STOP));
    assert_int_equal(effects->record_count, 1);
    assert_non_null(find_action(effects, IKE_ACTION_TUNNEL_UP));
    ike_engine_free(engine);
    stage_free(&s);
}

static void an_ike_sa_of_another_machine_takes_the_route_of_its_tunnel(void **state)
{
    (void)state;
    struct stage s = stage_established();
    struct tunnel_policy policy = stage_policy();
    policy.child.pfs = 0; /* so that the rekey's request is sent at once, and again */
    struct ike_engine *engine = other_machine(s.w, &policy);
    uint8_t at[4096];
    struct octets record = gateway_record(s.b, 0);
    memcpy(at, record.at, record.length);
    struct ike_event event = {.kind = IKE_EVENT_SAVED};
    event.saved.state = record_without_machine(at, record.length);
    (void)ike_engine_handle(engine, 0, &event);
    (void)ike_engine_handle(engine, 0, &(struct ike_event){.kind = IKE_EVENT_SAVED_END});

    struct ike_event route = {.kind = IKE_EVENT_PEER_ROUTE};
    route.route.tunnel = policy.tunnel;
    route.route.route = (struct peer_route){.usable = true,
                                            .local = gateway_address(s.b),
                                            .remote = s.p->address.address,
                                            .ifindex = 9,
                                            .mark = 0x99};
    const struct ike_effects *effects = ike_engine_handle(engine, 0, &route);

    const struct child_settings *child = find_change(effects, CHILD_REDIRECT);
    assert_non_null(child);
    assert_true(child->destination.ifindex == 9 && child->destination.mark == 0x99);
    effects = ike_engine_handle(engine, 60000, &(struct ike_event){.kind = IKE_EVENT_TIMER});
    const struct ike_action *datagram = find_action(effects, IKE_ACTION_DATAGRAM);
    assert_non_null(datagram);
    assert_true(datagram->datagram.ifindex == 9 && datagram->datagram.mark == 0x99);
    ike_engine_free(engine);
    stage_free(&s);
}

/* The pair has been rekeyed some times; then the machine of A is another one. */
static void another_machine_goes_on_with_what_it_has_on_record(void **state)
{
    (void)state;
    struct tunnel_policy a = policy_a();
    struct tunnel_policy b = policy_b();
    a.child_lifetime = 70;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct pair p = pair_with_seed(seed, &a, &b);
        gateway_packet_waits(p.a, 1);
        world_run(p.w, 100 * 1000 + seed * 777);
        size_t negotiations = gateway_log_count(p.a, "negotiation started");

        gateway_take_over(p.a);
        world_run(p.w, 5000);
        world_set_traffic(p.w, 200);
        world_run(p.w, 300 * 1000);

        world_set_traffic(p.w, 0);
        world_run(p.w, 2000);
        if (world_fault(p.w) != NULL)
            fail_msg("seed %u: %s", (unsigned)seed, world_fault(p.w));
        assert_true(gateway_log_has(p.a, "was saved without its sequence numbers, and is rekeyed"));
        assert_int_equal(gateway_log_count(p.a, "negotiation started"), negotiations);
        assert_true(world_tunnel_carries_by_one(p.a, 1, p.b, 0));
        assert_int_equal(gateway_packets_lost(p.a) + gateway_packets_lost(p.b), 0);
        assert_true(gateway_packets_received(p.a) > 1000 && gateway_packets_received(p.b) > 1000);
        world_free(p.w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_sa_and_no_packet_is_lost_wherever_the_engine_ends),
        cmocka_unit_test(no_packet_is_lost_however_often_the_path_restarts),
        cmocka_unit_test(an_outstanding_request_is_sent_again_with_the_same_octets),
        cmocka_unit_test(a_rekey_whose_secret_is_being_computed_goes_on),
        cmocka_unit_test(an_outstanding_delete_ends_with_the_reason_that_it_had),
        cmocka_unit_test(a_request_that_was_answered_is_answered_again_with_the_same_octets),
        cmocka_unit_test(an_unfinished_negotiation_is_forgotten),
        cmocka_unit_test(an_sa_whose_tunnel_is_gone_is_forgotten),
        cmocka_unit_test(a_record_that_this_version_cannot_read_is_left_out_and_told),
        cmocka_unit_test(a_record_under_the_serial_of_another_one_is_left_out),
        cmocka_unit_test(child_sas_are_handed_over_oldest_first_and_once),
        cmocka_unit_test(a_child_sa_of_another_machine_is_installed_stopped_in_a_slot_of_this_one),
        cmocka_unit_test(an_ike_sa_of_another_machine_takes_the_route_of_its_tunnel),
        cmocka_unit_test(another_machine_goes_on_with_what_it_has_on_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
