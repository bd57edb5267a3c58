/*
 * musubi: runs the operator's commands, those of -c or those typed at its prompt. `musubi check` reads
 * configs and needs no daemon.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "check/command.h"
#include "config/help.h"
#include "shell/capture.h"
#include "shell/client.h"
#include "shell/file_url.h"

enum exit_status { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static const char usage[] =
    "Usage: musubi [--run-dir DIR] [-c COMMAND]...\n"
    "       musubi check [OPTION]... FILE...\n"
    "Operates a running musubid in the command language of UNIVERGE IX routers. `check` reads configs, and\n"
    "needs neither root nor a musubid.\n"
    "\n"
    "  -c, --command COMMAND  run this command and exit; several run in order until one fails\n"
    "      --run-dir DIR      the musubid's directory (default: /run/musubi)\n"
    "      --version          print the version and exit\n"
    "      --help             print this and exit\n"
    "\n"
    "Without -c it runs the lines of its input until `exit`; at a terminal it shows a prompt. Errors of -c "
    "and\n"
    "of an input that is no terminal go to standard error, and the exit status is then 1. It is 1 too if no\n"
    "musubid runs or answers, and 2 if the arguments are wrong. `musubi check --help` tells about `check`.\n";

struct arguments {
    const char *run_directory;
    const char **commands; /* malloc'ed; the texts are argv's */
    size_t command_count;
    bool check;
    char **of_check; /* the rest of argv, behind `check` */
    size_t of_check_count;
};

/* Reads what follows the options: nothing, or `check` and its arguments. */
static bool operands_read(int argc, char **argv, struct arguments *out)
{
    if (optind == argc)
        return true;
    out->check = strcmp(argv[optind], "check") == 0;
    if (!out->check) {
        (void)fprintf(stderr, "musubi: unexpected argument: %s\n", argv[optind]);
        return false;
    }
    if (out->command_count > 0) {
        (void)fprintf(stderr, "musubi check: -c is for a running musubid\n");
        return false;
    }
    out->of_check = argv + optind + 1;
    out->of_check_count = (size_t)(argc - optind - 1);
    return true;
}

/* False, with the exit status set, if there is nothing more to do. */
static bool arguments_read(int argc, char **argv, struct arguments *out, int *status)
{
    enum { OPTION_RUN_DIR = 256, OPTION_VERSION, OPTION_HELP };
    static const struct option options[] = {
        {"command", required_argument, NULL, 'c'},
        {"run-dir", required_argument, NULL, OPTION_RUN_DIR},
        {"version", no_argument, NULL, OPTION_VERSION},
        {"help", no_argument, NULL, OPTION_HELP},
        {0},
    };
    *out = (struct arguments){.run_directory = "/run/musubi"};
    *status = EXIT_DONE;
    out->commands = calloc((size_t)argc + 1, sizeof(*out->commands));
    if (out->commands == NULL) {
        *status = EXIT_FAILED;
        return false;
    }
    int option;
    while ((option = getopt_long(argc, argv, "+c:", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            out->commands[out->command_count++] = optarg;
            break;
        case OPTION_RUN_DIR:
            out->run_directory = optarg;
            break;
        case OPTION_VERSION:
            (void)puts("musubi " MUSUBI_VERSION);
            return false;
        case OPTION_HELP:
            (void)fputs(usage, stdout);
            return false;
        default:
            *status = EXIT_USAGE;
            (void)fputs(usage, stderr);
            return false;
        }
    }
    if (operands_read(argc, argv, out))
        return true;
    *status = EXIT_USAGE;
    return false;
}

/* Runs a line, with the file that it names (S35). `*lost`: the daemon is gone. */
static enum control_status run_line(struct client *client, const char *line, size_t length, FILE *errors,
                                    bool *lost)
{
    struct url_file named;
    enum control_status captured;
    *lost = false;
    if (help_question_stands_alone(line, length))
        return client_run(client, line, length, NULL, stdout, errors, lost);
    if (capture_run(client, line, length, stdout, errors, &captured, lost))
        return captured;
    if (!file_url_read(line, length, &named, errors))
        return CONTROL_FAILED;
    const struct octets file = {named.content, named.length};
    enum control_status status =
        client_run(client, line, length, named.content != NULL ? &file : NULL, stdout, errors, lost);
    file_url_free(&named);
    return status;
}

static int run_commands(struct client *client, const struct arguments *arguments)
{
    for (size_t i = 0; i < arguments->command_count; i++) {
        const char *line = arguments->commands[i];
        bool lost;
        enum control_status status = run_line(client, line, strlen(line), stderr, &lost);
        (void)fflush(stdout);
        if (status == CONTROL_LEFT)
            break;
        if (status != CONTROL_OK)
            return EXIT_FAILED;
    }
    return EXIT_DONE;
}

/*
 * Runs lines of standard input until `exit` or its end. A person at a terminal sees a prompt and goes on
 * after an error; a script's errors go to standard error, and make the exit status 1.
 */
static int run_lines(struct client *client)
{
    bool terminal = isatty(STDIN_FILENO) == 1;
    FILE *errors = terminal ? stdout : stderr;
    char *line = NULL;
    size_t capacity = 0;
    int status = EXIT_DONE;
    for (size_t number = 1;; number++) {
        if (terminal)
            (void)fputs(client->prompt, stdout);
        (void)fflush(stdout);
        ssize_t length = getline(&line, &capacity, stdin);
        if (length < 0) {
            if (terminal)
                (void)putchar('\n');
            break;
        }
        while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r'))
            length--;
        bool lost;
        enum control_status done = run_line(client, line, (size_t)length, errors, &lost);
        if (done == CONTROL_FAILED && !terminal) {
            (void)fprintf(errors, "%% That was line %zu of the input\n",
                          number); /* not its text: it may be a key */
            status = EXIT_FAILED;
        }
        if (lost)
            status = EXIT_FAILED;
        if (lost || done == CONTROL_LEFT)
            break;
    }
    secret_free(line, capacity);
    return status;
}

int main(int argc, char **argv)
{
    struct client client;
    struct arguments arguments;
    int status;
    if (arguments_read(argc, argv, &arguments, &status)) {
        status = EXIT_FAILED;
        if (arguments.check) {
            status = check_command(arguments.of_check_count, arguments.of_check, stdout, stderr);
        } else if (client_open(&client, arguments.run_directory, stderr)) {
            status = arguments.command_count > 0 ? run_commands(&client, &arguments) : run_lines(&client);
            client_close(&client);
        }
    }
    free(arguments.commands);
    if ((fflush(stdout) != 0 || ferror(stdout) != 0) && status == EXIT_DONE)
        status = EXIT_FAILED;
    return status;
}
