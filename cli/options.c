/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: see options.h. getopt_long reads it, its own messages are switched off, since
 * they repeat what was given. */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "suggest.h"
#include "text.h"

enum kind { TEXT, FLAG, SECONDS, COUNT, SECRET };

struct option_row {
    const char *name;
    char letter; /* 0: none */
    enum kind kind;
    unsigned commands;
    size_t offset;           /* in struct cli_options */
    const char *argument;    /* as --help names it */
    const char *environment; /* NULL: none */
    const char *help;
};

#define IN(member) offsetof(struct cli_options, member)

/* clang-format off */
static const struct option_row rows[] = {
    {"event", 'e', TEXT, CLI_PUB, IN(event), "NAME", NULL,
     "Name of the event, as event streams and handlers see it."},
    {"stdin", 'i', FLAG, CLI_PUB, IN(from_stdin), NULL, NULL,
     "Read the data from standard input; the same as a DATA of \"-\"."},
    {"file", 'f', TEXT, CLI_PUB, IN(file), "FILE", NULL,
     "Read the data from FILE."},
    {"lines", 'l', FLAG, CLI_PUB, IN(lines), NULL, NULL,
     "Each line of the input is one message; they go out as they come."},
    {"count", 'n', COUNT, CLI_SUB, IN(count), "N", NULL,
     "End after N messages."},
    {"json", 'j', FLAG, CLI_SUB | CLI_DOCTOR | CLI_TOP, IN(json), NULL, NULL,
     "JSON for programs: one object a line."},
    {"strict", 0, FLAG, CLI_DOCTOR, IN(strict), NULL, NULL,
     "Warnings count as failures in the exit code."},
    {"timeout", 't', SECONDS, CLI_PUB, IN(timeout_ms), "SECONDS", NULL,
     "Give up when nothing was confirmed for so long; 10 unless given, 0: no limit."},
    {"timeout", 't', SECONDS, CLI_SUB, IN(timeout_ms), "SECONDS", NULL,
     "End after that time; 0, or not given: never."},
    {"timeout", 't', SECONDS, CLI_DOCTOR, IN(timeout_ms), "SECONDS", NULL,
     "For each step; 5 unless given."},
    {"once", '1', FLAG, CLI_TOP, IN(once), NULL, NULL,
     "Show it once and end."},
    {"interval", 's', SECONDS, CLI_TOP, IN(interval_ms), "SECONDS", NULL,
     "How often to look; 1 unless given."},
    {"quiet", 'q', FLAG, CLI_PUB | CLI_SUB, IN(quiet), NULL, NULL,
     "Say nothing on standard error but why it failed."},
    {"help", 'h', FLAG, CLI_ALL, IN(help), NULL, NULL, "Show this help."},
    {"version", 'V', FLAG, CLI_ALL, IN(version), NULL, NULL, "Show the version."},

    {"socket", 0, TEXT, CLI_TOP, IN(socket), "PATH", "VIADUCT_SOCKET",
     "Control socket of the node; needed when several are running."},

    {"broker", 'b', TEXT, CLI_BROKER, IN(broker), "URL", "VIADUCT_BROKER",
     "redis://, rediss:// (TLS), nats:// or tls:// (NATS with TLS), then host:port; several are "
     "separated by commas. Or redis+unix:///path. With a password "
     "in it the variable is the better place: ps shows arguments to everybody."},
    {"channel", 'c', TEXT, CLI_BROKER, IN(channel), "NAME", "VIADUCT_CHANNEL",
     "Channel of Redis (via:broadcast) or subject of NATS (via.broadcast)."},
    {"username", 'u', TEXT, CLI_BROKER, IN(username), "NAME", "VIADUCT_USERNAME",
     "User, of a Redis ACL or of NATS."},
    {"password", 0, SECRET, CLI_BROKER, IN(password), NULL, "VIADUCT_PASSWORD", NULL},
    {"password-file", 0, TEXT, CLI_BROKER, IN(password_file), "FILE", "VIADUCT_PASSWORD_FILE",
     "File whose first line is the password. Or set VIADUCT_PASSWORD."},
    {"token", 0, SECRET, CLI_BROKER, IN(token), NULL, "VIADUCT_TOKEN", NULL},
    {"token-file", 0, TEXT, CLI_BROKER, IN(token_file), "FILE", "VIADUCT_TOKEN_FILE",
     "NATS: file whose first line is the token. Or set VIADUCT_TOKEN."},
    {"creds", 0, TEXT, CLI_BROKER, IN(creds_file), "FILE", "VIADUCT_CREDS",
     "NATS: credentials file (user JWT and seed)."},
    {"nkey", 0, TEXT, CLI_BROKER, IN(nkey_file), "FILE", "VIADUCT_NKEY",
     "NATS: file with the seed of an nkey."},
    {"ca", 0, TEXT, CLI_BROKER, IN(ca_file), "FILE", "VIADUCT_CA",
     "TLS: authorities that may have signed the server's certificate, in PEM; the system's unless "
     "given."},
    {"cert", 0, TEXT, CLI_BROKER, IN(certificate_file), "FILE", "VIADUCT_CERT",
     "TLS: our own certificate, in PEM, where the server wants one."},
    {"key", 0, TEXT, CLI_BROKER, IN(key_file), "FILE", "VIADUCT_KEY",
     "TLS: the key of --cert; without it the file of --cert holds both."},
};
/* clang-format on */

