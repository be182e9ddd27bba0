--TEST--
A broker without a server: the credentials callable is asked before each attempt
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../redis.inc';
$redis = Redis::start('--requirepass', 'first');
$answers = ['wrong', 'first', 'second'];
$asked = 0;
$broker = $redis->broker(credentials: function () use (&$answers, &$asked) {
    $asked++;
    return ['password' => array_shift($answers), 'username' => null];
});
echo preg_replace('/:\d+:/', ':PORT:', thrown(fn() => $broker->connect(DEADLINE_S)));
poll_until('the second attempt', $broker, $broker->isConnected(...));
$broker->publish('a', timeout: DEADLINE_S);
echo "asked $asked\n";
$redis->kill();
$redis = Redis::start('--requirepass', 'second');
echo "---\n";
foreach ([null, [], 'second', ['password' => 7], ['password' => ''], ['password' => 'second', 'authToken' => 'ignored']] as $answer) {
    echo preg_replace('/:\d+:/', ':PORT:', thrown(fn() => $redis->broker(credentials: fn() => $answer)->connect(DEADLINE_S)));
}
echo thrown(fn() => $redis->broker(credentials: fn() => throw new DomainException('vault is sealed'))->publish('a', timeout: DEADLINE_S));
$own = $redis->broker(credentials: function () use (&$own) { $own->poll(0); return ['password' => 'second']; });
echo thrown(fn() => $own->connect(DEADLINE_S));
$closes = $redis->broker(credentials: function () use (&$closes) { thrown(fn() => $closes->close(0.1)); return ['password' => 'second']; });
echo thrown(fn() => $closes->connect(DEADLINE_S));
$waits = $redis->broker(credentials: function () use (&$waits) {
    $before = microtime(true);
    echo thrown(fn() => $waits->publish('a', timeout: DEADLINE_S)), thrown(fn() => $waits->poll(DEADLINE_S)), thrown(fn() => $waits->connect(DEADLINE_S));
    echo microtime(true) - $before < DEADLINE_S ? "at once\n" : "WAITED\n";
    return ['password' => 'second'];
});
$waits->publish('a', timeout: DEADLINE_S);
$redis->broker(credentials: fn() => exit("exit\n"))->connect(DEADLINE_S);
?>
--EXPECT--
Viaduct\Broker\Exception\AuthenticationException: RedisBroker 127.0.0.1:PORT: the server refused user or password (WRONGPASS)
asked 2
---
TypeError: RedisBroker: $credentials must return an array of texts by the names of the constructor's parameters, null returned
Viaduct\Broker\Exception\AuthenticationException: RedisBroker 127.0.0.1:PORT: the server asks for a password (NOAUTH)
TypeError: RedisBroker: $credentials must return an array of texts by the names of the constructor's parameters, string returned
TypeError: RedisBroker: $credentials must return an array of texts by the names of the constructor's parameters, array returned
TypeError: RedisBroker: $credentials must return an array of texts by the names of the constructor's parameters, array returned
nothing
DomainException: vault is sealed
nothing
Viaduct\Broker\Exception\BrokerException: The RedisBroker was closed meanwhile
Viaduct\Broker\Exception\BrokerException: RedisBroker: its own $credentials cannot wait for the link that they are for
Viaduct\Broker\Exception\BrokerException: RedisBroker: its own $credentials cannot wait for the link that they are for
Viaduct\Broker\Exception\BrokerException: RedisBroker: its own $credentials cannot wait for the link that they are for
at once
exit
