#include "daemon/show/help.h"

void show_help(const struct help *help, struct text *out)
{
    if (help->count == 0)
        text_print(out, "%% No command begins like this\n");
    for (size_t i = 0; i < help->count; i++)
        text_print(out, "  %-22s %s\n", help->entry[i].word, help->entry[i].help);
}