#define ROW_COUNT    (sizeof(rows) / sizeof(rows[0]))
#define LONG_BASE    256 /* of what getopt_long returns: beyond every letter */
#define SECONDS_MAX  (30.0 * 86400)
#define HELP_COLUMN  24
#define HELP_COLUMNS 79

void cli_say(const char *format, ...)
{
    va_list arguments;

    fputs("viaduct: ", stderr);
    va_start(arguments, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.*): a false alarm of clang-tidy 14 */
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

/* ---- help --------------------------------------------------------------------------------------
 */

static void wrap(struct cli_text *text, size_t line, const char *words)
{
    for (const char *first = words; *words; words += strspn(words, " ")) {
        size_t length = strcspn(words, " ");
        if (text->length - line + length + 1 > HELP_COLUMNS) {
            cli_text_add(text, "\n", 1);
            line = text->length;
            cli_text_pad(text, line, HELP_COLUMN);
        } else if (words > first) {
            cli_text_add(text, " ", 1);
        }
        cli_text_add(text, words, length);
        words += length;
    }
    cli_text_add(text, "\n", 1);
}

static void describe(struct cli_text *text, const struct option_row *row)
{
    size_t line = text->length;

    cli_text_print(text, row->letter ? "  -%c, " : "      ", row->letter);
    cli_text_print(text, "--%s%s%s", row->name, row->argument ? " " : "",
                   row->argument ? row->argument : "");
    if (text->length - line >= HELP_COLUMN) {
        cli_text_add(text, "\n", 1);
        line = text->length;
    }
    cli_text_pad(text, line, HELP_COLUMN);
    if (row->environment) {
        struct cli_text words = {0};
        cli_text_print(&words, "%s [%s]", row->help, row->environment);
        wrap(text, line, cli_text_string(&words));
        cli_text_finish(&words);
    } else {
        wrap(text, line, row->help);
    }
}

void cli_options_describe(struct cli_text *text, unsigned command, bool shared)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        bool connects = rows[i].environment != NULL;
        if ((rows[i].commands & command) && connects == shared && rows[i].help)
            describe(text, &rows[i]);
    }
}

/* ---- values ------------------------------------------------------------------------------------
 */

/* Where a wrong value came from: "--count" or "VIADUCT_CHANNEL". */
struct source {
    const char *prefix, *name;
};

static bool read_seconds(const char *value, uint32_t *ms)
{
    char *end;
    double seconds;

    if (!isdigit((unsigned char)value[0]) && value[0] != '.')
        return false;
    seconds = strtod(value, &end);
    if (end == value || *end || !(seconds >= 0 && seconds <= SECONDS_MAX))
        return false;
    *ms = (uint32_t)(seconds * 1000 + 0.5);
    return *ms > 0 || seconds == 0;
}

static bool read_count(const char *value, uint64_t *count)
{
    char *end;

    if (!isdigit((unsigned char)value[0]))
        return false;
    errno = 0;
    *count = strtoull(value, &end, 10);
    return errno == 0 && *end == '\0' && *count > 0;
}

static bool take(struct cli_options *options, const struct option_row *row, const char *value,
                 struct source source)
{
    char *member = (char *)options + row->offset;

    switch (row->kind) {
    case FLAG:
        *(bool *)member = true;
        return true;
    case SECONDS:
        options->timeout_given = options->timeout_given || row->offset == IN(timeout_ms);
        if (read_seconds(value, (uint32_t *)member)) {
            if (row->offset != IN(interval_ms) || options->interval_ms > 0)
                return true;
            cli_say("%s%s: more than 0 is wanted", source.prefix, source.name);
            return false;
        }
        cli_say("%s%s: a number of seconds is wanted, such as 10 or 0.5, at most %.0f",
                source.prefix, source.name, SECONDS_MAX);
        return false;
    case COUNT:
        if (read_count(value, (uint64_t *)member))
            return true;
        cli_say("%s%s: a whole number from 1 is wanted", source.prefix, source.name);
        return false;
    default:
        if (*value) {
            *(const char **)member = value;
            return true;
        }
        cli_say("%s%s: it is empty", source.prefix, source.name);
        return false;
    }
}

