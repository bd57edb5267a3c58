#include "daemon/show/old_settings.h"

#include <inttypes.h>
#include <stdio.h>

#include "config/identity.h"
#include "config/setting_lines.h"
#include "daemon/show/ike_sa.h"

/* What is compared, and what goes around each sentence. */
struct comparison {
    const struct ike_record *sa;
    const struct ike_child_record *child; /* the newest one in use; NULL: none */
    const struct tunnel_policy *policy;
    const struct old_keys *keys;
    const char *before, *after;
    struct text *out;
};

/* ---- Sentences --------------------------------------------------------------------------------------- */

/* Appends where a setting stands, and its verb: "line 12 says". */
static void print_place(uint32_t line, struct text *out)
{
    if (line == 0)
        text_print(out, "the default is");
    else if (line == POLICY_LINE_TYPED)
        text_print(out, "what was typed at the prompt says");
    else
        text_print(out, "line %" PRIu32 " says", line);
}

/* `name` is that of the value in the command language, or "" for an ID. */
static void print_sentence(const struct comparison *c, const char *name, const char *old,
                           enum policy_setting setting, const char *now)
{
    const char *blank = name[0] != '\0' ? " " : "";
    text_print(c->out, "%sestablished with %s%s%s; ", c->before, name, blank, old);
    print_place(c->policy->line[setting], c->out);
    text_print(c->out, " %s from the next negotiation%s", now, c->after);
}

/* ---- Algorithms -------------------------------------------------------------------------------------- */

/* A table of algorithms: what commands call one, the names of its rows. */
struct word_table {
    const char *name;
    size_t count;
    const char *(*word)(size_t row);
};

static const struct word_table encryption = {"enc", ENCRYPTION_COUNT, encryption_word},
                               integrity = {"integrity", INTEGRITY_COUNT, integrity_word},
                               prf = {"prf", PRF_COUNT, prf_word},
                               dh = {"dh", KEY_EXCHANGE_COUNT, key_exchange_word},
                               pfs = {"child-pfs", KEY_EXCHANGE_COUNT, key_exchange_word};

/* `used` holds the one that was negotiated, or none: then there is nothing to compare. */
static void compare_algorithms(const struct comparison *c, const struct word_table *table, algorithm_set used,
                               algorithm_set allowed, enum policy_setting setting)
{
    struct text now = {0};
    size_t row = 0;
    if (used == 0 || (used & allowed) != 0)
        return;
    for (size_t i = 0; i < table->count; i++) {
        if (algorithm_set_has(allowed, i))
            text_print(&now, "%s%s", now.length > 0 ? " " : "", table->word(i));
        if (algorithm_set_has(used, i))
            row = i;
    }
    print_sentence(c, table->name, table->word(row), setting, now.length > 0 ? text_get(&now) : "off");
    text_free(&now);
}

/* ---- Lifetimes --------------------------------------------------------------------------------------- */

static void compare_lifetimes(const struct comparison *c, const char *name, msec_t created, msec_t expires,
                              uint32_t seconds, enum policy_setting setting)
{
    enum { NEGOTIATION = 60 }; /* seconds that a Child SA may exist before it is in use */
    char old[24];
    char now[24];
    if (expires == MSEC_NEVER || expires < created)
        return;
    uint64_t was = (expires - created) / 1000;
    if (was >= seconds && was < (uint64_t)seconds + NEGOTIATION)
        return;
    (void)snprintf(old, sizeof old, "%" PRIu64, was);
    (void)snprintf(now, sizeof now, "%" PRIu32, seconds);
    print_sentence(c, name, old, setting, now);
}

/* ---- Parts ------------------------------------------------------------------------------------------- */

static void compare_ike_sa(const struct comparison *c)
{
    const struct ike_suite *suite = &c->sa->suite;
    const struct ike_algorithms *allowed = &c->policy->ike;
    compare_algorithms(c, &encryption, ALGORITHM_SET_OF(suite->encryption, encryption_algorithms),
                       allowed->encryption, SETTING_IKE_ENCRYPTION);
    compare_algorithms(c, &integrity, ALGORITHM_SET_OF(suite->integrity, integrity_algorithms),
                       allowed->integrity, SETTING_IKE_INTEGRITY);
    compare_algorithms(c, &prf, ALGORITHM_SET_OF(suite->prf, prf_algorithms), allowed->prf, SETTING_IKE_PRF);
    compare_algorithms(c, &dh, ALGORITHM_SET_OF(suite->dh, key_exchange_methods), allowed->dh,
                       SETTING_IKE_DH);
    compare_lifetimes(c, "sa-lifetime", c->sa->created, c->sa->expires, c->policy->sa_lifetime,
                      SETTING_SA_LIFETIME);
}

