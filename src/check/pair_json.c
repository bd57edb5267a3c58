#include "check/json.h"
#include "check/pair_explain.h"
#include "check/pair_report.h"
#include "config/identity.h"

/* The number of the form that docs/check-pair.md describes. New members do not change it. */
enum { FORM = 1 };

static const char *const finding_kinds[] = {
    [FINDING_FAILURE] = "failure",
    [FINDING_NOTE] = "note",
    [FINDING_UNCHECKED] = "not checked",
};

static void put_line(struct json *json, const struct pair_end *end, uint32_t line)
{
    char text[LINE_PRINTED_SIZE];
    json_begin_object(json, NULL);
    json_number(json, "line", line);
    json_text(json, "text", pair_end_line(end, line, text));
    json_end_object(json);
}

static void put_diagnostics(struct json *json, const char *name, const struct diagnostics *diagnostics,
                            enum severity severity)
{
    json_begin_array(json, name);
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct diagnostic *d = &diagnostics->items[i];
        if (d->severity != severity)
            continue;
        json_begin_object(json, NULL);
        json_number(json, "line", d->line);
        json_text(json, "text", d->message);
        json_end_object(json);
    }
    json_end_array(json);
}

static void put_files(struct json *json, const struct pair_report *report)
{
    json_begin_array(json, "files");
    for (size_t i = 0; i < report->end_count; i++) {
        const struct pair_end *end = &report->ends[i];
        json_begin_object(json, NULL);
        json_text(json, "file", end->path);
        json_text(json, "form", end->is_swanctl ? "swanctl" : "musubi");
        put_diagnostics(json, "errors", &end->diagnostics, SEVERITY_ERROR);
        if (end->is_swanctl)
            put_diagnostics(json, "not_read", &end->diagnostics, SEVERITY_WARNING);
        json_end_object(json);
    }
    json_end_array(json);
}

static void put_side(struct json *json, const struct pair_side *side, const struct pair_result *result,
                     unsigned number)
{
    static const char *const begins[] = {"cannot", "fails", "connects"};
    char text[IP_TEXT_SIZE];
    json_begin_object(json, NULL);
    json_text(json, "file", side->end->path);
    json_text(json, "tunnel", side->tunnel->policy.name);
    json_number(json, "line", side->tunnel->line);
    json_text(json, "address", ip_address_format(&side->address.address, text));
    json_bool(json, "address_assumed", side->is_assigned);
    json_text(json, "begins", begins[result->begin[number]]);
    json_bool(json, "rekeys", result->rekeys[number]);
    json_end_object(json);
}

static void put_suite(struct json *json, const char *name, const struct ike_suite *suite)
{
    json_begin_object(json, name);
    json_text(json, "encryption", suite->encryption->name);
    json_text(json, "integrity", suite->integrity != NULL ? suite->integrity->name : NULL);
    if (suite->prf != NULL)
        json_text(json, "prf", suite->prf->name);
    json_text(json, suite->prf != NULL ? "dh" : "pfs", suite->dh != NULL ? suite->dh->name : NULL);
    json_end_object(json);
}

static void put_selectors(struct json *json, const struct selector_list *list)
{
    char address[IP_TEXT_SIZE];
    json_begin_array(json, NULL);
    for (size_t i = 0; i < list->count; i++) {
        const struct traffic_selector *ts = &list->ts[i];
        json_begin_object(json, NULL);
        json_text(json, "first", ip_address_format(&ts->first, address));
        json_text(json, "last", ip_address_format(&ts->last, address));
        json_number(json, "protocol", ts->protocol);
        json_number(json, "first_port", ts->first_port);
        json_number(json, "last_port", ts->last_port);
        json_end_object(json);
    }
    json_end_array(json);
}

static void put_agreement(struct json *json, const struct pair_agreement *agreed)
{
    char id[IDENTITY_WORDS_SIZE];
    put_suite(json, "ike_sa", &agreed->ike);
    put_suite(json, "child_sa", &agreed->child);
    json_begin_array(json, "ids");
    for (unsigned side = 0; side < 2; side++)
        json_text(json, NULL, identity_words(&agreed->id[side], id));
    json_end_array(json);
    json_begin_array(json, "selectors");
    for (unsigned side = 0; side < 2; side++)
        put_selectors(json, &agreed->selectors[side]);
    json_end_array(json);
    json_bool(json, "udp_encapsulation", agreed->encapsulated);
    json_number(json, "largest_inner", agreed->largest_inner);
    json_number(json, "outer_mtu", agreed->outer_mtu);
}

static void put_findings(struct json *json, const struct pair *pair, const struct pair_findings *findings)
{
    json_begin_array(json, "findings");
    for (size_t i = 0; i < findings->count; i++) {
        const struct pair_finding *f = &findings->items[i];
        const struct pair_end *end = pair->side[f->end].end;
        json_begin_object(json, NULL);
        json_text(json, "kind", finding_kinds[f->kind]);
        json_text(json, "file", end->path);
        json_bool(json, "log", f->is_log);
        json_text(json, "text", f->text);
        json_begin_array(json, "lines");
        for (size_t j = 0; j < f->line_count; j++)
            put_line(json, end, f->lines[j]);
        json_end_array(json);
        json_end_object(json);
    }
    json_end_array(json);
}

static void put_pairs(struct json *json, const struct pair_report *report)
{
    json_begin_array(json, "pairs");
    for (size_t i = 0; i < report->pairs->count; i++) {
        const struct pair *pair = &report->pairs->items[i];
        const struct pair_result *result = &report->results[i];
        json_begin_object(json, NULL);
        json_bool(json, "connects", result->connects);
        json_begin_array(json, "ends");
        for (unsigned side = 0; side < 2; side++)
            put_side(json, &pair->side[side], result, side);
        json_end_array(json);
        if (result->connects)
            put_agreement(json, &result->agreed);
        put_findings(json, pair, &result->findings);
        json_end_object(json);
    }
    json_end_array(json);
}

static void put_alone(struct json *json, const struct pair_report *report)
{
    char reason[PAIR_REASON_SIZE];
    json_begin_array(json, "unpaired");
    for (size_t i = 0; i < report->end_count; i++) {
        const struct pair_end *end = &report->ends[i];
        for (size_t j = 0; j < end->tunnel_count; j++) {
            const struct pair_tunnel *tunnel = &end->tunnels[j];
            if (tunnel->is_paired)
                continue;
            json_begin_object(json, NULL);
            json_text(json, "file", end->path);
            json_text(json, "tunnel", tunnel->policy.name);
            json_number(json, "line", tunnel->line);
            json_text(json, "text", pair_explain_alone(report->ends, report->end_count, end, tunnel, reason));
            json_end_object(json);
        }
    }
    json_end_array(json);
}

void pair_report_json(const struct pair_report *report, FILE *out)
{
    struct json json = {.out = out};
    json_begin_object(&json, NULL);
    json_number(&json, "form", FORM);
    json_bool(&json, "connects", report->connects);
    put_files(&json, report);
    put_pairs(&json, report);
    put_alone(&json, report);
    json_end_object(&json);
}
