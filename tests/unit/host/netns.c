#include "netns.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

bool netns_is_possible(void)
{
    if (geteuid() == 0)
        return true;
    (void)puts("1..0 # SKIP needs root");
    return false;
}

int netns_setup(void **state)
{
    (void)state;
    if (unshare(CLONE_NEWNET) != 0)
        return -1;
    run("ip link set lo up");
    return 0;
}

const char *command_of(const char *format, ...)
{
    static char command[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(command, sizeof command, format, arguments); // NOLINT(clang-analyzer-valist*)
    va_end(arguments);
    assert_in_range(length, 1, sizeof command - 1);
    return command;
}

bool command_succeeds(const char *command)
{
    return system(command) == 0; // NOLINT(cert-env33-c): the command is the test's own
}

void run_command(const char *command)
{
    if (!command_succeeds(command))
        fail_msg("failed: %s", command);
}

const char *command_output(const char *command)
{
    static char output[65536];
    FILE *pipe = popen(command, "re"); // NOLINT(cert-env33-c)
    assert_non_null(pipe);
    size_t length = fread(output, 1, sizeof output - 1, pipe);
    output[length] = '\0';
    (void)pclose(pipe);
    return output;
}
