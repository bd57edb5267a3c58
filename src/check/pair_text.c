#include "check/pair_explain.h"
#include "check/pair_report.h"
#include "config/identity.h"
#include "ike/wire/proposal_text.h"

static const char *child_suite(const struct ike_suite *suite, char out[128])
{
    (void)snprintf(out, 128, "%s%s%s", suite->encryption->name, suite->integrity != NULL ? "/" : "",
                   suite->integrity != NULL ? suite->integrity->name : "");
    return out;
}

static void print_lines(const struct pair_end *end, const uint32_t *lines, size_t count, FILE *out)
{
    char text[LINE_PRINTED_SIZE];
    for (size_t i = 0; i < count; i++)
        (void)fprintf(out, "      %s:%u: %s\n", end->path, lines[i], pair_end_line(end, lines[i], text));
}

static void print_findings(const struct pair *pair, const struct pair_findings *findings,
                           enum finding_kind kind, const char *label, FILE *out)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct pair_finding *f = &findings->items[i];
        const struct pair_end *end = pair->side[f->end].end;
        if (f->kind != kind)
            continue;
        (void)fprintf(out, "  %s%s: %s\n", label, end->path, f->text);
        print_lines(end, f->lines, f->line_count, out);
    }
}

static void print_heading(const struct pair *pair, FILE *out)
{
    char address[IP_TEXT_SIZE];
    for (unsigned side = 0; side < 2; side++) {
        const struct pair_side *s = &pair->side[side];
        (void)fprintf(out, "%s%s %s (%s)", side == 0 ? "" : " and ", s->end->path, s->tunnel->policy.name,
                      ip_address_format(&s->address.address, address));
    }
}

static void print_agreement(const struct pair *pair, const struct pair_result *result, FILE *out)
{
    const struct pair_agreement *a = &result->agreed;
    char suite[SUITE_TEXT_SIZE];
    char child[128];
    char id[2][IDENTITY_WORDS_SIZE];
    char selectors[2][SELECTORS_TEXT_SIZE];
    (void)fprintf(out, "  IKE SA: %s\n", ike_suite_format(&a->ike, suite));
    (void)fprintf(out, "  Child SA: %s", child_suite(&a->child, child));
    if (result->rekeys[0] || result->rekeys[1])
        (void)fprintf(out, ", rekeyed %s%s", a->child.dh != NULL ? "with PFS by " : "without PFS",
                      a->child.dh != NULL ? a->child.dh->name : "");
    (void)fprintf(out, "%s\n", a->encapsulated ? ", ESP in UDP" : "");
    (void)fprintf(out, "  IDs: %s, %s\n", identity_words(&a->id[0], id[0]), identity_words(&a->id[1], id[1]));
    (void)fprintf(out, "  Traffic: %s <-> %s\n", selectors_format(&a->selectors[0], selectors[0]),
                  selectors_format(&a->selectors[1], selectors[1]));
    (void)fprintf(out, "  Largest inner packet: %zu octets, in outer packets of %zu\n", a->largest_inner,
                  a->outer_mtu);
    for (unsigned side = 0; side < 2; side++)
        (void)fprintf(out, "  %s: %s, %s\n", pair->side[side].end->path,
                      result->begin[side] == BEGIN_CONNECTS ? "may begin" : "only answers",
                      result->rekeys[side] ? "rekeyed both SAs" : "does not rekey");
}

static void print_pair(const struct pair *pair, const struct pair_result *result, FILE *out)
{
    print_heading(pair, out);
    (void)fprintf(out, ": %s\n", result->connects ? "connects" : "DOES NOT CONNECT");
    if (result->connects)
        print_agreement(pair, result, out);
    else
        for (unsigned side = 0; side < 2; side++) {
            if (result->begin[side] == BEGIN_CONNECTS)
                (void)fprintf(out, "  It connects if %s begins, but not if the other end does.\n",
                              pair->side[side].end->path);
        }
    print_findings(pair, &result->findings, FINDING_FAILURE, "", out);
    print_findings(pair, &result->findings, FINDING_NOTE, "note: ", out);
    print_findings(pair, &result->findings, FINDING_UNCHECKED, "not checked: ", out);
}

static void print_alone(void *out, const struct pair_end *end, const struct pair_tunnel *tunnel,
                        const char *reason)
{
    (void)fprintf(out, "%s:%u: %s: %s\n", end->path, tunnel->line, tunnel->policy.name, reason);
}

void pair_report_text(const struct pair_report *report, FILE *out)
{
    for (size_t i = 0; i < report->end_count; i++) {
        const struct pair_end *end = &report->ends[i];
        if (!end->is_sound)
            diagnostics_print(&end->diagnostics, end->path, out);
        else if (end->tunnel_count == 0)
            (void)fprintf(out, "%s: there is no %s\n", end->path,
                          end->is_swanctl ? "connection under `connections`"
                                          : "Tunnel with `tunnel mode ipsec-ikev2` or `ikev2 peer`");
    }
    for (size_t i = 0; i < report->pairs->count; i++)
        print_pair(&report->pairs->items[i], &report->results[i], out);
    pair_explain_alone(report->ends, report->end_count, print_alone, out);
    for (size_t i = 0; i < report->end_count; i++) {
        if (report->ends[i].is_swanctl && report->ends[i].is_sound)
            diagnostics_print(&report->ends[i].diagnostics, report->ends[i].path, out);
    }
}
