#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "check/pair_explain.h"
#include "check/pair_report.h"
#include "config/identity.h"

/*
 * Values are built from the inside out; members keep their order. A value that memory did not suffice for is
 * NULL, and so is each value that it would stand in.
 */

/* The number of the form that docs/check-pair.md describes. New members do not change it. */
enum { FORM = 1 };

static const char *const finding_kinds[] = {
    [FINDING_FAILURE] = "failure",
    [FINDING_NOTE] = "note",
    [FINDING_UNCHECKED] = "not checked",
};

/* For a text that is no UTF-8: each octet that is not ASCII becomes U+FFFD. */
static json_t *repaired_text(const char *text)
{
    static const char replacement[] = "\xef\xbf\xbd";
    char *repaired = calloc(strlen(text) + 1, sizeof replacement - 1);
    if (repaired == NULL)
        return NULL;
    char *end = repaired;
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x80)
            *end++ = *text;
        else
            end = stpcpy(end, replacement);
    }
    json_t *value = json_string(repaired);
    free(repaired);
    return value;
}

/* NULL is null. */
static json_t *text_value(const char *text)
{
    if (text == NULL)
        return json_null();
    json_t *value = json_string(text);
    return value != NULL ? value : repaired_text(text);
}

/* Becomes NULL if that fails. */
static void append(json_t **array, json_t *value)
{
    if (json_array_append_new(*array, value) == 0)
        return;
    json_decref(*array);
    *array = NULL;
}

static void set(json_t **object, const char *name, json_t *value)
{
    if (json_object_set_new(*object, name, value) == 0)
        return;
    json_decref(*object);
    *object = NULL;
}

static json_t *line_value(uint32_t line, const char *text)
{
    return json_pack("{sI so}", "line", (json_int_t)line, "text", text_value(text));
}

static json_t *diagnostics_value(const struct diagnostics *diagnostics, enum severity severity)
{
    json_t *array = json_array();
    for (size_t i = 0; i < diagnostics->count; i++) {
        if (diagnostics->items[i].severity == severity)
            append(&array, line_value(diagnostics->items[i].line, diagnostics->items[i].message));
    }
    return array;
}

static json_t *files_value(const struct pair_report *report)
{
    json_t *array = json_array();
    for (size_t i = 0; i < report->end_count; i++) {
        const struct pair_end *end = &report->ends[i];
        json_t *file = json_pack("{so ss so}", "file", text_value(end->path), "form",
                                 end->is_swanctl ? "swanctl" : "musubi", "errors",
                                 diagnostics_value(&end->diagnostics, SEVERITY_ERROR));
        if (end->is_swanctl)
            set(&file, "not_read", diagnostics_value(&end->diagnostics, SEVERITY_WARNING));
        append(&array, file);
    }
    return array;
}

static json_t *side_value(const struct pair *pair, const struct pair_result *result, unsigned number)
{
    static const char *const begins[] = {"cannot", "fails", "connects"};
    const struct pair_side *side = &pair->side[number];
    char text[IP_TEXT_SIZE];
    return json_pack("{so so sI ss sb ss sb}", "file", text_value(side->end->path), "tunnel",
                     text_value(side->tunnel->policy.name), "line", (json_int_t)side->tunnel->line, "address",
                     ip_address_format(&side->address.address, text), "address_assumed",
                     (int)side->is_assigned, "begins", begins[result->begin[number]], "rekeys",
                     (int)result->rekeys[number]);
}

static json_t *suite_value(const struct ike_suite *suite)
{
    json_t *value = json_pack("{so so}", "encryption", text_value(suite->encryption->name), "integrity",
                              text_value(suite->integrity != NULL ? suite->integrity->name : NULL));
    if (suite->prf != NULL)
        set(&value, "prf", text_value(suite->prf->name));
    set(&value, suite->prf != NULL ? "dh" : "pfs", text_value(suite->dh != NULL ? suite->dh->name : NULL));
    return value;
}

