#include "config/help.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/secret.h"

/* Help for keywords that several rows share, and for those inside of rows. The help of the row serves for the
 * others. Where `row` is not NULL, the entry is only for patterns that start with that keyword. */
static const struct {
    const char *row;
    const char *keyword;
    const char *help;
} keyword_table[] = {
    {"anti-replay", "off", "Accept packets that have come before"},
    {"anti-replay", "on", "Discard packets that have come before"},
    {"child-pfs", "off", "No new key exchange"},
    {"connect-type", "auto", "Make the SA at once, and again whenever it is gone"},
    {"connect-type", "trigger", "Make the SA when a packet needs it"},
    {"cert", "name", "The certificate's name in the store"},
    {"cert", "weak-allowed", "Accept RSA keys from 1024 bits on, and SHA-1"},
    {"dpd", "off", "Do not ask"},
    {"ip", "auto", "The size that fits"},
    {"ipv6", "auto", "The size that fits"},
    {"local-ts", "any", "All addresses, IPv4 and IPv6"},
    {"remote-ts", "any", "All addresses, IPv4 and IPv6"},
    {"nat-traversal", "off", "No NAT traversal"},
    {"outgoing-interface", "auto",
     "The routing table decides; the tunnel is up only if it says this interface"},
    {"outgoing-interface", "none", "The routing table decides"},
    {"source-address", "none", "The address of the outgoing interface"},
    {NULL, "Null0.0", "Discard"},
    {NULL, "access-list", "Access lists"},
    {NULL, "all", "All functions"},
    {NULL, "any", "Any"},
    {NULL, "authentication", "How the peer authenticates itself"},
    {NULL, "both", "Either side may start"},
    {NULL, "cacert", "The CA certificate by which the peer is authenticated"},
    {NULL, "cert", "Certificates"},
    {NULL, "char", "A key in characters"},
    {NULL, "child-proposal", "Algorithms of Child SAs"},
    {NULL, "clear", "Delete or reset"},
    {NULL, "copy", "Copy a config"},
    {NULL, "crl", "Certificate revocation lists"},
    {NULL, "crypto", "The password that encrypts it"},
    {NULL, "datetime", "Date and time"},
    {NULL, "debug", "Also the content of packets, and the keys"},
    {NULL, "default", "All addresses"},
    {NULL, "deny", "Discard"},
    {NULL, "der", "A certificate in DER"},
    {NULL, "dest", "Destination addresses"},
    {NULL, "distance", "Preference among routes to the same addresses: the lowest is used"},
    {NULL, "dn", "A distinguished name"},
    {NULL, "dport", "Destination port"},
    {NULL, "eq", "One port"},
    {NULL, "erase", "Remove"},
    {NULL, "error", "Only errors"},
    {NULL, "facility", "Facility of syslog"},
    {NULL, "force", "Encapsulate in UDP, NAT or not"},
    {NULL, "fqdn", "A domain name"},
    {NULL, "hex", "A key in hexadecimal"},
    {NULL, "host", "A server of syslog"},
    {NULL, "icmp", "ICMP"},
    {NULL, "id", "ID"},
    {NULL, "ike2", "IKEv2"},
    {NULL, "ikev2", "IKEv2 and its IPsec"},
    {NULL, "import", "Store"},
    {NULL, "in", "Incoming packets"},
    {NULL, "info", "Also DPD and cookies"},
    {NULL, "initiator", "Only this side may start"},
    {NULL, "interval", "Seconds from one check to the next"},
    {NULL, "ip", "IPv4"},
    {NULL, "ipsec", "IPsec"},
    {NULL, "ipv4", "An IPv4 address"},
    {NULL, "ipv6", "IPv6"},
    {NULL, "keepalive", "Send a packet when idle, so that NAT keeps its mapping"},
    {NULL, "key", "Key"},
    {NULL, "keyid", "An ID of any octets"},
    {NULL, "logging", "Event log"},
    {NULL, "length", "Lines of the terminal"},
    {NULL, "mycert", "The certificate of this device"},
    {NULL, "name", "Name in the store"},
    {NULL, "nbma-address", "The NHRP address of a router; the key is kept, but not used"},
    {NULL, "napt", "Address and port translation"},
    {NULL, "notice", "Also the start and end of negotiations"},
    {NULL, "off", "The opposite, where a profile says it"},
    {NULL, "out", "Outgoing packets"},
    {NULL, "peer-fqdn-ipv4", "The peer, by the IPv4 address of a domain name"},
    {NULL, "peer-fqdn-ipv6", "The peer, by the IPv6 address of a domain name"},
    {NULL, "pem", "In PEM"},
    {NULL, "permit", "Let pass"},
    {NULL, "pki", "Certificates and private keys"},
    {NULL, "port", "Port"},
    {NULL, "profile", "A profile"},
    {NULL, "protocol", "Protocol"},
    {NULL, "psk", "By pre-shared key"},
    {NULL, "range", "Several ports"},
    {NULL, "responder", "Only the peer may start"},
    {NULL, "rfc822", "A mail address"},
    {NULL, "rsa", "By certificate"},
    {NULL, "sa-proposal", "Algorithms of IKE SAs"},
    {NULL, "secret", "A key that a router has encrypted; it is kept, but can't be used"},
    {NULL, "show", "Show"},
    {NULL, "sport", "Source port"},
    {NULL, "src", "Source addresses"},
    {NULL, "suppress", "Messages not to be sent"},
    {NULL, "tcp", "TCP"},
    {NULL, "timeofday", "Time of day"},
    {NULL, "transport", "Transport mode, which is not supported yet"},
    {NULL, "udp", "UDP"},
    {NULL, "uptime", "Time since the start"},
    {NULL, "url", "Where the file is: file:FILE"},
    {NULL, "warn", "SAs made and deleted, and what is abnormal"},
    {NULL, "width", "Columns of the terminal"},
    {NULL, "write", "Save"},
};

