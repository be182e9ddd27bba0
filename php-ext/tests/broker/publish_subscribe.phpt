--TEST--
A broker without a server: publish returns when the server has it, poll() calls the handlers
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../redis.inc';
use Viaduct\Message;
$redis = Redis::start();
[$one, $two] = [$redis->broker(), $redis->broker()];
$seen = [];
$rooms = $two->subscribe('room:*', function (Message $m) use (&$seen) {
    $seen[] = "$m->scope " . json_encode([$m->event, $m->data, $m->isInvalidation(), $m->sequence]);
});
$two->subscribe('global', function (Message $m) use (&$seen, $two, $rooms) {
    $seen[] = 'global: no more rooms';
    $two->unsubscribe($rooms);
    $two->unsubscribe($rooms);
});
echo $two->status()['state'], ' ', json_encode($two->isConnected()), "\n";
$two->connect(DEADLINE_S);
echo $two->status()['state'], ' ', json_encode($two->isConnected()), "\n";
echo 'nothing there: ', $two->poll(0), "\n";

$one->publish('room:lobby', 'hello', timeout: DEADLINE_S); // connects
$one->publish('room:lobby', ['text' => 'ä'], 'said', DEADLINE_S);
$one->publish('room:x', '', null, DEADLINE_S);
$one->publish('room:y', timeout: DEADLINE_S);
$one->publish('elsewhere', 'not for us', null, DEADLINE_S);
poll_until('four', $two, function () use (&$seen) { return count($seen) === 4; });
print_r($seen);
$seen = [];
$one->publish('global', timeout: DEADLINE_S);
$one->publish('room:z', timeout: DEADLINE_S);
$one->publish('global', timeout: DEADLINE_S);
poll_until('both', $two, function () use (&$seen) { return count($seen) === 2; });
print_r($seen);

echo 'nodes differ: ', json_encode($one->status()['nodeId'] !== $two->status()['nodeId']), "\n";
echo 'published ', $one->status()['counters']['published'], ', waits ', $one->status()['outboxMessages'], ', rtt ', json_encode($one->status()['rtt'] > 0), "\n";
echo thrown(fn() => $one->publish('a b')), thrown(fn() => $one->publish('a', event: "x\n")), thrown(fn() => $one->publish('a', timeout: 0)),
    thrown(fn() => $one->publish('a', [NAN])), thrown(fn() => $one->publish('a', str_repeat('x', 1 << 20) . 'x')),
    thrown(fn() => $one->subscribe('', 'strlen')), thrown(fn() => $one->poll(-1)), thrown(fn() => $one->connect(INF));
$one->close();
$one->close();
echo $one->status()['state'], "\n";
$one->publish('global', timeout: DEADLINE_S); // a new link
poll_until('the last', $two, function () use (&$seen) { return count($seen) === 3; });
echo "done\n";
?>
--EXPECT--
idle false
connected true
nothing there: 0
Array
(
    [0] => room:lobby [null,"hello",false,1]
    [1] => room:lobby ["said","{\"text\":\"\u00e4\"}",false,2]
    [2] => room:x [null,"",false,3]
    [3] => room:y [null,null,true,4]
)
Array
(
    [0] => global: no more rooms
    [1] => global: no more rooms
)
nodes differ: true
published 8, waits 0, rtt true
ValueError: the scope holds a space (U+0020) at byte 1; allowed is UTF-8 without spaces and control characters
ValueError: the event name holds the control character U+000A at byte 1
ValueError: Viaduct\Broker\RedisBroker::publish(): Argument #4 ($timeout) must be between 0.001 and 86400 seconds, 0 given
JsonException: Inf and NaN cannot be JSON encoded
Viaduct\Broker\Exception\OverflowException: the data has 1048577 bytes; allowed are 1048576
ValueError: Viaduct\Broker\RedisBroker::subscribe(): Argument #1 ($pattern) is no scope: the scope is empty; allowed are 1 to 256 bytes
ValueError: Viaduct\Broker\RedisBroker::poll(): Argument #1 ($timeout) must be between 0 and 86400 seconds, -1 given
ValueError: Viaduct\Broker\RedisBroker::connect(): Argument #1 ($timeout) must be between 0.001 and 86400 seconds, INF given
idle
done
