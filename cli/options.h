/* SPDX-License-Identifier: Apache-2.0 */
/* The command line, from one table: what getopt_long is told, what --help shows, and which
 * environment variable stands in for an option that was not given. */
#ifndef VIADUCT_CLI_OPTIONS_H
#define VIADUCT_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* Exit codes, the same for each command; documented in viaduct(1). */
enum cli_exit {
    CLI_DONE = 0,
    CLI_FAILED = 1,   /* could not be done; a sentence says why */
    CLI_USAGE = 2,    /* the command line, the environment, or the input is wrong */
    CLI_TIMED_OUT = 3 /* --timeout came first */
};

/* Which commands take an option. */
#define CLI_PUB    0x1u
#define CLI_SUB    0x2u
#define CLI_DOCTOR 0x4u
#define CLI_TOP    0x8u
#define CLI_BROKER (CLI_PUB | CLI_SUB | CLI_DOCTOR)
#define CLI_ALL    (CLI_BROKER | CLI_TOP)

struct cli_options {
    /* where to connect */
    const char *broker;
    const char *channel;
    const char *username;
    const char *password; /* environment only */
    const char *password_file;
    const char *token; /* environment only */
    const char *token_file;
    const char *creds_file;
    const char *nkey_file;
    const char *ca_file;
    const char *certificate_file;
    const char *key_file;
    bool broker_in_arguments; /* ps shows it */

    const char *event;
    const char *file;
    bool from_stdin;
    bool lines;
    bool json;
    bool quiet;
    bool strict;
    const char *socket;
    bool once;
    uint32_t interval_ms; /* 0: not given */
    bool help;
    bool version;
    uint64_t count; /* 0: no limit */
    uint32_t timeout_ms;
    bool timeout_given; /* 0 then means: no limit */

    char **words; /* what is no option */
    int word_count;
};

/* Read argv[1..] as the options of @command (a CLI_ bit; @name is its name), then the environment.
 * Returns: true; false: said on stderr what is wrong and what is allowed. Values are never
 * repeated: one may be a password in the wrong place. */
bool cli_options_read(struct cli_options *options, unsigned command, const char *name, int argc,
                      char **argv);

struct cli_text;
/* The options of @command, a line or more each, as --help shows them: its own, or (@shared) those
 * that say where to connect. */
void cli_options_describe(struct cli_text *text, unsigned command, bool shared);

/* "viaduct: " and the sentence on stderr. */
void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
