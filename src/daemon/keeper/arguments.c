#include "daemon/keeper/arguments.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const char usage[] =
    "Usage: musubid --config FILE [OPTION]...\n"
    "An IKEv2/IPsec gateway that is configured like a UNIVERGE IX router.\n"
    "\n"
    "  --config FILE                  the startup-config\n"
    "  --run-dir DIR                  for the control socket (default: /run/musubi)\n"
    "  --state-dir DIR                for what survives a restart (default: /var/lib/musubi)\n"
    "  --port GigaEthernetN=NAME      the Linux interface of a port or sub-interface; may be given often\n"
    "  --foreground                   stay in the foreground, log to standard error\n"
    "  --version                      print the version and leave\n"
    "  --help                         print this and leave\n"
    "\n"
    "In the foreground it prints `ready` when it is. SIGTERM stops it. The exit status is 1 if it can't "
    "start or\n"
    "fails, and 2 if this usage is not kept to.\n";

enum option_kind {
    OPTION_CONFIG = 256,
    OPTION_RUN_DIR,
    OPTION_STATE_DIR,
    OPTION_PORT,
    OPTION_FOREGROUND,
    OPTION_VERSION,
    OPTION_HELP,
};

static const struct option options[] = {
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"run-dir", required_argument, NULL, OPTION_RUN_DIR},
    {"state-dir", required_argument, NULL, OPTION_STATE_DIR},
    {"port", required_argument, NULL, OPTION_PORT},
    {"foreground", no_argument, NULL, OPTION_FOREGROUND},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, OPTION_HELP},
    {0},
};

/* Takes one option; false if nothing is to be run. */
static bool take(int option, struct arguments *out, enum exit_status *status)
{
    switch (option) {
    case OPTION_CONFIG:
        out->config = optarg;
        return true;
    case OPTION_RUN_DIR:
        out->run_directory = optarg;
        return true;
    case OPTION_STATE_DIR:
        out->state_directory = optarg;
        return true;
    case OPTION_PORT:
        out->ports[out->port_count++] = optarg;
        return true;
    case OPTION_FOREGROUND:
        out->foreground = true;
        return true;
    case OPTION_VERSION:
        (void)puts("musubid " MUSUBI_VERSION);
        return false;
    case OPTION_HELP:
        (void)fputs(usage, stdout);
        return false;
    default:
        (void)fputs("Try musubid --help\n", stderr);
        *status = STATUS_USAGE;
        return false;
    }
}

bool arguments_read(int argc, char **argv, struct arguments *out, enum exit_status *status)
{
    *out = (struct arguments){.run_directory = "/run/musubi", .state_directory = "/var/lib/musubi"};
    *status = STATUS_DONE;
    out->ports = calloc((size_t)argc + 1, sizeof(*out->ports));
    if (out->ports == NULL) {
        *status = STATUS_FAILED;
        return false;
    }
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (!take(option, out, status))
            return false;
    }
    if (optind < argc)
        (void)fprintf(stderr, "musubid: unexpected argument: %s\n", argv[optind]);
    else if (out->config == NULL)
        (void)fputs("musubid: no --config is given\n", stderr);
    else
        return true;
    (void)fputs("Try musubid --help\n", stderr);
    *status = STATUS_USAGE;
    return false;
}

void arguments_free(struct arguments *arguments)
{
    free(arguments->ports);
    *arguments = (struct arguments){0};
}
