#include "bench/ike_command.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "bench/load.h"
#include "bench/udp.h"
#include "config/diagnostic.h"
#include "config/parse.h"
#include "config/resolve.h"

enum {
    STATUS_DONE = 0,
    STATUS_FAILED = 1,
    STATUS_USAGE = 2,
    HELP = 'h',         /* the option's letter */
    CONFIG_MAX = 16384, /* octets of the clients' config */
    AT_ONCE_MAX = 10000,
    COUNT_MAX = 1000000,
};

static const char usage[] =
    "Usage: musubi-bench ike --to ADDRESS --id ID --peer-id ID --key KEY [OPTION]...\n"
    "Loads an IKEv2 responder with negotiations of an IKE SA and a Child SA, by pre-shared key.\n"
    "\n"
    "  --to ADDRESS       the responder\n"
    "  --from ADDRESS     of this host (default: by its routes); UDP ports 500 and 4500 must be free\n"
    "  --id ID            of the clients, in the words of a config: \"keyid bench#\"; # is a client's "
    "number\n"
    "  --peer-id ID       of the responder\n"
    "  --key KEY          pre-shared, of both\n"
    "  --line LINE        of the clients' tunnels, as in a config without `ikev2`: \"sa-proposal dh "
    "2048-bit\";\n"
    "                     may be given often\n"
    "  --own-ts ADDRESS   the first client proposes this address as its traffic selector, the second the "
    "one\n"
    "                     behind it, and so on (default: local-ts of the lines)\n"
    "  --first N          the first client's number (default: 0)\n"
    "  --at-once N        negotiations under way at the same time (default: 8)\n"
    "  --seconds S        how long new ones begin (default: 5, without --count)\n"
    "  --count N          negotiations in all\n"
    "  --keep             keep the SAs, each client has one; without it, they are deleted at once\n"
    "  --json             print one line of JSON\n"
    "  --help             print this\n"
    "\n"
    "A client deletes its SAs as soon as it has them and begins anew. All clients use one Diffie-Hellman "
    "share\n"
    "(RFC 7296 2.12), so this program does less arithmetic than the responder. Latency is the time from the\n"
    "first request to the Child SA.\n";

struct arguments {
    struct ip_address to, from, own_ts;
    const char *id, *peer_id, *key;
    const char **lines; /* malloc'ed */
    size_t line_count;
    uint32_t first, at_once, count;
    double seconds;
    bool keep, json, help;
};

/* ---- Arguments --------------------------------------------------------------------------------------- */

static bool read_number(const char *text, unsigned long min, unsigned long max, uint32_t *out)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    *out = (uint32_t)value;
    return *text >= '0' && *text <= '9' && *end == '\0' && value >= min && value <= max;
}

static bool take(int option, struct arguments *out)
{
    char *end;
    switch (option) {
    case 't':
        return ip_address_parse(optarg, &out->to);
    case 'f':
        return ip_address_parse(optarg, &out->from);
    case 'o':
        return ip_address_parse(optarg, &out->own_ts);
    case 'i':
        out->id = optarg;
        return true;
    case 'p':
        out->peer_id = optarg;
        return true;
    case 'k':
        out->key = optarg;
        return true;
    case 'l':
        out->lines[out->line_count++] = optarg;
        return true;
    case 'n':
        return read_number(optarg, 1, AT_ONCE_MAX, &out->at_once);
    case 'c':
        return read_number(optarg, 1, COUNT_MAX, &out->count);
    case 'F':
        return read_number(optarg, 0, COUNT_MAX, &out->first);
    case 's':
        out->seconds = strtod(optarg, &end);
        return *end == '\0' && out->seconds > 0 && out->seconds <= 86400;
    case 'K':
        out->keep = true;
        return true;
    case 'j':
        out->json = true;
        return true;
    case HELP:
        out->help = true;
        return true;
    default:
        return false;
    }
}

/* What has to be said, and was not; NULL: nothing. */
static const char *missing(const struct arguments *a)
{
    if (a->to.family == IP_NONE)
        return "--to is missing";
    if (a->id == NULL)
        return "--id is missing";
    if (a->peer_id == NULL)
        return "--peer-id is missing";
    if (a->key == NULL)
        return "--key is missing";
    return a->keep && a->count == 0 ? "--keep needs --count" : NULL;
}