static void compare_key(const struct comparison *c, const struct old_key *key)
{
    struct setting_lines lines = {0};
    char text[SETTING_LINES_TEXT_SIZE];
    if (!key->is_old)
        return;
    setting_lines_add_line(&lines, key->line);
    text_print(c->out, "%sestablished with the old key%s%s; the new one holds from the next negotiation%s",
               c->before, key->line == POLICY_LINE_TYPED ? ", " : " of ", setting_lines_format(&lines, text),
               c->after);
}

static void compare_ids(const struct comparison *c, const char *whose, const struct identity *used,
                        const struct identity *wanted, enum policy_setting setting)
{
    struct text old = {0};
    struct text now = {0};
    if (wanted->type == ID_NONE || used->type == ID_NONE || identity_equal(used, wanted))
        return;
    show_identity(used, &old);
    show_identity(wanted, &now);
    print_sentence(c, whose, text_get(&old), setting, text_get(&now));
    text_free(&old);
    text_free(&now);
}

static void compare_auth(const struct comparison *c)
{
    const struct tunnel_policy *policy = c->policy;
    compare_key(c, &c->keys->own);
    if (!c->keys->own.is_old || !c->keys->peer.is_old || c->keys->own.line != c->keys->peer.line)
        compare_key(c, &c->keys->peer);
    compare_ids(c, "this end as", &c->sa->local_id, &policy->local_id, SETTING_LOCAL_AUTHENTICATION);
    compare_ids(c, "the peer as", &c->sa->remote_id, &policy->remote_id, SETTING_PEER);
}

static void compare_child_sa(const struct comparison *c)
{
    const struct child_algorithms *allowed = &c->policy->child;
    if (c->child == NULL)
        return;
    const struct ike_suite *suite = &c->child->suite;
    compare_algorithms(c, &encryption, ALGORITHM_SET_OF(suite->encryption, encryption_algorithms),
                       allowed->encryption, SETTING_CHILD_ENCRYPTION);
    compare_algorithms(c, &integrity, ALGORITHM_SET_OF(suite->integrity, integrity_algorithms),
                       allowed->integrity, SETTING_CHILD_INTEGRITY);
    compare_algorithms(c, &pfs, ALGORITHM_SET_OF(suite->dh, key_exchange_methods), allowed->pfs,
                       SETTING_CHILD_PFS);
    compare_lifetimes(c, "child-lifetime", c->child->created, c->child->expires, c->policy->child_lifetime,
                      SETTING_CHILD_LIFETIME);
}

static void compare_selectors_of(const struct comparison *c, const char *name,
                                 const struct selector_list *used, const struct policy_selector *configured,
                                 uint8_t count, enum policy_setting setting)
{
    const struct selector_list wanted = selectors_of_policy(configured, count);
    char old[SELECTORS_TEXT_SIZE];
    char now[SELECTORS_TEXT_SIZE];
    if (!selectors_within(used, &wanted))
        print_sentence(c, name, selectors_format(used, old), setting, selectors_format(&wanted, now));
}

/* As responder the selectors are those of the peer (R71). */
static void compare_selectors(const struct comparison *c)
{
    const struct tunnel_policy *policy = c->policy;
    if (c->child == NULL || !c->child->initiator)
        return;
    compare_selectors_of(c, "local-ts", &c->child->local_ts, policy->local_ts, policy->local_ts_count,
                         SETTING_LOCAL_TS);
    compare_selectors_of(c, "remote-ts", &c->child->remote_ts, policy->remote_ts, policy->remote_ts_count,
                         SETTING_REMOTE_TS);
}

/* ---- All --------------------------------------------------------------------------------------------- */

void show_old_settings(enum old_settings_part part, const struct ike_record *sa,
                       const struct tunnel_policy *policy, const struct old_keys *keys, const char *before,
                       const char *after, struct text *out)
{
    static void (*const parts[OLD_PART_COUNT])(const struct comparison *) = {
        [OLD_OF_IKE_SA] = compare_ike_sa,
        [OLD_OF_AUTH] = compare_auth,
        [OLD_OF_CHILD_SA] = compare_child_sa,
        [OLD_OF_SELECTORS] = compare_selectors,
    };
    const struct comparison c = {sa, show_live_child(sa), policy, keys, before, after, out};
    if (sa->state == IKE_SA_ESTABLISHED)
        parts[part](&c);
}