static bool same(const char *word, const char *keyword, size_t length)
{
    return strlen(word) == length && memcmp(word, keyword, length) == 0;
}

const char *keyword_help(const struct command *row, const char *element)
{
    size_t length = keyword_length(element);
    size_t first = keyword_length(row->pattern);
    for (size_t i = 0; i < sizeof keyword_table / sizeof *keyword_table; i++) {
        if (same(keyword_table[i].keyword, element, length) &&
            (keyword_table[i].row == NULL || same(keyword_table[i].row, row->pattern, first)))
            return keyword_table[i].help;
    }
    return row->help;
}

struct finding {
    const struct config *config; /* or NULL */
    const char *start;           /* the letters of the word to be completed; "" if there are none yet */
    struct help *help;
};

const char *argument_shape(const struct argument *argument, char out[HELP_WORD_SIZE])
{
    if (argument->type->shape != NULL) {
        (void)snprintf(out, HELP_WORD_SIZE, "%s", argument->type->shape);
        return out;
    }
    (void)snprintf(out, HELP_WORD_SIZE, "%.*s", (int)argument->label_length, argument->label);
    for (char *c = out; *c != '\0'; c++)
        *c = (char)toupper((unsigned char)*c);
    return out;
}

static void add(struct finding *f, const char *word, const char *help, bool literal)
{
    if (literal && strncasecmp(word, f->start, strlen(f->start)) != 0)
        return;
    for (size_t i = 0; i < f->help->count; i++) {
        if (strcmp(f->help->entry[i].word, word) == 0)
            return;
    }
    if (f->help->count == HELP_ENTRIES_MAX)
        return;
    struct help_entry *entry = &f->help->entry[f->help->count++];
    (void)snprintf(entry->word, sizeof entry->word, "%s", word);
    entry->help = help;
    entry->literal = literal;
}

/* Adds the names in the config that an argument may have. */
static void add_names(struct finding *f, const struct argument *argument)
{
    static const struct {
        const char *type, *label;
        enum command_id header;
    } sources[] = {
        {"interface", "interface", COMMAND_INTERFACE},
        {"name", "profile", COMMAND_IKEV2_PROFILE},
    };
    for (size_t i = 0; f->config != NULL && i < sizeof sources / sizeof *sources; i++) {
        if (strcmp(argument->type->name, sources[i].type) != 0 ||
            strncmp(argument->label, sources[i].label, argument->label_length) != 0)
            continue;
        const struct setting *s = section_setting(config_global(f->config), sources[i].header);
        for (; s != NULL; s = setting_next_of_row(s))
            add(f, line_argument(&s->line, sources[i].label), argument->type->help, true);
    }
}

