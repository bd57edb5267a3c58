#include "config/message.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { NAMED_MAX = 12, NAME_SIZE = 32, WORD_SHOWN = 40 };

/* The names of what was expected, each once. */
struct expected {
    const char *word; /* the word that did not fit; NULL if one is missing */
    size_t count;
    size_t left_out; /* names beyond NAMED_MAX */
    char name[NAMED_MAX][NAME_SIZE];
    size_t nearest_distance; /* of `word` and `nearest` */
    char nearest[NAME_SIZE]; /* the keyword closest to `word`; "" if no keyword was expected */
};

static void add_name(struct expected *e, const char *name)
{
    for (size_t i = 0; i < e->count; i++) {
        if (strcmp(e->name[i], name) == 0)
            return;
    }
    if (e->count == NAMED_MAX) {
        e->left_out++;
        return;
    }
    (void)snprintf(e->name[e->count++], NAME_SIZE, "%s", name);
}

static void add_keyword(struct expected *e, const char *keyword, size_t length)
{
    char name[NAME_SIZE];
    (void)snprintf(name, sizeof name, "%.*s", (int)length, keyword);
    if (e->word != NULL) {
        /* An abbreviation where none is allowed is closer than any mistyped word. */
        bool abbreviated = strncasecmp(e->word, name, strlen(e->word)) == 0;
        size_t distance = abbreviated ? 0 : word_distance(e->word, name);
        if (e->nearest[0] == '\0' || distance < e->nearest_distance) {
            e->nearest_distance = distance;
            memcpy(e->nearest, name, sizeof name);
        }
    }
    add_name(e, name);
}

static void add_argument(struct expected *e, const char *element)
{
    struct argument a = element_argument(element);
    if (a.type->word != NULL) {
        const char *fixed;
        for (size_t i = 0; (fixed = a.type->word(i)) != NULL; i++)
            add_keyword(e, fixed, strlen(fixed));
        return;
    }
    char name[NAME_SIZE];
    if (a.type->shape != NULL)
        (void)snprintf(name, sizeof name, "%s", a.type->shape);
    else
        (void)snprintf(name, sizeof name, "%.*s", (int)a.label_length, a.label);
    for (size_t i = 0; a.type->shape == NULL && name[i] != '\0'; i++)
        name[i] = (char)toupper((unsigned char)name[i]);
    add_name(e, name);
}

static void add_expected(void *context, const char *element, const struct command *row)
{
    (void)row;
    struct expected *e = context;
    if (element == NULL)
        return;
    if (element_is_argument(element))
        add_argument(e, element);
    else
        add_keyword(e, element, keyword_length(element));
}

static void find_expected(const struct match *m, const char *word, struct expected *e)
{
    e->word = word;
    e->count = 0;
    e->left_out = 0;
    e->nearest[0] = '\0';
    match_expected(m, add_expected, e);
}

/* Keeps only the names that the ambiguous word abbreviates. */
static void keep_abbreviated(struct expected *e)
{
    size_t kept = 0;
    for (size_t i = 0; i < e->count; i++) {
        if (strncasecmp(e->name[i], e->word, strlen(e->word)) == 0)
            memmove(e->name[kept++], e->name[i], NAME_SIZE);
    }
    e->count = kept;
    e->left_out = 0;
}

__attribute__((format(printf, 2, 3))) static void append(char text[MESSAGE_SIZE], const char *format, ...)
{
    size_t length = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text + length, MESSAGE_SIZE - length, format, arguments);
    va_end(arguments);
}

static void append_names(char text[MESSAGE_SIZE], const struct expected *e)
{
    for (size_t i = 0; i < e->count; i++) {
        bool last = i + 1 == e->count && e->left_out == 0;
        append(text, "%s%s", i == 0 ? "" : last ? " or " : ", ", e->name[i]);
    }
    if (e->left_out > 0)
        append(text, " or others");
}

