#include "check/effective.h"

#include <string.h>

#include "base/map.h"
#include "base/secret.h"
#include "base/short_text.h"
#include "config/gap.h"
#include "config/identity.h"
#include "crypto/key_exchange.h"

enum { PLACE_SIZE = CERTIFICATE_NAME_SIZE + 48, WORDS_SIZE = 256, ROWS_MAX = 64 };

/* A setting and where it comes from. */
struct effective_row {
    char place[PLACE_SIZE];
    const struct setting *setting; /* NULL: `words` */
    enum command_mode mode;        /* that it is printed for */
    char words[WORDS_SIZE];
};

struct effective {
    const struct configuration *configuration;
    struct map keys; /* settings, by the hashes of their IDs */
    const struct tunnel_policy *policy;
    struct policy_levels levels;
    struct effective_row rows[ROWS_MAX]; /* of this Tunnel */
    size_t count, left_out;
};

/* ---- Defaults (R20), as lines under a Tunnel ------------------------------------------------------- */

/* The word of the row with that number in a table of transforms. */
typedef const char *transform_word(size_t row);

static void add_transforms(struct short_text *text, algorithm_set set, transform_word *word)
{
    for (size_t row = 0; set >> row != 0; row++) {
        if (algorithm_set_has(set, row))
            short_text_add(text, " %s", word(row));
    }
}

static void write_transforms(struct short_text *text, enum command_id id, const struct tunnel_policy *preset)
{
    const struct {
        enum command_id id;
        algorithm_set set;
        transform_word *word;
    } sets[] = {
        {COMMAND_SA_PROPOSAL_ENC, preset->ike.encryption, encryption_word},
        {COMMAND_SA_PROPOSAL_INTEGRITY, preset->ike.integrity, integrity_word},
        {COMMAND_SA_PROPOSAL_PRF, preset->ike.prf, prf_word},
        {COMMAND_SA_PROPOSAL_DH, preset->ike.dh, key_exchange_word},
        {COMMAND_CHILD_PROPOSAL_ENC, preset->child.encryption, encryption_word},
        {COMMAND_CHILD_PROPOSAL_INTEGRITY, preset->child.integrity, integrity_word},
    };
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        if (sets[i].id == id)
            add_transforms(text, sets[i].set, sets[i].word);
    }
}

static void add_number(struct short_text *text, enum command_id id, const struct tunnel_policy *preset)
{
    const struct {
        enum command_id id;
        uint32_t value;
    } numbers[] = {
        {COMMAND_IP_MTU, TUNNEL_MTU_DEFAULT},
        {COMMAND_SA_LIFETIME, preset->sa_lifetime},
        {COMMAND_CHILD_LIFETIME, preset->child_lifetime},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (numbers[i].id == id)
            short_text_add(text, " %u", numbers[i].value);
    }
}

/* What follows the head of a command; what no line says begins with `!`, as a comment. */
static const struct {
    enum command_id id;
    const char *words;
} defaults[] = {
    {COMMAND_TUNNEL_MODE, "! tunnel mode: none, so the Tunnel stays down"},
    {COMMAND_IP_UNNUMBERED, "! ip unnumbered: none"},
    {COMMAND_IP_MTU, "ip mtu"},
    {COMMAND_IP_TCP_ADJUST_MSS, "! ip tcp adjust-mss: the MSS stays as it is"},
    {COMMAND_IKEV2_BINDING, "! ikev2 binding: no profile"},
    {COMMAND_ANTI_REPLAY, "ikev2 anti-replay on"},
    {COMMAND_CERT_WEAK_ALLOWED, "ikev2 cert weak-allowed off"},
    {COMMAND_CHILD_LIFETIME, "ikev2 child-lifetime"},
    {COMMAND_CHILD_PFS, "! child-pfs: all groups, or a rekey without PFS"},
    {COMMAND_CHILD_PROPOSAL_ENC, "ikev2 child-proposal enc"},
    {COMMAND_CHILD_PROPOSAL_INTEGRITY, "ikev2 child-proposal integrity"},
    {COMMAND_CONNECT_TYPE, "ikev2 connect-type trigger"},
    {COMMAND_DPD, "ikev2 dpd off"},
    {COMMAND_IPSEC_MTU_IGNORE, "ikev2 ipsec mtu ignore off"},
    {COMMAND_IPSEC_PRE_FRAGMENT, "ikev2 ipsec pre-fragment off"},
    {COMMAND_IPSEC_MODE, "ikev2 ipsec-mode tunnel"},
    {COMMAND_LOCAL_AUTHENTICATION,
     "! local-authentication: psk, with the address from which this end sends as "
     "ID, and its key or else the peer's"},
    {COMMAND_LOCAL_TS, "ikev2 local-ts any"},
    {COMMAND_NAT_TRAVERSAL, "ikev2 nat-traversal off"},
    {COMMAND_NEGOTIATION_DIRECTION, "ikev2 negotiation-direction both"},
    {COMMAND_OUTGOING_INTERFACE, "ikev2 outgoing-interface none"},
    {COMMAND_REMOTE_TS, "ikev2 remote-ts any"},
    {COMMAND_SA_LIFETIME, "ikev2 sa-lifetime"},
    {COMMAND_SA_PROPOSAL_ENC, "ikev2 sa-proposal enc"},
    {COMMAND_SA_PROPOSAL_INTEGRITY, "ikev2 sa-proposal integrity"},
    {COMMAND_SA_PROPOSAL_PRF, "ikev2 sa-proposal prf"},
    {COMMAND_SA_PROPOSAL_DH, "ikev2 sa-proposal dh"},
    {COMMAND_SOURCE_ADDRESS, "ikev2 source-address none"},
    {COMMAND_SUPPRESS_SEND_DELETE, "ikev2 suppress send-delete off"},
    {COMMAND_SUPPRESS_SEND_REKEY, "ikev2 suppress send-rekey off"},
    {COMMAND_IKEV2_PEER, "! ikev2 peer: none, so the Tunnel stays down"},
    {COMMAND_SHUTDOWN, "no shutdown"},
};

