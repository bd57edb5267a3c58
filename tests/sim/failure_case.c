#include "failure_case.h"

#include "ike/wire/selectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

void give_lines(struct tunnel_policy *policy, uint32_t first)
{
    static const uint32_t lines[SETTING_COUNT] = {
        [SETTING_IKE_ENCRYPTION] = 11,
        [SETTING_IKE_INTEGRITY] = 12,
        [SETTING_IKE_PRF] = 13,
        [SETTING_IKE_DH] = 14,
        [SETTING_CHILD_ENCRYPTION] = 15,
        [SETTING_CHILD_INTEGRITY] = 16,
        [SETTING_CHILD_PFS] = 17,
        [SETTING_LOCAL_AUTHENTICATION] = 20,
        [SETTING_LOCAL_TS] = 21,
        [SETTING_REMOTE_TS] = 22,
        [SETTING_IPSEC_MODE] = 23,
        [SETTING_PEER] = 31,
        [SETTING_DIRECTION] = 25,
        [SETTING_SOURCE_ADDRESS] = 26,
        [SETTING_OUTGOING_INTERFACE] = 27,
        [SETTING_SHUTDOWN] = 32,
        [SETTING_LOCAL_KEY] = 33,
        [SETTING_REMOTE_KEY] = 34,
    };
    for (size_t i = 0; i < SETTING_COUNT; i++)
        policy->line[i] = lines[i] != 0 ? first + lines[i] : 0;
}

void narrow_down(struct tunnel_policy *policy)
{
    policy->ike = (struct ike_algorithms){
        ALGORITHM_SET_OF(encryption_by_word("aes-cbc-128"), encryption_algorithms),
        ALGORITHM_SET_OF(integrity_by_word("sha2-256"), integrity_algorithms),
        ALGORITHM_SET_OF(prf_by_word("sha2-256"), prf_algorithms),
        ALGORITHM_SET_OF(key_exchange_by_word("2048-bit"), key_exchange_methods),
    };
    policy->child = (struct child_algorithms){policy->ike.encryption, policy->ike.integrity, 0, true};
}

void check_failure(const char *name, const struct gateway *g, const char *line)
{
    char found[8192] = "";
    size_t length = 0;
    const char *end;
    for (const char *at = gateway_warnings(g); (end = strchr(at, '\n')) != NULL; at = end + 1) {
        size_t size = (size_t)(end - at);
        if (warning_is_of_life(at, size) || length + size + 2 > sizeof found)
            continue;
        length += (size_t)sprintf(found + length, "%s%.*s", length > 0 ? "\n" : "", (int)size, at);
    }
    if (strcmp(found, line) != 0)
        fail_msg("%s: the warnings are\n%s\nnot\n%s", name, found, line);
    if (gateway_log_has(g, "secret"))
        fail_msg("%s: a key stands in the log", name);
}

struct stage stage_with_lines(void)
{
    struct tunnel_policy policy = stage_policy();
    narrow_down(&policy);
    give_lines(&policy, 0);
    return stage_new_with(&policy);
}

struct message_writer begin_auth(struct stage *s)
{
    assert_true(puppet_do_init(s->p));
    return inner();
}

void put_first_child(struct stage *s, struct message_writer *m)
{
    const struct ike_suite child = {.encryption = s->p->suite.encryption, .integrity = s->p->suite.integrity};
    const struct selector_list any = selectors_of_policy(NULL, 0);
    static const uint8_t spi[] = {0xc0, 0, 0, 1};
    proposal_put_choice(m, PROTOCOL_ESP, 1, (struct octets){spi, sizeof spi}, &child);
    selectors_put(m, PAYLOAD_TSI, &any);
    selectors_put(m, PAYLOAD_TSR, &any);
}

void send_auth(struct stage *s, struct message_writer *m)
{
    send_inner(s, EXCHANGE_IKE_AUTH, 1, m);
}

void check_failure_case(const struct failure_case *c)
{
    struct stage s = stage_with_lines();
    c->act(&s);
    check_failure(c->name, s.b, c->warning);
    stage_free(&s);
}