/* What contradicts itself; NULL: nothing. */
static const char *contradiction(const struct arguments *a)
{
    bool one_family = a->from.family == IP_NONE || a->from.family == a->to.family;
    return one_family ? NULL : "--from and --to must both be IPv4 or both IPv6";
}

/* False, and the reason on standard error, if they can't be used. */
static bool arguments_read(int argc, char **argv, struct arguments *out)
{
    static const struct option options[] = {
        {"to", required_argument, NULL, 't'},
        {"from", required_argument, NULL, 'f'},
        {"id", required_argument, NULL, 'i'},
        {"peer-id", required_argument, NULL, 'p'},
        {"key", required_argument, NULL, 'k'},
        {"line", required_argument, NULL, 'l'},
        {"own-ts", required_argument, NULL, 'o'},
        {"at-once", required_argument, NULL, 'n'},
        {"seconds", required_argument, NULL, 's'},
        {"count", required_argument, NULL, 'c'},
        {"first", required_argument, NULL, 'F'},
        {"keep", no_argument, NULL, 'K'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, HELP},
        {0},
    };
    static char name[] = "musubi-bench ike"; /* for what getopt_long prints */
    int option, which = 0;
    argv[0] = name;
    while (!out->help && (option = getopt_long(argc, argv, "", options, &which)) != -1) {
        if (option == '?')
            return false;
        if (!take(option, out)) {
            (void)fprintf(stderr, "%s: --%s can't be `%s`\n", name, options[which].name, optarg);
            return false;
        }
    }
    if (out->help)
        return true;
    if (optind < argc) {
        (void)fprintf(stderr, "%s: what is `%s`? Quote an argument of several words\n", name, argv[optind]);
        return false;
    }
    const char *wrong = missing(out) != NULL ? missing(out) : contradiction(out);
    if (wrong != NULL) {
        (void)fprintf(stderr, "%s: %s\n", name, wrong);
        return false;
    }
    if (out->seconds <= 0 && out->count == 0)
        out->seconds = 5;
    return true;
}

/* ---- The clients' policy ----------------------------------------------------------------------------- */

/* Writes the config that the options amount to. False if they are too long. */
static bool config_write(const struct arguments *a, char out[CONFIG_MAX])
{
    char to[IP_TEXT_SIZE];
    int length =
        snprintf(out, CONFIG_MAX,
                 "ikev2 authentication psk id %s key char %s\n"
                 "ikev2 authentication psk id %s key char %s\n"
                 "interface Loopback0.0\n"
                 "interface Tunnel0.0\n"
                 "  tunnel mode ipsec-ikev2\n"
                 "  ip unnumbered Loopback0.0\n"
                 "  ikev2 peer %s authentication psk id %s\n"
                 "  ikev2 local-authentication psk id %s\n",
                 a->id, a->key, a->peer_id, a->key, ip_address_format(&a->to, to), a->peer_id, a->id);
    for (size_t i = 0; i < a->line_count && length < CONFIG_MAX; i++)
        length += snprintf(out + length, CONFIG_MAX - (size_t)length, "  ikev2 %s\n", a->lines[i]);
    if (length < CONFIG_MAX)
        length += snprintf(out + length, CONFIG_MAX - (size_t)length, "  no shutdown\n");
    return length < CONFIG_MAX;
}

/* The clients' policy by the rules of the command language; says on standard error what is wrong with it. */
static bool policy_make(const struct arguments *a, struct tunnel_policy *out)
{
    char text[CONFIG_MAX];
    struct diagnostics diagnostics = {0};
    struct tunnel_policies policies = {0};
    if (!config_write(a, text)) {
        (void)fputs("musubi-bench ike: the lines are too long\n", stderr);
        return false;
    }
    struct config *config = config_parse(text, strlen(text), &diagnostics);
    struct key_table *keys = config != NULL ? key_table_new(config) : NULL;
    bool done = keys != NULL && policies_resolve(config, keys, NULL, &policies, &diagnostics) &&
                policies.count == 1 && policies.items[0].complete;
    if (done)
        *out = policies.items[0];
    else
        diagnostics_print(&diagnostics, "musubi-bench ike", stderr);
    policies_free(&policies);
    key_table_free(keys);
    config_free(config);
    diagnostics_free(&diagnostics);
    secret_wipe(text, sizeof(text));
    return done;
}

