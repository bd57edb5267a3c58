/*
 * The configs of a scenario's gateways, as text.
 */
#include "scenario.h"

/* The end of a link at a gateway, and the other end; NULL if the gateway has no end of it. */
static const struct scenario_end *end_of(const struct scenario_link *link, size_t gateway,
                                         const struct scenario_end **other)
{
    for (size_t i = 0; i < 2; i++) {
        *other = &link->ends[1 - i];
        if (link->ends[i].gateway == gateway)
            return &link->ends[i];
    }
    return NULL;
}

/* Each end has its own ID and key: "l3-0" and "key-l3-0" for the first end of link 3. */
static void print_keys(const struct scenario *s, size_t gateway, FILE *out)
{
    for (size_t i = 0; i < s->link_count; i++) {
        const struct scenario_end *other;
        if (end_of(&s->links[i], gateway, &other) == NULL)
            continue;
        for (size_t end = 0; end < 2; end++)
            fprintf(out, "ikev2 authentication psk id keyid l%zu-%zu key char key-l%zu-%zu\n", i, end, i,
                    end);
    }
}

static void print_tunnel(const struct scenario_link *link, const struct scenario_end *end,
                         const struct scenario_end *other, FILE *out)
{
    size_t local = end == &link->ends[1];
    fprintf(out, "interface Tunnel%u.0\n", end->interface);
    fprintf(out, "  tunnel mode ipsec-ikev2\n  ip unnumbered GigaEthernet0.0\n");
    if (end->any)
        fprintf(out, "  ikev2 peer any");
    else if (end->by_name)
        fprintf(out, "  ikev2 peer g%zu.example.com", other->gateway + 1);
    else
        fprintf(out, "  ikev2 peer 10.0.0.%zu", other->gateway + 1);
    fprintf(out, " authentication psk id keyid l%zu-%zu\n", link->number, 1 - local);
    fprintf(out, "  ikev2 local-authentication psk id keyid l%zu-%zu\n", link->number, local);
    fprintf(out, "  ikev2 connect-type %s\n", end->keeps_up ? "auto" : "trigger");
    if (end->responder)
        fprintf(out, "  ikev2 negotiation-direction responder\n");
    if (end->dpd_interval != 0)
        fprintf(out, "  ikev2 dpd interval %u\n", end->dpd_interval);
    fprintf(out, "  ikev2 sa-lifetime %u\n  ikev2 child-lifetime %u\n", end->sa_lifetime,
            end->child_lifetime);
    if (end->proposal != NULL)
        fprintf(out, "  ikev2 %s\n", end->proposal);
    if (end->pfs != NULL)
        fprintf(out, "  ikev2 %s\n", end->pfs);
    fprintf(out, "  %s\n!\n", end->shut_down ? "shutdown" : "no shutdown");
}

void scenario_print_config(const struct scenario *s, size_t gateway, FILE *out)
{
    fprintf(out, "hostname G%zu\n", gateway + 1);
    print_keys(s, gateway, out);
    fprintf(out, "ikev2 default-profile\n");
    fprintf(out, "  sa-proposal dh %s1024-bit\n", s->real_arithmetic ? "" : "2048-bit ");
    fprintf(out, "  nat-traversal keepalive 20\n!\n");
    fprintf(out, "interface GigaEthernet0.0\n  ip address 10.0.0.%zu/24\n  no shutdown\n!\n", gateway + 1);
    for (size_t i = 0; i < s->link_count; i++) {
        const struct scenario_end *other;
        const struct scenario_end *end = end_of(&s->links[i], gateway, &other);
        if (end != NULL && !end->absent)
            print_tunnel(&s->links[i], end, other, out);
    }
}
