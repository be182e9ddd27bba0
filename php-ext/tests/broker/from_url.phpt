--TEST--
from_url(): which class, which arguments; nothing of a wrong URL is repeated
--EXTENSIONS--
viaduct
--FILE--
<?php
use function Viaduct\Broker\from_url;

function show(#[SensitiveParameter] string $url, mixed ...$options): void
{
    try {
        $broker = from_url($url, ...$options);
    } catch (Throwable $e) {
        echo $e::class, ': ', $e->getMessage(), "\n";
        if (str_contains($e->getTraceAsString() . print_r($e->getTrace(), true), 's3cret')) {
            echo "a secret in the trace\n";
        }
        return;
    }
    preg_match_all('/^ {4}\[(host|port|username|password|authToken|channel|subject|tls|servers)\] => (?!$)(.*)|^ {12}\[\d\] => (.*)/m',
        print_r($broker, true), $found, PREG_SET_ORDER);
    echo $broker::class;
    foreach ($found as $one) {
        echo ' ', isset($one[3]) ? "+$one[3]" : "$one[1]=$one[2]";
    }
    echo "\n";
}

foreach (['pipe', 'pipe:', 'MEMORY:'] as $url) {
    show($url);
}
show('redis://redis.internal');
show('redis://redis.internal:6380/');
show('REDISS://node:s3cret%40%2F@[::1]:7000', channel: 'app:1');
show('redis://:s3cret@10.0.0.1');
show('redis://a:1,b:2,c');
show('redis+unix:///run/redis/redis.sock');
show('redis+unix://node:s3cret@/run/a%20b');
show('nats://s3cret@nats.internal');
show('tls://u:s3cret@nats.internal:4223', subject: 'a.b');
foreach (['', 'redis', 'redis:', 'redis://', 'redis://:s3cret@', 'redis://host:0', 'redis://host:65536', 'redis://host:6s3cret',
    'redis://[::1', 'redis://[::1]6379', 'redis://host/s3cret', 'redis://host?s3cret', 'http://s3cret@host', 'pipe://x', 'redis//s3cret@host', 'redis+unix://s3cret', 'redis://s3cret@host'] as $url) {
    show($url);
}
show('redis://host', pigeon: 1);
show('pipe:', channel: 'x');
try {
    from_url('redis://host', 'more');
} catch (ArgumentCountError $e) {
    echo $e->getMessage(), "\n";
}
?>
--EXPECT--
Viaduct\Broker\PipeBroker
Viaduct\Broker\PipeBroker
Viaduct\Broker\InMemoryBroker
Viaduct\Broker\RedisBroker host=redis.internal port=6379 channel=via:broadcast servers=Array
Viaduct\Broker\RedisBroker host=redis.internal port=6380 channel=via:broadcast servers=Array
Viaduct\Broker\RedisBroker host=::1 port=7000 password=*** username=node channel=app:1 tls=1 servers=Array
Viaduct\Broker\RedisBroker host=10.0.0.1 port=6379 password=*** channel=via:broadcast servers=Array
Viaduct\Broker\RedisBroker host=a port=1 channel=via:broadcast servers=Array +b:2 +c
Viaduct\Broker\RedisBroker host=/run/redis/redis.sock port=6379 channel=via:broadcast servers=Array
Viaduct\Broker\RedisBroker host=/run/a b port=6379 password=*** username=node channel=via:broadcast servers=Array
Viaduct\Broker\NatsBroker host=nats.internal port=4222 authToken=*** subject=via.broadcast servers=Array
Viaduct\Broker\NatsBroker host=nats.internal port=4223 subject=a.b tls=1 username=u password=*** servers=Array
ValueError: Viaduct\Broker\from_url(): Argument #1 ($url) must be pipe:, memory:, redis://, rediss://, nats:// or tls://, after the slashes [USER:PASSWORD@]HOST[:PORT]; or redis+unix:///PATH
ValueError: Viaduct\Broker\from_url(): Argument #1 ($url) must be pipe:, memory:, redis://, rediss://, nats:// or tls://, after the slashes [USER:PASSWORD@]HOST[:PORT]; or redis+unix:///PATH
ValueError: Viaduct\Broker\from_url(): Argument #1 ($url) must be pipe:, memory:, redis://, rediss://, nats:// or tls://, after the slashes [USER:PASSWORD@]HOST[:PORT]; or redis+unix:///PATH
ValueError: Viaduct\Broker\from_url(): Argument #1 ($url) must be pipe:, memory:, redis://, rediss://, nats:// or tls://, after the slashes [USER:PASSWORD@]HOST[:PORT]; or redis+unix:///PATH
ValueError: Viaduct\Broker\from_url(): Argument #1 ($url) must be pipe:, memory:, redis://, rediss://, nats:// or tls://, after the slashes [USER:PASSWORD@]HOST[:PORT]; or redis+unix:///PATH
ValueError: Viaduct\Broker\from_url(): Argument #1 ($url) must be pipe:, memory:, redis://, rediss://, nats:// or tls://, after the slashes [USER:PASSWORD@]HOST[:PORT]; or redis+unix:///PATH
ValueError: Viaduct\Broker\from_url(): Argument #1 ($url) must be pipe:, memory:, redis://, rediss://, nats:// or tls://, after the slashes [USER:PASSWORD@]HOST[:PORT]; or redis+unix:///PATH
ValueError: Viaduct\Broker\from_url(): Argument #1 ($url) must be pipe:, memory:, redis://, rediss://, nats:// or tls://, after the slashes [USER:PASSWORD@]HOST[:PORT]; or redis+unix:///PATH
ValueError: Viaduct\Broker\from_url(): Argument #1 ($url) must be pipe:, memory:, redis://, rediss://, nats:// or tls://, after the slashes [USER:PASSWORD@]HOST[:PORT]; or redis+unix:///PATH
ValueError: Viaduct\Broker\from_url(): Argument #1 ($url) must be pipe:, memory:, redis://, rediss://, nats:// or tls://, after the slashes [USER:PASSWORD@]HOST[:PORT]; or redis+unix:///PATH
ValueError: Viaduct\Broker\from_url(): Argument #1 ($url) must be pipe:, memory:, redis://, rediss://, nats:// or tls://, after the slashes [USER:PASSWORD@]HOST[:PORT]; or redis+unix:///PATH
ValueError: Viaduct\Broker\from_url(): Argument #1 ($url) must be pipe:, memory:, redis://, rediss://, nats:// or tls://, after the slashes [USER:PASSWORD@]HOST[:PORT]; or redis+unix:///PATH
ValueError: Viaduct\Broker\from_url(): Argument #1 ($url) must be pipe:, memory:, redis://, rediss://, nats:// or tls://, after the slashes [USER:PASSWORD@]HOST[:PORT]; or redis+unix:///PATH
ValueError: Viaduct\Broker\from_url(): Argument #1 ($url) must be pipe:, memory:, redis://, rediss://, nats:// or tls://, after the slashes [USER:PASSWORD@]HOST[:PORT]; or redis+unix:///PATH
ValueError: Viaduct\Broker\from_url(): Argument #1 ($url) must be pipe:, memory:, redis://, rediss://, nats:// or tls://, after the slashes [USER:PASSWORD@]HOST[:PORT]; or redis+unix:///PATH
ValueError: Viaduct\Broker\from_url(): Argument #1 ($url) must be pipe:, memory:, redis://, rediss://, nats:// or tls://, after the slashes [USER:PASSWORD@]HOST[:PORT]; or redis+unix:///PATH
ValueError: Viaduct\Broker\from_url(): Argument #1 ($url) must be pipe:, memory:, redis://, rediss://, nats:// or tls://, after the slashes [USER:PASSWORD@]HOST[:PORT]; or redis+unix:///PATH
Error: Unknown named parameter $pigeon
Error: Unknown named parameter $channel
Viaduct\Broker\from_url() takes options by name only