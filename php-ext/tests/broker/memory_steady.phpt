--TEST--
A broker without a server: links that come and go, and messages, leave no memory, descriptor or thread behind
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../nats.inc';

/** @return array{int, int, int} KiB resident, open descriptors, threads */
function usage(): array
{
    $status = file_get_contents('/proc/self/status');
    preg_match('/VmRSS:\s+(\d+)/', $status, $resident);
    preg_match('/Threads:\s+(\d+)/', $status, $threads);
    return [(int) $resident[1], count(scandir('/proc/self/fd')), (int) $threads[1]];
}

foreach (['redis' => [Redis::start(), 100], 'nats' => [Nats::start(), 15]] as $name => [$server, $links]) {
    $listener = $server->broker();
    $count = 0;
    $listener->subscribe('a', function () use (&$count) { $count++; });
    $listener->onError(fn() => null)->onGap(fn() => null);
    $listener->connect(DEADLINE_S);
    $round = function () use ($server, $listener, $links, &$count): void {
        $count = 0;
        for ($i = 0; $i < $links; $i++) {
            $one = $server->broker(credentials: fn() => []);
            $one->subscribe('*', fn() => $one); // a cycle
            $one->publish('a', str_repeat('x', 10_000), timeout: DEADLINE_S);
            $i % 2 ? $one->close(DEADLINE_S) : null;
            try {
                $one->publish('not a scope');
            } catch (ValueError) {
            }
            unset($one);
        }
        gc_collect_cycles();
        poll_until('all', $listener, function () use (&$count, $links) { return $count === $links; });
    };
    $round();
    $round();
    [$memory, $before] = [memory_get_usage(), usage()];
    for ($i = 0; $i < 4; $i++) {
        $round();
    }
    $grown = memory_get_usage() - $memory;
    echo "$name: ", $grown < 20_000 ? 'steady' : "GREW BY $grown BYTES";
    $after = null;
    wait_for('threads that reap themselves', function () use ($before, &$after) { $after = usage(); return $after[1] <= $before[1] && $after[2] <= $before[2] + 1; });
    $resident = $after[0] - $before[0];
    echo $resident < (getenv('USE_ZEND_ALLOC') === '0' || getenv('LD_PRELOAD') ? PHP_INT_MAX : 2_000) ? ', steady' : ", GREW BY $resident KIB", "\n";
    $listener->close(DEADLINE_S);
}
?>
--EXPECT--
redis: steady, steady
nats: steady, steady