/* The index of the first word that may be a secret; the number of words if there is none. */
static size_t first_secret_word(const struct words *words)
{
    size_t first = words->count > 0 && strcasecmp(words->word[0].text, "no") == 0;
    bool keys = words->count > first + 1 && strcasecmp(words->word[first].text, "ikev2") == 0 &&
                strncasecmp(words->word[first + 1].text, "au", 2) == 0;
    bool pki = words->count > first && strncasecmp(words->word[first].text, "pki", 2) == 0;
    static const char *const before[] = {"key", "char", "hex", "secret", "crypto"};
    for (size_t i = first + 2; (keys || pki) && i < words->count; i++) {
        if (keys && i >= first + 7)
            return i;
        for (size_t j = 0; j < sizeof before / sizeof *before; j++) {
            if (strcasecmp(words->word[i].text, before[j]) == 0)
                return i + 1;
        }
    }
    return words->count;
}

static bool is_near(const struct expected *e)
{
    return e->nearest[0] != '\0' && (e->nearest_distance == 0 || word_is_near(e->word, e->nearest));
}

/* True if a word that is one too many follows a distinguished name, of which it may be a part. */
static bool is_behind_dn(const struct words *words, size_t extra)
{
    return extra >= 2 && extra < words->count && strcasecmp(words->word[extra - 2].text, "dn") == 0;
}

/* Appends the word in quotes, or "this word" if it may be secret or can't be shown. */
static void append_word(char text[MESSAGE_SIZE], const char *word, bool secret)
{
    bool readable = word != NULL && !secret;
    for (const char *c = word; readable && *c != '\0'; c++)
        readable = (unsigned char)*c >= 0x20 && *c != 0x7f;
    if (readable && strlen(word) <= WORD_SHOWN)
        append(text, "`%s`", word);
    else
        append(text, "this word");
}

static void describe(const struct match *m, const char *word, bool secret, struct expected *e,
                     char text[MESSAGE_SIZE])
{
    switch (m->result) {
    case MATCH_UNKNOWN:
        append_word(text, word, secret);
        append(text, " is not known here; ");
        if (is_near(e)) {
            append(text, "did you mean `%s`?", e->nearest);
            return;
        }
        append(text, "expected ");
        append_names(text, e);
        return;
    case MATCH_AMBIGUOUS:
        keep_abbreviated(e);
        append_word(text, word, secret);
        append(text, " is ambiguous: it may be ");
        append_names(text, e);
        return;
    case MATCH_WRONG:
        append_word(text, word, secret);
        append(text, " is wrong: %s", m->complaint);
        return;
    case MATCH_MISSING:
        append(text, "the line ends too early; expected ");
        append_names(text, e);
        return;
    case MATCH_CONTROL:
        append(text, "the line has control characters");
        return;
    default:
        append(text, "the line should end before ");
        append_word(text, word, secret);
    }
}

void match_message(const struct match *m, const struct words *words, struct match_message *out)
{
    size_t secret = first_secret_word(words);
    out->text[0] = '\0';
    out->secret_from = secret < words->count ? words->word[secret].column : SIZE_MAX;
    if (m->word >= words->count) {
        out->column = words->end;
        out->span = 0;
    } else {
        out->column = words->word[m->word].column;
        const struct word *last = &words->word[m->word + m->span - 1];
        out->span = last->column + last->length - out->column;
    }
    const char *word = m->word < words->count ? words->word[m->word].text : NULL;
    if (m->result == MATCH_EXTRA && word == NULL) {
        append(out->text, "the line is too long: %d octets and %d words are the most", LINE_TEXT_MAX,
               LINE_WORDS_MAX);
        return;
    }
    struct expected e;
    find_expected(m, word, &e);
    char typed[WORD_SHOWN + 2];
    if (m->span > 1) {
        (void)snprintf(typed, sizeof typed, "%.*s", (int)out->span, words->line + out->column);
        word = typed;
    }
    describe(m, word, m->word >= secret, &e, out->text);
    if (m->result == MATCH_EXTRA && is_behind_dn(words, m->word))
        append(out->text, "; a name with blanks in it stands in quotes, as in \"C=JP, O=Example, CN=site1\"");
}

bool match_was_slip(const struct match *m, const struct words *words)
{
    if (m->result != MATCH_UNKNOWN || m->word >= words->count)
        return false;
    struct expected e;
    find_expected(m, words->word[m->word].text, &e);
    return is_near(&e);
}
