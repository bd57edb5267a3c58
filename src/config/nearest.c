#include "config/nearest.h"

#include <ctype.h>
#include <string.h>

enum { COMPARED = 32 };

static bool same(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The optimal string alignment distance, with three rows of its table. */
size_t word_distance(const char *a, const char *b)
{
    size_t rows[3][COMPARED + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    size_t a_length = strnlen(a, COMPARED);
    size_t b_length = strnlen(b, COMPARED);
    for (size_t j = 0; j <= b_length; j++)
        above[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t changed = above[j - 1] + !same(a[i - 1], b[j - 1]);
            row[j] = least(changed, 1 + least(above[j], row[j - 1]));
            if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
                row[j] = least(row[j], before[j - 2] + 1);
        }
        size_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[b_length];
}

bool word_is_near(const char *word, const char *meant)
{
    size_t length = strnlen(meant, COMPARED);
    size_t allowed = length <= 3 ? 1 : length <= 7 ? 2 : 3;
    size_t distance = word_distance(word, meant);
    return distance <= allowed && distance < length;
}
