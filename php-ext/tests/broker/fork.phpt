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
