<?php
// SPDX-License-Identifier: Apache-2.0
// From a terminal or a cron job: php publish.php SCOPE [DATA] [EVENT]
//
//     php publish.php room:lobby '{"text":"the backup is done"}' notice
//     php publish.php route:/prices              without data: whoever shows it renders again
//
// Exit code 0: the broker has it. 1: it has not, and nobody gets it. 2: it may have arrived. 64: wrong usage.

use Viaduct\Broker\Exception\BrokerException;

if ($argc < 2 || $argc > 4) {
    fwrite(STDERR, "usage: php publish.php SCOPE [DATA] [EVENT]\n");
    exit(64);
}
try {
    (require __DIR__ . '/broker.php')->publish($argv[1], $argv[2] ?? null, $argv[3] ?? null, timeout: 5);
} catch (BrokerException $e) {
    fwrite(STDERR, $e->getMessage() . "\n");
    exit($e->mayArrive ? 2 : 1);
}
