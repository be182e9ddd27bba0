/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP dates as clients send them (RFC 9110 5.6.7): IMF-fixdate, and the two obsolete forms that a
 * recipient must still understand.
 *
 * Strict: names in their exact case, two-digit fields, GMT and nothing behind it. A date that does
 * not read is no error of the request; the header is then as if it had not come. The day's name is
 * checked for form, not against the date. */
#include <string.h>

#include "common_http.h"

struct reader {
    const char *at;
    const char *end;
};

static bool literal(struct reader *reader, const char *text)
{
    size_t length = strlen(text);

    if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, text, length) != 0)
        return false;
    reader->at += length;
    return true;
}

static bool digits(struct reader *reader, unsigned count, unsigned *value)
{
    if ((size_t)(reader->end - reader->at) < count)
        return false;
    for (*value = 0; count > 0; count--, reader->at++) {
        if (*reader->at < '0' || *reader->at > '9')
            return false;
        *value = *value * 10 + (unsigned)(*reader->at - '0');
    }
    return true;
}

/* The index of the one of @count names of three letters that comes next. */
static bool name(struct reader *reader, const char *names, unsigned count, unsigned *index)
{
    for (*index = 0; *index < count; (*index)++) {
        if (reader->end - reader->at >= 3 && memcmp(reader->at, names + *index * 3, 3) == 0) {
            reader->at += 3;
            return true;
        }
    }
    return false;
}

static bool month(struct reader *reader, unsigned *index)
{
    return name(reader, "JanFebMarAprMayJunJulAugSepOctNovDec", 12, index);
}

struct date {
    unsigned year, month, day, hour, minute, second;
};

static bool time_of_day(struct reader *reader, struct date *date)
{
    return digits(reader, 2, &date->hour) && literal(reader, ":") &&
           digits(reader, 2, &date->minute) && literal(reader, ":") &&
           digits(reader, 2, &date->second);
}

/* Sun, 06 Nov 1994 08:49:37 GMT, behind the day's name. */
static bool fixdate(struct reader *reader, struct date *date)
{
    return literal(reader, ", ") && digits(reader, 2, &date->day) && literal(reader, " ") &&
           month(reader, &date->month) && literal(reader, " ") && digits(reader, 4, &date->year) &&
           literal(reader, " ") && time_of_day(reader, date) && literal(reader, " GMT");
}

/* Sunday, 06-Nov-94 08:49:37 GMT: a year that seems more than 50 years ahead is the past one. */
static bool rfc850(struct reader *reader, unsigned weekday, uint64_t now_s, struct date *date)
{
    static const char *const rests[] = {"day", "day", "sday", "nesday", "rsday", "day", "urday"};
    unsigned this_year = 1970 + (unsigned)(now_s / 31556952), century = this_year / 100 * 100;

    if (!literal(reader, rests[weekday]) || !literal(reader, ", ") ||
        !digits(reader, 2, &date->day) || !literal(reader, "-") || !month(reader, &date->month) ||
        !literal(reader, "-") || !digits(reader, 2, &date->year) || !literal(reader, " ") ||
        !time_of_day(reader, date) || !literal(reader, " GMT"))
        return false;
    date->year += century;
    if (date->year > this_year + 50)
        date->year -= 100;
    return true;
}

/* Sun Nov  6 08:49:37 1994 */
static bool asctime_date(struct reader *reader, struct date *date)
{
    if (!literal(reader, " ") || !month(reader, &date->month) || !literal(reader, " "))
        return false;
    if (literal(reader, " ") ? !digits(reader, 1, &date->day) : !digits(reader, 2, &date->day))
        return false;
    return literal(reader, " ") && time_of_day(reader, date) && literal(reader, " ") &&
           digits(reader, 4, &date->year);
}

static bool is_leap(unsigned year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days since 1 January 1970; dates before that do not matter to files. */
static bool to_seconds(const struct date *date, uint64_t *seconds)
{
    static const unsigned before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    bool leap = is_leap(date->year);
    unsigned length = before[date->month + 1] - before[date->month] + (leap && date->month == 1);

    if (date->year < 1970 || date->day < 1 || date->day > length || date->hour > 23 ||
        date->minute > 59 || date->second > 60)
        return false;
    uint64_t past = date->year - 1;
    uint64_t days = past * 365 + past / 4 - past / 100 + past / 400 - 719162;

    days += before[date->month] + (leap && date->month > 1) + date->day - 1;
    *seconds = ((days * 24 + date->hour) * 60 + date->minute) * 60 + date->second;
    return true;
}

bool vd_http_date_parse(const char *bytes, size_t length, uint64_t now_s, uint64_t *seconds)
{
    struct reader start = {.at = bytes, .end = bytes + length}, reader;
    struct date date = {0};
    unsigned weekday;
    bool read;

    if (!name(&start, "SunMonTueWedThuFriSat", 7, &weekday))
        return false;
    reader = start;
    read = fixdate(&reader, &date);
    if (!read) {
        reader = start;
        read = rfc850(&reader, weekday, now_s, &date);
    }
    if (!read) {
        reader = start;
        read = asctime_date(&reader, &date);
    }
    return read && reader.at == reader.end && to_seconds(&date, seconds);
}
