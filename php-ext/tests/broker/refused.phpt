--TEST--
A broker without a server: a message that the Redis server never takes is an exception, and not in the way of the next
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../redis.inc';
$broker = Redis::start('--proto-max-bulk-len', '1mb')->broker();
$broker->publish('a', 'small', timeout: DEADLINE_S);
echo preg_replace('/:\d+:/', ':PORT:', thrown(fn() => $broker->publish('a', str_repeat('x', 1048576), timeout: DEADLINE_S)));
$broker->publish('a', 'small', timeout: DEADLINE_S);
echo $broker->status()['counters']['outbox_drops'], "\n";
?>
--EXPECT--
Viaduct\Broker\Exception\OverflowException: RedisBroker 127.0.0.1:PORT: the server refused a message again and again, and it is dropped: it may be larger than the server's proto-max-bulk-len
1
