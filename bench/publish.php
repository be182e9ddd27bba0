<?php
// SPDX-License-Identifier: Apache-2.0
// What publishing costs a script: run it by bench/publish.
//
//     first      a new object (or socket): connect, publish, confirmed; then it goes
//     further    one more on the same link, confirmed
//     received   messages a second that poll() hands to a handler, published one by one beforehand
//
// The best of five rounds, in turns with the raw socket, which checks nothing and waits for nothing but the
// server's answer.

require __DIR__ . '/../php-ext/tests/nats.inc';

/** Microseconds a call. */
function best(int $calls, callable $call): float
{
    $begun = hrtime(true);
    for ($i = 0; $i < $calls; $i++) {
        $call();
    }
    return (hrtime(true) - $begun) / 1e3 / $calls;
}

/** Two functions: connect, and publish on what it gave. */
function raw(string $driver, int $port): array
{
    $connect = fn() => stream_socket_client("tcp://127.0.0.1:$port");
    if ($driver === 'redis') {
        $command = "*3\r\n$7\r\nPUBLISH\r\n$3\r\nraw\r\n$64\r\n" . str_repeat('x', 64) . "\r\n";
        return [$connect, function ($socket) use ($command) { fwrite($socket, $command); fgets($socket); }];
    }
    $connect = function () use ($connect) {
        fgets($socket = $connect());
        fwrite($socket, "CONNECT {\"verbose\":false}\r\n");
        return $socket;
    };
    $command = "PUB raw 64\r\n" . str_repeat('x', 64) . "\r\nPING\r\n";
    return [$connect, function ($socket) use ($command) {
        fwrite($socket, $command);
        while (!str_starts_with(fgets($socket), 'PONG')) {
            continue;
        }
    }];
}

$data = str_repeat('x', 64);
printf("%-8s %12s %12s %12s %12s %12s\n", '', 'first us', 'raw', 'further us', 'raw', 'received/s');
foreach (['redis' => Redis::start(...), 'nats' => Nats::start(...)] as $driver => $start) {
    $server = $start();
    [$connect, $publish] = raw($driver, $server->port);
    $kept = $server->broker();
    $socket = $connect();
    $rows = [];
    for ($round = 0; $round < 5; $round++) {
        $rows[0][] = best(100, function () use ($server, $data) { $server->broker()->publish('room:a', $data); });
        $rows[1][] = best(100, function () use ($connect, $publish) { $publish($connect()); });
        $rows[2][] = best(500, function () use ($kept, $data) { $kept->publish('room:a', $data); });
        $rows[3][] = best(500, function () use ($socket, $publish) { $publish($socket); });
    }
    $listener = $server->broker();
    $count = 0;
    $listener->subscribe('room:*', function () use (&$count) { $count++; });
    $listener->connect(30);
    for ($i = 0; $i < 5000; $i++) {
        $kept->publish('room:a', $data);
    }
    $begun = hrtime(true);
    while ($count < 5000) {
        $listener->poll(1);
    }
    $rate = 5000 / (hrtime(true) - $begun) * 1e9;
    printf("%-8s %12.0f %12.0f %12.1f %12.1f %12.0f\n", $driver, ...array_map(min(...), $rows), ...[$rate]);
    $server->kill();
}
