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

int netns_setup(void **state)
{
    (void)state;
    if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0)
        skip();
    run("ip link set lo up");
    return 0;
}

static int run_list(const char *format, va_list arguments)
{
    char command[1024];
    int length = vsnprintf(command, sizeof command, format, arguments);
    assert_in_range(length, 1, sizeof command - 1);
    return system(command); // NOLINT(cert-env33-c): the command is the test's own
}

void run(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int status = run_list(format, arguments);
    va_end(arguments);
    if (status != 0)
        fail_msg("failed with status %d: %s", status, format);
}

bool succeeds(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int status = run_list(format, arguments);
    va_end(arguments);
    return status == 0;
}

const char *output_of(const char *format, ...)
{
    static char output[65536];
    char command[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    FILE *pipe = popen(command, "re"); // NOLINT(cert-env33-c)
    assert_non_null(pipe);
    size_t length = fread(output, 1, sizeof output - 1, pipe);
    output[length] = '\0';
    (void)pclose(pipe);
    return output;
}
