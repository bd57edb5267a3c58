/*
 * musubi-bench: measures IKEv2 gateways, ours and others.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "bench/ike_command.h"

static const struct {
    const char *word;
    int (*run)(int argc, char **argv);
} commands[] = {{"ike", ike_command}, {"key-exchange", key_exchange_command}};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[1], commands[i].word) == 0)
            return commands[i].run(argc - 1, argv + 1);
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return puts("musubi-bench " MUSUBI_VERSION) < 0;
    bool help = argc == 2 && strcmp(argv[1], "--help") == 0;
    if (argc > 1 && !help)
        (void)fprintf(stderr, "musubi-bench: there is no `%s`\n", argv[1]);
    (void)fputs("Usage: musubi-bench ike ...             loads an IKEv2 responder\n"
                "       musubi-bench key-exchange GROUP  what a responder's arithmetic costs here\n"
                "Without further arguments each one says how it is used.\n",
                help ? stdout : stderr);
    return help ? 0 : 2;
}
