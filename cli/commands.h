/* SPDX-License-Identifier: Apache-2.0 */
/* One function a command. Options are read, --help and --version are done; words are its own. */
#ifndef VIADUCT_CLI_COMMANDS_H
#define VIADUCT_CLI_COMMANDS_H

#include "options.h"

enum cli_exit cli_pub(const struct cli_options *options);
enum cli_exit cli_sub(const struct cli_options *options);
enum cli_exit cli_doctor(const struct cli_options *options);
enum cli_exit cli_top(const struct cli_options *options);

#endif