static json_t *selectors_value(const struct selector_list *list)
{
    char first[IP_TEXT_SIZE], last[IP_TEXT_SIZE];
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++) {
        const struct traffic_selector *ts = &list->ts[i];
        append(&array, json_pack("{ss ss si si si}", "first", ip_address_format(&ts->first, first), "last",
                                 ip_address_format(&ts->last, last), "protocol", (int)ts->protocol,
                                 "first_port", (int)ts->first_port, "last_port", (int)ts->last_port));
    }
    return array;
}

static json_t *id_value(const struct identity *id)
{
    char words[IDENTITY_WORDS_SIZE];
    return text_value(identity_words(id, words));
}

static void set_agreement(json_t **pair, const struct pair_agreement *agreed)
{
    set(pair, "ike_sa", suite_value(&agreed->ike));
    set(pair, "child_sa", suite_value(&agreed->child));
    set(pair, "ids", json_pack("[oo]", id_value(&agreed->id[0]), id_value(&agreed->id[1])));
    set(pair, "selectors",
        json_pack("[oo]", selectors_value(&agreed->selectors[0]), selectors_value(&agreed->selectors[1])));
    set(pair, "udp_encapsulation", json_boolean(agreed->encapsulated));
    set(pair, "largest_inner", json_integer((json_int_t)agreed->largest_inner));
    set(pair, "outer_mtu", json_integer((json_int_t)agreed->outer_mtu));
}

static json_t *finding_value(const struct pair_end *end, const struct pair_finding *finding)
{
    char text[LINE_PRINTED_SIZE];
    json_t *lines = json_array();
    for (size_t i = 0; i < finding->line_count; i++)
        append(&lines, line_value(finding->lines[i], pair_end_line(end, finding->lines[i], text)));
    return json_pack("{ss so sb so so}", "kind", finding_kinds[finding->kind], "file", text_value(end->path),
                     "log", (int)finding->is_log, "text", text_value(finding->text), "lines", lines);
}

static json_t *pair_value(const struct pair *pair, const struct pair_result *result)
{
    json_t *value = json_pack("{sb s[oo]}", "connects", (int)result->connects, "ends",
                              side_value(pair, result, 0), side_value(pair, result, 1));
    json_t *findings = json_array();
    if (result->connects)
        set_agreement(&value, &result->agreed);
    for (size_t i = 0; i < result->findings.count; i++) {
        const struct pair_finding *finding = &result->findings.items[i];
        append(&findings, finding_value(pair->side[finding->end].end, finding));
    }
    set(&value, "findings", findings);
    return value;
}

static json_t *pairs_value(const struct pair_report *report)
{
    json_t *array = json_array();
    for (size_t i = 0; i < report->pairs->count; i++)
        append(&array, pair_value(&report->pairs->items[i], &report->results[i]));
    return array;
}

static void append_alone(void *array, const struct pair_end *end, const struct pair_tunnel *tunnel,
                         const char *reason)
{
    append(array, json_pack("{so so sI so}", "file", text_value(end->path), "tunnel",
                            text_value(tunnel->policy.name), "line", (json_int_t)tunnel->line, "text",
                            text_value(reason)));
}

static json_t *unpaired_value(const struct pair_report *report)
{
    json_t *array = json_array();
    pair_explain_alone(report->ends, report->end_count, append_alone, &array);
    return array;
}

bool pair_report_json(const struct pair_report *report, FILE *out)
{
    json_t *whole =
        json_pack("{si sb so so so}", "form", FORM, "connects", (int)report->connects, "files",
                  files_value(report), "pairs", pairs_value(report), "unpaired", unpaired_value(report));
    /* What can't be written is the caller's to see, in the stream. */
    bool good = whole != NULL && (json_dumpf(whole, out, JSON_INDENT(2)) == 0 || ferror(out) != 0);
    (void)fputc('\n', out);
    json_decref(whole);
    return good;
}
