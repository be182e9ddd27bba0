<?php
// SPDX-License-Identifier: Apache-2.0
// A worker that reacts to what others publish, until SIGTERM: php listen.php [PATTERN]

use Viaduct\Broker\Exception\BrokerException;
use Viaduct\Message;

pcntl_async_signals(true);
$running = true;
$stop = function () use (&$running): void { $running = false; };
pcntl_signal(SIGTERM, $stop);
pcntl_signal(SIGINT, $stop);

$broker = require __DIR__ . '/broker.php';
$broker->subscribe($argv[1] ?? '*', function (Message $message): void {
    echo $message->scope, ' ', $message->event ?? '-', ' ', $message->data ?? '(look again)', "\n";
});
$broker->onError(fn (BrokerException $e) => print("{$e->getMessage()}; next attempt in $e->nextDelay s\n"));
$broker->onGap(fn () => print("messages may be missing here: look again at everything\n"));

$broker->connect(30);
echo "listening\n";
while ($running) {
    $broker->poll(10); // comes back at once when there is something, or at a signal
}
$broker->close();
echo "done\n";
