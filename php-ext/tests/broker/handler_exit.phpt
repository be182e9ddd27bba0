--TEST--
A broker without a server: exit() in a handler ends the script in order
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../redis.inc';
register_shutdown_function(function () {
    global $one;
    $one->publish('n', 'still works', timeout: DEADLINE_S);
    echo "shutdown\n";
});
$redis = Redis::start();
[$one, $two] = [$redis->broker(), $redis->broker()];
$two->subscribe('n', function ($m) { echo $m->data, "\n"; exit("exit\n"); });
$two->connect(DEADLINE_S);
$one->publish('n', 'first', timeout: DEADLINE_S);
$one->publish('n', 'second', timeout: DEADLINE_S);
poll_until('never', $two, fn() => false);
?>
--EXPECT--
first
exit
shutdown
