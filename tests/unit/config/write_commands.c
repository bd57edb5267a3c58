/* Writes docs/commands.md to standard output. */
#include "config/reference.h"

int main(void)
{
    reference_print(stdout);
    return fflush(stdout) != 0;
}
