/* SPDX-License-Identifier: Apache-2.0 */
/* Which name is nearest: see suggest.h.
 *
 * A slip is a letter too many, too few, another one, or two that changed places (the distance of
 * Damerau and Levenshtein, without moving what was moved already). Short names may differ by one,
 * longer ones by two. Pure. */
#include <string.h>

#include "suggest.h"
#include "text.h"

#define LENGTH_MOST  24
#define LONG_ENOUGH  5 /* for two slips */
#define PREFIX_LEAST 2

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    unsigned rows[LENGTH_MOST + 1][LENGTH_MOST + 1];

    for (size_t i = 0; i <= a_length; i++)
        rows[i][0] = (unsigned)i;
    for (size_t j = 0; j <= b_length; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a_length; i++) {
        for (size_t j = 1; j <= b_length; j++) {
            unsigned other = rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            rows[i][j] = least(other, 1 + least(rows[i - 1][j], rows[i][j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                rows[i][j] = least(rows[i][j], 1 + rows[i - 2][j - 2]);
        }
    }
    return rows[a_length][b_length];
}

bool cli_is_near(const char *word, size_t length, const char *name)
{
    size_t name_length = strlen(name), shorter = length < name_length ? length : name_length;

    if (length > LENGTH_MOST || name_length > LENGTH_MOST || shorter < PREFIX_LEAST)
        return false;
    return strncmp(word, name, shorter) == 0 ||
           distance(word, length, name, name_length) <= (shorter < LONG_ENOUGH ? 1 : 2);
}

void cli_suggest(struct cli_text *text, const char *dashes, const char *name)
{
    cli_text_print(text, "%s%s%s", text->length ? " or " : ", perhaps ", dashes, name);
}
