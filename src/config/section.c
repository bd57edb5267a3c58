#include "config/section.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

void setting_free(struct setting *setting)
{
    if (setting->under != NULL) {
        section_clear(setting->under);
        free(setting->under);
    }
    line_free(&setting->line);
    secret_free(setting->foreign, setting->foreign_length);
    free(setting);
}

void section_clear(struct section *section)
{
    struct setting *next;
    for (struct setting *s = section->first; s != NULL; s = next) {
        next = s->next;
        setting_free(s);
    }
    free(section->runs);
}

/* The index of the first run whose row does not come before `row`. */
static size_t run_place(const struct section *section, const struct command *row)
{
    size_t i = 0;
    while (i < section->run_count && section->runs[i].row < row)
        i++;
    return i;
}

static struct setting_run *find_run(const struct section *section, const struct command *row)
{
    size_t i = run_place(section, row);
    return i < section->run_count && section->runs[i].row == row ? &section->runs[i] : NULL;
}

bool section_reserve(struct section *section)
{
    if (section->run_count < section->run_capacity)
        return true;
    size_t capacity = section->run_capacity == 0 ? 8 : 2 * section->run_capacity;
    struct setting_run *runs = realloc(section->runs, capacity * sizeof *runs);
    if (runs == NULL)
        return false;
    section->runs = runs;
    section->run_capacity = capacity;
    return true;
}

/* Adds the setting at the end of the run of its row. */
static void add_to_run(struct section *section, struct setting *setting)
{
    struct setting_run *run = find_run(section, setting->line.row);
    if (run != NULL) {
        run->last = setting;
        return;
    }
    size_t place = run_place(section, setting->line.row);
    memmove(section->runs + place + 1, section->runs + place,
            (section->run_count - place) * sizeof *section->runs);
    section->runs[place] = (struct setting_run){setting->line.row, setting, setting};
    section->run_count++;
}

static void remove_from_run(struct setting *setting)
{
    struct section *section = setting->section;
    struct setting_run *run = find_run(section, setting->line.row);
    if (run->first == run->last) {
        size_t place = (size_t)(run - section->runs);
        section->run_count--;
        memmove(run, run + 1, (section->run_count - place) * sizeof *run);
        return;
    }
    struct setting *other = setting;
    if (run->first == setting) {
        do
            other = other->next;
        while (other->line.row != run->row);
        run->first = other;
    } else if (run->last == setting) {
        do
            other = other->previous;
        while (other->line.row != run->row);
        run->last = other;
    }
}

/* Links the setting before `next`, or at the end if that is NULL. */
static void link_before(struct section *section, struct setting *setting, struct setting *next)
{
    struct setting *previous = next == NULL ? section->last : next->previous;
    setting->section = section;
    setting->previous = previous;
    setting->next = next;
    *(previous == NULL ? &section->first : &previous->next) = setting;
    *(next == NULL ? &section->last : &next->previous) = setting;
}

void section_add(struct section *section, struct setting *setting)
{
    size_t after = run_place(section, setting->line.row + 1);
    struct setting *next = after < section->run_count ? section->runs[after].first : NULL;
    add_to_run(section, setting);
    link_before(section, setting, next);
}

void section_add_foreign(struct section *section, struct setting *foreign, struct setting *after)
{
    link_before(section, foreign, after == NULL ? NULL : after->next);
}

void section_remove(struct setting *setting)
{
    struct section *section = setting->section;
    if (setting->line.row != NULL)
        remove_from_run(setting);
    if (section->foreign_value == setting)
        section->foreign_value = NULL;
    *(setting->previous == NULL ? &section->first : &setting->previous->next) = setting->next;
    *(setting->next == NULL ? &section->last : &setting->next->previous) = setting->previous;
}

enum command_mode header_mode(const struct command_line *header)
{
    struct interface_name name = {.kind = INTERFACE_NONE};
    switch (command_id(header->row)) {
    case COMMAND_IKEV2_DEFAULT_PROFILE:
        return MODE_DEFAULT_PROFILE;
    case COMMAND_IKEV2_PROFILE:
        return MODE_PROFILE;
    case COMMAND_DEVICE:
        return MODE_DEVICE;
    default:
        (void)line_interface(header, "interface", &name);
        return name.kind == INTERFACE_TUNNEL     ? MODE_TUNNEL
               : name.kind == INTERFACE_LOOPBACK ? MODE_LOOPBACK
                                                 : MODE_PORT;
    }
}

struct setting *section_first_of_row(const struct section *section, enum command_id id)
{
    const struct setting_run *run = find_run(section, &command_table[id]);
    return run == NULL ? NULL : run->first;
}

struct setting *section_next_of_row(const struct setting *setting)
{
    const struct setting_run *run = find_run(setting->section, setting->line.row);
    if (run->last == setting)
        return NULL;
    struct setting *next = setting->next;
    while (next->line.row != setting->line.row)
        next = next->next;
    return next;
}

const struct setting *section_setting(const struct section *section, enum command_id id)
{
    return section == NULL ? NULL : section_first_of_row(section, id);
}

const struct setting *setting_next_of_row(const struct setting *setting)
{
    return section_next_of_row(setting);
}
