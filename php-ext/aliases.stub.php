<?php

/**
 * SPDX-License-Identifier: Apache-2.0
 *
 * Functions that the INI setting viaduct.aliases adds, for code written for other servers.
 *
 * @generate-function-entries
 */

/** Number of processors this process may use; group "openswoole". */
function swoole_cpu_num(): int {}