static bool is_set(const struct cli_options *options, const struct option_row *row)
{
    return *(const char *const *)((const char *)options + row->offset) != NULL;
}

/* An empty variable counts as none: scripts unset them that way. The row after a secret is its
 * file, and a file on the command line wins over a secret in the environment. */
static bool take_environment(struct cli_options *options, const struct option_row *row)
{
    const char *value = row->environment ? getenv(row->environment) : NULL;

    if (!value || !*value || is_set(options, row) ||
        (row->kind == SECRET && is_set(options, row + 1)))
        return true;
    return take(options, row, value, (struct source){"", row->environment});
}

/* ---- getopt ------------------------------------------------------------------------------------
 */

static bool takes_argument(const struct option_row *row)
{
    return row->kind != FLAG;
}

static void prepare(unsigned command, struct option *longs, char *letters)
{
    size_t count = 0, at = 0;

    letters[at++] = ':'; /* a missing argument is told from an unknown option */
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (!(rows[i].commands & command))
            continue;
        longs[count++] = (struct option){rows[i].name,
                                         takes_argument(&rows[i]) ? required_argument : no_argument,
                                         NULL, LONG_BASE + (int)i};
        if (rows[i].letter) {
            letters[at++] = rows[i].letter;
            if (takes_argument(&rows[i]))
                letters[at++] = ':';
        }
    }
    longs[count] = (struct option){0};
    letters[at] = '\0';
}

static const struct option_row *find(int returned)
{
    if (returned >= LONG_BASE)
        return &rows[returned - LONG_BASE];
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].letter && rows[i].letter == returned)
            return &rows[i];
    }
    return NULL;
}

/* What an option is called in a sentence: @returned is of getopt_long. */
static void add_option(struct cli_text *text, int returned)
{
    char letter[2] = {'-', (char)returned};

    if (returned >= LONG_BASE) {
        cli_text_print(text, "--%s", rows[returned - LONG_BASE].name);
    } else {
        cli_text_safe(text, letter, sizeof(letter));
    }
}

static bool refuse(int returned, const char *what, const char *name)
{
    struct cli_text shown = {0};

    add_option(&shown, returned);
    cli_say("%s: %s; \"viaduct %s --help\" lists what is allowed", cli_text_string(&shown), what,
            name);
    cli_text_finish(&shown);
    return false;
}

/* @word is what getopt stumbled over; or @letter, not 0: a short one, negative beyond ASCII. Only
 * the name is repeated, not what follows a "=". */
static bool refuse_unknown(unsigned command, const char *word, int letter, const char *name)
{
    struct cli_text shown = {0}, meant = {0};
    size_t length = strcspn(word, "=");

    if (letter != 0) {
        add_option(&shown, letter);
    } else {
        cli_text_safe(&shown, word, length);
        for (size_t i = 0; i < ROW_COUNT; i++) {
            if ((rows[i].commands & command) && rows[i].help && length > 2 &&
                cli_is_near(word + 2, length - 2, rows[i].name))
                cli_suggest(&meant, "--", rows[i].name);
        }
    }
    if (letter != 0 && !isalpha((unsigned char)letter))
        cli_text_print(&meant, " (what begins with - and is none stands behind --)");
    cli_say("%s: no such option%s; \"viaduct %s --help\" lists what is allowed",
            cli_text_string(&shown), cli_text_string(&meant), name);
    cli_text_finish(&shown);
    cli_text_finish(&meant);
    return false;
}

static bool refuse_secret(const struct option_row *row)
{
    cli_say("--%s: no such option, since ps shows arguments to everybody: set %s, or give "
            "--%s-file FILE",
            row->name, row->environment, row->name);
    return false;
}

bool cli_options_read(struct cli_options *options, unsigned command, const char *name, int argc,
                      char **argv)
{
    struct option longs[ROW_COUNT + 1];
    char letters[2 * ROW_COUNT + 2];
    const struct option_row *row;
    int returned;

    *options = (struct cli_options){0};
    prepare(command, longs, letters);
    opterr = 0;
    while ((returned = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        if (returned == ':')
            return refuse(optopt, "a value must follow it", name);
        row = returned == '?' ? NULL : find(returned);
        if (!row && optopt >= LONG_BASE)
            return refuse(optopt, "it takes no value", name);
        if (!row)
            return refuse_unknown(command, argv[optind - 1], optopt, name);
        if (row->kind == SECRET)
            return refuse_secret(row);
        if (!take(options, row, optarg, (struct source){"--", row->name}))
            return false;
    }
    options->words = argv + optind;
    options->word_count = argc - optind;
    options->broker_in_arguments = options->broker != NULL;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if ((rows[i].commands & command) && !take_environment(options, &rows[i]))
            return false;
    }
    return true;
}
