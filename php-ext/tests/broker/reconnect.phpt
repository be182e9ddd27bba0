--TEST--
A broker without a server: the link is made anew in publish() and poll(); onError() and onGap() are told
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../redis.inc';
use Viaduct\Broker\Exception\BrokerException;
$redis = Redis::start();
[$one, $two] = [$redis->broker(), $redis->broker()];
$seen = $told = [];
$two->subscribe('*', function ($m) use (&$seen) { $seen[] = $m->data; });
$same = $two->onError(function (BrokerException $e) use (&$told) { $told[] = [$e->driver, $e->attempt, $e->nextDelay > 0, $e->getMessage() !== '']; })
    ->onGap(function (string $reason, int $missed, string $origin) use (&$told) { $told[] = [$reason, $missed, $origin]; });
echo json_encode($same === $two), "\n";
$two->connect(DEADLINE_S);
$one->publish('a', 'before', timeout: DEADLINE_S);
poll_until('one', $two, function () use (&$seen) { return $seen; });
$redis->kill();
poll_until('an error', $two, function () use (&$told) { return $told; });
echo json_encode($two->isConnected()), "\n";
$redis->again();
poll_until('the link', $two, $two->isConnected(...));
$one->publish('a', 'after', timeout: DEADLINE_S);
poll_until('two', $two, function () use (&$seen) { return count($seen) === 2; });
echo json_encode($seen), ' ', json_encode($told[0]), ' ', json_encode(end($told)), "\n";
echo $one->status()['counters']['reconnects'], "\n";
?>
--EXPECT--
true
false
["before","after"] ["RedisBroker",1,true,true] ["reconnect",0,""]
1