static void add_argument(struct finding *f, const char *element)
{
    struct argument argument = element_argument(element);
    char shape[HELP_WORD_SIZE];
    if (argument.type->word != NULL) {
        const char *word;
        for (size_t i = 0; (word = argument.type->word(i)) != NULL; i++)
            add(f, word, argument.type->help, true);
        return;
    }
    add_names(f, &argument);
    add(f, argument_shape(&argument, shape), argument.type->help, false);
}

static void add_expected(void *context, const char *element, const struct command *row)
{
    struct finding *f = context;
    if (element == NULL) {
        if (f->start[0] == '\0')
            add(f, "<cr>", "The line may end here", false);
        return;
    }
    if (element_is_argument(element)) {
        add_argument(f, element);
        return;
    }
    char keyword[HELP_WORD_SIZE];
    size_t length = keyword_length(element);
    (void)snprintf(keyword, sizeof keyword, "%.*s", (int)length, element);
    add(f, keyword, keyword_help(row, element), true);
}

static int compare_entries(const void *a, const void *b)
{
    const struct help_entry *x = a;
    const struct help_entry *y = b;
    bool x_end = strcmp(x->word, "<cr>") == 0;
    bool y_end = strcmp(y->word, "<cr>") == 0;
    if (x_end != y_end)
        return x_end ? 1 : -1;
    return strcmp(x->word, y->word);
}

void help_find(const struct match_scope *scope, const struct config *config, const char *line,
               struct help *out)
{
    struct words words;
    struct match m;
    words_split(line, strcspn(line, "\n"), &words);
    bool begun = words.count > 0 && !words.blank_at_end;
    struct finding f = {
        .config = config, .start = begun ? words.word[words.count - 1].text : "", .help = out};
    out->count = 0;
    size_t before = words.count - begun;
    out->understood = match_start_of(scope, &words, before, &m);
    if (!out->understood)
        return;
    if (before == 0 && scope->may_negate) {
        add(&f, "no", "Remove a setting, or say the opposite", true);
        add(&f, "default", "Remove a setting, so that the default holds", true);
    }
    match_expected(&m, add_expected, &f);
    qsort(out->entry, out->count, sizeof *out->entry, compare_entries);
}

/* ---- Questions -------------------------------------------------------------------------------------- */

/* The length of a line up to the `?` at its end; false if there is none. */
static bool find_question(const char *line, size_t length, size_t *at)
{
    while (length > 0 && (is_blank(line[length - 1]) || line[length - 1] == '\n'))
        length--;
    if (length == 0 || line[length - 1] != '?')
        return false;
    *at = length - 1;
    return true;
}

bool help_question_stands_alone(const char *line, size_t length)
{
    size_t at;
    return find_question(line, length, &at) && (at == 0 || is_blank(line[at - 1]));
}

/* True if the line is a comment, or a description that has begun: there a question is text. */
static bool is_text(const char *line)
{
    static const char description[] = "description";
    struct words words;
    words_split(line, strcspn(line, "\n"), &words);
    if (words.count == 0)
        return false;
    const char *first = words.word[0].text;
    return first[0] == '!' ||
           (words.count > 2 && strlen(first) > 2 && strncasecmp(description, first, strlen(first)) == 0);
}

static bool has_literal(const struct help *help)
{
    for (size_t i = 0; i < help->count; i++) {
        if (help->entry[i].literal)
            return true;
    }
    return false;
}

bool help_is_asked(const struct match_scope *scope, const struct config *config, const char *line,
                   struct help *out)
{
    size_t at;
    size_t length = strlen(line);
    if (!find_question(line, length, &at) || is_text(line))
        return false;
    char *before = strndup(line, at);
    if (before == NULL)
        return false;
    help_find(scope, config, before, out);
    secret_free(before, at); /* there may be a key in it */
    return help_question_stands_alone(line, length) || has_literal(out);
}
