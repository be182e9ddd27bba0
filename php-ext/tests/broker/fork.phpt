--TEST--
A broker without a server: a forked copy is refused, an object of the child's own works
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../redis.inc';
$redis = Redis::start();
$opened = $redis->broker();
$unopened = $redis->broker();
$opened->publish('a', 'parent', timeout: DEADLINE_S);
$child = pcntl_fork();
if ($child === 0) {
    foreach (['publish' => ['a'], 'connect' => [], 'poll' => [0], 'isConnected' => [], 'status' => [], 'close' => [], 'subscribe' => ['a', 'strlen'], 'unsubscribe' => [1]] as $method => $arguments) {
        echo "$method: ", preg_replace('/pid \d+/', 'pid N', thrown(fn() => $opened->$method(...$arguments)));
    }
    $opened = null;
    $unopened->publish('a', 'child', timeout: DEADLINE_S);
    echo "child: its own works\n";
    exit(0);
}
pcntl_waitpid($child, $status);
echo 'child ended: ', pcntl_wexitstatus($status), "\n";
$opened->publish('a', 'parent goes on', timeout: DEADLINE_S);
echo 'reconnects ', $opened->status()['counters']['reconnects'], "\n";

// forked by a handler: what else has arrived is the parent's
$subscriber = $redis->broker();
$subscriber->onGap(fn() => null);
$parent = getmypid();
foreach (['first', 'second'] as $name) {
    $subscriber->subscribe('n', function ($message) use ($name, $parent) {
        echo getmypid() === $parent ? '' : 'child: ', "$name $message->data\n";
        if ($message->data === '1' && $name === 'first') {
            $child = pcntl_fork();
            if ($child > 0) {
                pcntl_waitpid($child, $status);
            }
        }
    });
}
$subscriber->connect(DEADLINE_S);
for ($i = 1; $i <= 3; $i++) {
    $opened->publish('n', (string) $i, timeout: DEADLINE_S);
}
for ($seen = 0; $seen < 6;) {
    $count = $subscriber->poll(0.2);
    if (getmypid() !== $parent) {
        echo "child: $count, then ", preg_replace('/pid \d+/', 'pid N', thrown(fn() => $subscriber->poll(0)));
        exit;
    }
    $seen += $count;
}
?>
--EXPECT--
publish: Viaduct\Broker\Exception\BrokerException: This RedisBroker was opened by another process, before the fork (pid N), and a link cannot be shared: make a new object here
connect: Viaduct\Broker\Exception\BrokerException: This RedisBroker was opened by another process, before the fork (pid N), and a link cannot be shared: make a new object here
poll: Viaduct\Broker\Exception\BrokerException: This RedisBroker was opened by another process, before the fork (pid N), and a link cannot be shared: make a new object here
isConnected: Viaduct\Broker\Exception\BrokerException: This RedisBroker was opened by another process, before the fork (pid N), and a link cannot be shared: make a new object here
status: Viaduct\Broker\Exception\BrokerException: This RedisBroker was opened by another process, before the fork (pid N), and a link cannot be shared: make a new object here
close: Viaduct\Broker\Exception\BrokerException: This RedisBroker was opened by another process, before the fork (pid N), and a link cannot be shared: make a new object here
subscribe: Viaduct\Broker\Exception\BrokerException: This RedisBroker was opened by another process, before the fork (pid N), and a link cannot be shared: make a new object here
unsubscribe: Viaduct\Broker\Exception\BrokerException: This RedisBroker was opened by another process, before the fork (pid N), and a link cannot be shared: make a new object here
child: its own works
child ended: 0
reconnects 0
first 1
child: 1, then Viaduct\Broker\Exception\BrokerException: This RedisBroker was opened by another process, before the fork (pid N), and a link cannot be shared: make a new object here
second 1
first 2
second 2
first 3
second 3