/* ---- Rows ------------------------------------------------------------------------------------------ */

static struct effective_row *add_row(struct effective *e)
{
    if (e->count == ROWS_MAX) {
        e->left_out++;
        return NULL;
    }
    e->rows[e->count] = (struct effective_row){.setting = NULL};
    return &e->rows[e->count++];
}

static void add_default(struct effective *e, enum command_id id)
{
    const struct tunnel_policy preset = policy_default();
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) {
        struct effective_row *row = defaults[i].id == id ? add_row(e) : NULL;
        if (row == NULL)
            continue;
        struct short_text text = short_text_in(row->words, sizeof row->words);
        (void)snprintf(row->place, sizeof row->place, "default");
        short_text_add(&text, "%s", defaults[i].words);
        write_transforms(&text, id, &preset);
        add_number(&text, id, &preset);
    }
}

/* "line 12", with the profile if it stands in one. */
static void write_place(const struct setting *s, char out[PLACE_SIZE])
{
    struct short_text text = short_text_in(out, PLACE_SIZE);
    const enum command_mode mode = s->section->mode;
    if (s->source.line == POLICY_LINE_TYPED)
        short_text_add(&text, "typed");
    else
        short_text_add(&text, "line %u", s->source.line);
    if (mode == MODE_PROFILE)
        short_text_add(&text, ", profile %s", line_argument(&s->section->header->line, "profile"));
    if (mode == MODE_DEFAULT_PROFILE)
        short_text_add(&text, ", default-profile");
    if (mode == MODE_GLOBAL)
        short_text_add(&text, ", config mode");
}

static void add_setting(struct effective *e, const struct setting *s, enum command_mode mode)
{
    struct effective_row *row = s == NULL ? NULL : add_row(e);
    if (row == NULL)
        return;
    write_place(s, row->place);
    row->setting = s;
    row->mode = mode;
}

/* Adds what holds for a command: all its lines at the nearest level that may have it, or the default. */
static void add_command(struct effective *e, const struct section *tunnel, enum command_id id)
{
    bool is_policy = (command_table[id].modes & MODE_POLICY) == MODE_POLICY;
    const struct setting *s = is_policy ? levels_find(&e->levels, id) : section_setting(tunnel, id);
    /* A Tunnel that has only `ipv6 mtu` has that for both. */
    bool has_default = id != COMMAND_IP_MTU || section_setting(tunnel, COMMAND_IPV6_MTU) == NULL;
    if (s == NULL && has_default)
        add_default(e, id);
    for (; s != NULL; s = setting_next_of_row(s))
        add_setting(e, s, MODE_TUNNEL);
}

/* ---- Keys ------------------------------------------------------------------------------------------ */

static struct map read_keys(const struct config *config)
{
    struct map keys = map_with_seed(0);
    const struct setting *s = section_setting(config_global(config), COMMAND_IKEV2_AUTHENTICATION);
    for (; s != NULL; s = setting_next_of_row(s)) {
        struct identity id;
        if (identity_of_line(&s->line, &id))
            (void)map_put(&keys, identity_hash(&id), (void *)(uintptr_t)s);
    }
    return keys;
}

