/* SPDX-License-Identifier: Apache-2.0 */
/* The `viaduct` command: finds the command, reads its options, shows help.
 *
 * Failure modes: whatever is wrong in the command line is said in one sentence on standard error
 * that names it and what is allowed, with exit code 2. No output that could be written counts as
 * done: a full disk is a failure, a reader that left is not. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <viaduct/viaduct.h>

#include "commands.h"
#include "suggest.h"
#include "text.h"

struct command {
    const char *name;
    unsigned bit;
    enum cli_exit (*run)(const struct cli_options *options);
    const char *usage, *summary, *text;
};

static const struct command commands[] = {
    {"pub", CLI_PUB, cli_pub, "viaduct pub [OPTION...] SCOPE [DATA]",
     "Publish a message; ends when the broker has confirmed it.",
     "Every server and subscriber on the channel gets it. Without DATA it says: what\n"
     "you show of SCOPE has changed, render again. DATA of \"-\" is read from standard\n"
     "input; what begins with - and is data stands behind --.\n"
     "\n"
     "  viaduct pub room:lobby '{\"text\":\"hello\"}' --event say\n"
     "  make-report | viaduct pub reports -\n"
     "  journalctl -fo json | viaduct pub --lines log\n"},
    {"sub", CLI_SUB, cli_sub, "viaduct sub [OPTION...] [PATTERN...]",
     "Show messages as they come, one line each.",
     "A PATTERN is a scope in which * stands for anything; without one, all are\n"
     "shown. Control characters are escaped. Gaps and failures are said on standard\n"
     "error. SIGINT, SIGTERM and a reader that leaves end it with exit code 0.\n"
     "\n"
     "  viaduct sub 'room:*'\n"
     "  viaduct sub --json | jq -r .scope\n"
     "  viaduct sub deploy:done --count 1 --timeout 600 --quiet && restart-it\n"},
    {"doctor", CLI_DOCTOR, cli_doctor, "viaduct doctor [OPTION...]",
     "Check the way to a broker step by step, and say what to mend.",
     "Name look-up, connection, TLS (chain, host name, days left), login,\n"
     "permissions, round trip, limits and clock of the server, at last Viaduct's own\n"
     "link. It publishes a few probes, which Viaduct keeps from everybody's\n"
     "subscribers. Exit code 0: it works, perhaps with warnings.\n"
     "\n"
     "  viaduct doctor --broker rediss://redis.internal:6380 --ca /etc/ssl/my-ca.pem\n"},
    {"top", CLI_TOP, cli_top, "viaduct top [OPTION...]",
     "Watch a node that is running on this machine.",
     "Connections, streams, broker, workers and their rings, tables and counters. It\n"
     "only looks: by the node's control socket, which belongs to the node's user. q\n"
     "ends it.\n"
     "\n"
     "  viaduct top\n"
     "  viaduct top --once --json | jq '.tables[] | select(.rows > .capacity * 0.9)'\n"},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static enum cli_exit put(struct cli_text *text)
{
    fwrite(text->bytes, 1, text->length, stdout);
    cli_text_finish(text);
    return CLI_DONE;
}

static void add_exit_codes(struct cli_text *text)
{
    cli_text_print(text,
                   "\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 --timeout came first.\n");
}

static enum cli_exit show_overview(void)
{
    struct cli_text text = {0};

    cli_text_print(&text, "Usage: viaduct COMMAND [OPTION...]\n\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        cli_text_print(&text, "  %-10s%s\n", commands[i].name, commands[i].summary);
    cli_text_print(&text, "  %-10s%s\n  %-10s%s\n", "help", "Show this, or the help of a command.",
                   "version", "Show the version.");
    cli_text_print(&text, "\nThe broker is named by --broker or VIADUCT_BROKER, for example\n"
                          "redis://127.0.0.1:6379. \"viaduct COMMAND --help\" says more, and so "
                          "does man\nviaduct.\n");
    add_exit_codes(&text);
    return put(&text);
}

static enum cli_exit show_help(const struct command *command)
{
    struct cli_text text = {0};

    cli_text_print(&text, "Usage: %s\n\n%s\n\n%s\nOptions:\n", command->usage, command->summary,
                   command->text);
    cli_options_describe(&text, command->bit, false);
    cli_text_print(&text, "\nWhere to connect [environment variable]:\n");
    cli_options_describe(&text, command->bit, true);
    add_exit_codes(&text);
    return put(&text);
}

static enum cli_exit show_version(void)
{
    struct cli_text text = {0};

    cli_text_print(&text, "viaduct %s\n", vd_version());
    return put(&text);
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static enum cli_exit refuse(const char *word)
{
    struct cli_text shown = {0}, meant = {0};
    size_t length = strcspn(word, "=");

    cli_text_safe(&shown, word, length);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (cli_is_near(word, length, commands[i].name))
            cli_suggest(&meant, "", commands[i].name);
    }
    cli_say("%s: no such command%s; there are pub, sub, doctor, top, help and version",
            cli_text_string(&shown), cli_text_string(&meant));
    cli_text_finish(&shown);
    cli_text_finish(&meant);
    return CLI_USAGE;
}

static enum cli_exit run(const struct command *command, int argc, char **argv)
{
    struct cli_options options;

    if (!cli_options_read(&options, command->bit, command->name, argc, argv))
        return CLI_USAGE;
    if (options.help)
        return show_help(command);
    if (options.version)
        return show_version();
    return command->run(&options);
}

static enum cli_exit choose(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "help";
    const struct command *command = find(word);

    if (command)
        return run(command, argc - 1, argv + 1);
    if (strcmp(word, "version") == 0 || strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
        return show_version();
    if (strcmp(word, "help") != 0 && strcmp(word, "--help") != 0 && strcmp(word, "-h") != 0)
        return refuse(word);
    if (argc < 3) {
        enum cli_exit code = show_overview();
        if (argc < 2)
            code = CLI_USAGE;
        return code;
    }
    command = find(argv[2]);
    return command ? show_help(command) : refuse(argv[2]);
}

/* Where the caller has closed one, the next socket would take its number, and what is meant for
 * people would go to the server. Here reading from and writing to it fail instead. */
static bool hold_standard_descriptors(void)
{
    static const int modes[] = {O_WRONLY, O_RDONLY, O_RDWR};

    for (int fd = 0; fd < 3; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
            return false;
    }
    return true;
}

/* What went through stdio; a reader that has left did not want more. */
static bool was_written(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};

    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    return poll(&out, 1, 0) > 0 && (out.revents & POLLERR) != 0;
}

/* Threads of the NATS library may still be saying goodbye. They need OpenSSL, which exit() would
 * take down under them. */
int main(int argc, char **argv)
{
    enum cli_exit code;

    signal(SIGPIPE, SIG_IGN);
    if (!hold_standard_descriptors())
        _exit(CLI_FAILED);
    code = choose(argc, argv);
    if (!was_written() && code == CLI_DONE) {
        cli_say("standard output cannot be written");
        code = CLI_FAILED;
    }
    _exit((int)code);
}
