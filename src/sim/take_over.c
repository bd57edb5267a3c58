/*
 * Another machine takes over what a gateway has.
 */
#include "ike/sa/record.h"
#include "sim/inside.h"
#include "sim/real_path.h"

#include <string.h>

enum { LENGTH_AT = 13, SECTIONS_AT = 17, SECTION_HEADER = 5 }; /* as ike/sa/record.h has them */

struct octets record_without_machine(uint8_t *at, size_t length)
{
    if (length < SECTIONS_AT + SECTION_HEADER || at[SECTIONS_AT] != SECTION_MACHINE)
        return (struct octets){at, length};
    size_t section = SECTION_HEADER + load_u32be(at + SECTIONS_AT + 1);
    memmove(at + SECTIONS_AT, at + SECTIONS_AT + section, length - SECTIONS_AT - section);
    store_u32be(at + LENGTH_AT, (uint32_t)(length - SECTIONS_AT - section));
    return (struct octets){at, length - section};
}

void gateway_take_over(struct gateway *g)
{
    enum { NEW_CLOCK = 5000 };
    gateway_add_log_line(g, "ANOTHER MACHINE TAKES OVER");
    g->clock_ahead = NEW_CLOCK - (int64_t)g->world->now;
    g->epoch = SIM_EPOCH - (uint64_t)g->clock_ahead;
    for (size_t i = 0; i < g->record_count; i++)
        g->records[i].length = record_without_machine(g->records[i].octets, g->records[i].length).length;
    g->path_ends = true;
    gateway_forget_children(g);
    if (g->real_path != NULL)
        real_path_forget_live(g);
    gateway_resume(g);
}