/* Adds the key of an ID, if there is one. */
static void add_key(struct effective *e, enum auth_kind kind, const struct identity *id)
{
    struct identity found;
    const struct setting *s = map_find(&e->keys, identity_hash(id));
    if (kind == AUTH_KIND_PSK && s != NULL && identity_of_line(&s->line, &found) &&
        identity_equal(&found, id))
        add_setting(e, s, MODE_GLOBAL);
}

static void add_keys(struct effective *e)
{
    const struct tunnel_policy *policy = e->policy;
    add_key(e, policy->remote_auth, &policy->remote_id);
    if (policy->local_auth != policy->remote_auth || !identity_equal(&policy->local_id, &policy->remote_id))
        add_key(e, policy->local_auth, &policy->local_id);
}

/* ---- Printing -------------------------------------------------------------------------------------- */

static void print_rows(const struct effective *e, FILE *out)
{
    size_t width = 0;
    for (size_t i = 0; i < e->count; i++)
        width = strlen(e->rows[i].place) > width ? strlen(e->rows[i].place) : width;
    for (size_t i = 0; i < e->count; i++) {
        char line[LINE_PRINTED_SIZE];
        const struct effective_row *row = &e->rows[i];
        (void)fprintf(out, "  %-*s  %s\n", (int)width, row->place,
                      row->setting == NULL ? row->words
                                           : line_print(&row->setting->line, row->mode, false, line));
    }
    if (e->left_out > 0)
        (void)fprintf(out, "  and %zu more\n", e->left_out);
}

static void print_header(const struct effective *e, const struct setting *header, const char *file, FILE *out)
{
    const struct tunnel_policy *policy = e->policy;
    char gap[POLICY_GAP_TEXT_SIZE];
    if (header->source.line == POLICY_LINE_TYPED)
        (void)fprintf(out, "%s: %s", file, policy->name);
    else
        (void)fprintf(out, "%s:%u: %s", file, header->source.line, policy->name);
    if (policy->shut_down)
        (void)fprintf(out, " is shut down\n");
    else if (!policy->complete && policy->gap_line != 0 && policy->gap_line != POLICY_LINE_TYPED)
        (void)fprintf(out, " stays down: %s (line %u)\n", policy_gap_text(policy, gap), policy->gap_line);
    else if (!policy->complete)
        (void)fprintf(out, " stays down: %s\n", policy_gap_text(policy, gap));
    else
        (void)fputc('\n', out);
}

static void print_tunnel(struct effective *e, const struct setting *header, const char *file, FILE *out)
{
    const struct section *tunnel = header->under;
    e->levels = policy_levels_of(e->configuration->config, tunnel);
    e->count = e->left_out = 0;
    for (enum command_id id = 0; id < COMMAND_COUNT; id++) {
        if ((command_table[id].modes & MODE_TUNNEL) != 0)
            add_command(e, tunnel, id);
    }
    add_keys(e);
    print_header(e, header, file, out);
    print_rows(e, out);
}

void effective_print(const struct configuration *configuration, const char *file, FILE *out)
{
    struct effective e = {.configuration = configuration, .keys = read_keys(configuration->config)};
    const struct setting *s = section_setting(config_global(configuration->config), COMMAND_INTERFACE);
    size_t tunnel = 0;
    for (; s != NULL && tunnel < configuration->policies.count; s = setting_next_of_row(s)) {
        if (s->under->mode != MODE_TUNNEL)
            continue;
        e.policy = &configuration->policies.items[tunnel++];
        print_tunnel(&e, s, file, out);
    }
    map_free(&e.keys);
}

enum check_result effective_print_file(const char *path, FILE *out, FILE *errors)
{
    size_t length;
    char *text = check_read(path, &length, errors);
    if (text == NULL)
        return CHECK_UNREADABLE;
    struct diagnostics diagnostics = {0};
    struct configuration configuration;
    struct port_table ports = {0};
    bool good = !check_is_of_strongswan(text, length, path, &diagnostics) &&
                configuration_read(&configuration, text, length, &ports, NULL, &diagnostics);
    secret_free(text, length);
    if (good) {
        if (configuration.policies.count == 0)
            (void)fprintf(out, "%s: there is no Tunnel\n", path);
        effective_print(&configuration, path, out);
        configuration_free(&configuration);
    } else {
        diagnostics_sort(&diagnostics);
        diagnostics_print(&diagnostics, path, out);
    }
    port_table_clear(&ports);
    diagnostics_free(&diagnostics);
    return good ? CHECK_GOOD : CHECK_WRONG;
}
