--TEST--
A broker without a server: a handler's exception comes out of poll(), the rest is handled by the next one
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../redis.inc';
$redis = Redis::start();
[$one, $two] = [$redis->broker(), $redis->broker()];
$seen = '';
$two->subscribe('n', function ($m) use (&$seen, $two) {
    $seen .= $m->data;
    if ($m->data === '3') {
        throw new DomainException('three');
    }
    if ($m->data === '5') {
        $two->poll();
    }
    if ($m->data === '7') {
        $two->publish('other', 'from a handler', timeout: DEADLINE_S);
    }
});
$two->connect(DEADLINE_S);
foreach (range(1, 9) as $n) {
    $one->publish('n', (string) $n, timeout: DEADLINE_S);
}
$caught = [];
$deadline = microtime(true) + DEADLINE_S;
while (strlen($seen) < 9 && microtime(true) < $deadline) {
    try {
        $two->poll(1);
    } catch (Exception $e) {
        $caught[] = $e::class . ': ' . $e->getMessage();
    }
}
echo $seen, "\n";
print_r($caught);

// closed within a handler: what waits is gone, and nothing is called any more
$two->subscribe('end', function () use ($two) { echo "end\n"; $two->close(); });
$one->publish('end', timeout: DEADLINE_S);
$one->publish('end', timeout: DEADLINE_S);
poll_until('the close', $two, fn() => $two->status()['state'] === 'idle');

// an object that goes in its own handler
$three = $redis->broker();
$three->connect(DEADLINE_S);
$three->subscribe('go', function () use (&$three) { $three = null; echo "gone\n"; });
$one->publish('go', timeout: DEADLINE_S);
while ($three) {
    $three->poll(1);
}
?>
--EXPECT--
123456789
Array
(
    [0] => DomainException: three
    [1] => Viaduct\Broker\Exception\BrokerException: poll() cannot be called within a handler of the same object
)
end
gone
