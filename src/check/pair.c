#include "check/pair.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "check/pair_report.h"

/* Says it if a file is given twice, as the same path or another: its tunnels would face themselves. */
static bool are_different(char *const *paths, size_t count, FILE *errors)
{
    struct stat one, other;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; stat(paths[i], &one) == 0 && S_ISREG(one.st_mode) && j < i; j++) {
            if (stat(paths[j], &other) != 0 || other.st_dev != one.st_dev || other.st_ino != one.st_ino)
                continue;
            (void)fprintf(errors, "musubi check: %s and %s are the same file\n", paths[j], paths[i]);
            return false;
        }
    }
    return true;
}

/* True if all files could be read. */
static bool read_ends(struct pair_end *ends, char *const *paths, size_t count, FILE *errors)
{
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        if (pair_end_read(&ends[i], paths[i]))
            continue;
        (void)fprintf(errors, "musubi check: %s: %s\n", paths[i], strerror(errno));
        good = false;
    }
    return good;
}

static bool all_connect(const struct pair_report *report)
{
    for (size_t i = 0; i < report->end_count; i++) {
        if (!report->ends[i].is_sound)
            return false;
    }
    for (size_t i = 0; i < report->pairs->count; i++) {
        if (!report->results[i].connects)
            return false;
    }
    return report->pairs->count > 0;
}

/* Plays all pairs and prints what comes of it. False if memory ran out. */
static bool check_ends(struct pair_end *ends, size_t count, enum pair_form form, FILE *out, bool *connects)
{
    struct pair_list pairs;
    if (!pair_match(ends, count, &pairs))
        return false;
    struct pair_result *results = calloc(pairs.count + 1, sizeof *results);
    bool good = results != NULL;
    size_t played = 0;
    for (; good && played < pairs.count; played++)
        good = pair_play(&pairs.items[played], &results[played]);
    if (good) {
        struct pair_report report = {ends, count, &pairs, results, false};
        report.connects = *connects = all_connect(&report);
        if (form == PAIR_JSON)
            good = pair_report_json(&report, out);
        else
            pair_report_text(&report, out);
    }
    for (size_t i = 0; i < played; i++)
        pair_result_free(&results[i]);
    free(results);
    pair_list_free(&pairs);
    return good;
}

enum check_result pair_check(char *const *paths, size_t count, enum pair_form form, FILE *out, FILE *errors)
{
    struct pair_end *ends = calloc(count, sizeof *ends);
    enum check_result status = CHECK_UNREADABLE;
    bool connects = false;
    if (ends == NULL || !are_different(paths, count, errors) || !read_ends(ends, paths, count, errors))
        goto out;
    if (check_ends(ends, count, form, out, &connects))
        status = connects ? CHECK_GOOD : CHECK_WRONG;
    else
        (void)fprintf(errors, "musubi check: out of memory\n");
out:
    for (size_t i = 0; ends != NULL && i < count; i++)
        pair_end_free(&ends[i]);
    free(ends);
    return status;
}