/* ---- Figures ----------------------------------------------------------------------------------------- */

static double percentile(const struct load_result *r, double part)
{
    if (r->established == 0)
        return 0;
    size_t at = (size_t)(part * (double)r->established);
    return r->latencies[at < r->established ? at : r->established - 1];
}

static void print_text(const struct load_result *r, double rate)
{
    (void)printf("%lu established in %.2f s, %.1f a second; %lu failed, %lu requests sent again\n",
                 (unsigned long)r->established, r->seconds, rate, (unsigned long)r->failed,
                 (unsigned long)r->retransmitted);
    if (r->established > 0)
        (void)printf("latency, ms: median %.2f, 90 %% %.2f, 99 %% %.2f, largest %.2f\n", percentile(r, 0.5),
                     percentile(r, 0.9), percentile(r, 0.99), percentile(r, 1));
}

static void print_json(const struct load_result *r, double rate)
{
    (void)printf("{\"established\": %lu, \"seconds\": %.3f, \"per_second\": %.2f, \"failed\": %lu, "
                 "\"retransmitted\": %lu, \"latency_ms\": {\"50\": %.3f, \"90\": %.3f, "
                 "\"99\": %.3f, \"max\": %.3f}}\n",
                 (unsigned long)r->established, r->seconds, rate, (unsigned long)r->failed,
                 (unsigned long)r->retransmitted, percentile(r, 0.5), percentile(r, 0.9), percentile(r, 0.99),
                 percentile(r, 1));
}

static void print_result(const struct load_result *r, bool json)
{
    double rate = r->seconds > 0 ? (double)r->established / r->seconds : 0;
    if (json)
        print_json(r, rate);
    else
        print_text(r, rate);
    if (r->first_failure[0] != '\0')
        (void)fprintf(stderr, "the first warning: %s\n", r->first_failure);
}

static int run(const struct arguments *a)
{
    struct load_settings settings = {
        .local = a->from,
        .key = {(const uint8_t *)a->key, strlen(a->key)},
        .first_local_ts = a->own_ts,
        .first_number = a->first,
        .at_once = a->at_once,
        .count = a->count,
        .duration = (uint64_t)(a->seconds * 1000),
        .keep = a->keep,
    };
    struct load_result result;
    char threads[16];
    if (!policy_make(a, &settings.policy))
        return STATUS_USAGE;
    if (a->from.family == IP_NONE && !udp_source_towards(&a->to, &settings.local)) {
        (void)fprintf(stderr, "musubi-bench ike: there is no route to the responder: %s\n", strerror(errno));
        return STATUS_FAILED;
    }
    (void)snprintf(threads, sizeof(threads), "%ld", sysconf(_SC_NPROCESSORS_ONLN));
    (void)setenv("UV_THREADPOOL_SIZE", threads, 1);
    if (!load_run(&settings, &result))
        return STATUS_FAILED;
    print_result(&result, a->json);
    bool any = result.established > 0;
    free(result.latencies);
    return any ? STATUS_DONE : STATUS_FAILED;
}

int ike_command(int argc, char **argv)
{
    struct arguments arguments = {.at_once = 8};
    int status = STATUS_USAGE;
    arguments.lines = calloc((size_t)argc + 1, sizeof(*arguments.lines));
    if (arguments.lines == NULL)
        return STATUS_FAILED;
    if (argc == 1)
        (void)fputs(usage, stderr);
    else if (!arguments_read(argc, argv, &arguments))
        (void)fputs("`musubi-bench ike --help` tells more.\n", stderr);
    else if (arguments.help)
        status = fputs(usage, stdout) < 0 ? STATUS_FAILED : STATUS_DONE;
    else
        status = run(&arguments);
    free(arguments.lines);
    return status;
}
