--TEST--
Secrets of brokers are in no dump, cast, export, trace, exception, status or server configuration
--EXTENSIONS--
viaduct
--FILE--
<?php
use Viaduct\Broker\{NatsBroker, RedisBroker};
const SECRET = 'hunter2';
ini_set('zend.exception_ignore_args', 0);
ob_start();
$lines = 0;
function show(string $what, callable $call): void
{
    global $lines;
    $lines++;
    echo "--- $what\n";
    try {
        $call();
    } catch (Throwable $e) {
        echo $e, "\n";
        print_r($e->getTrace());
        print_r($e->getPrevious());
    }
}
$password = SECRET;
$brokers = [
    new RedisBroker('127.0.0.1', 1, SECRET, 'me'),
    new RedisBroker(port: 1, credentials: fn() => ['password' => $password]),
    new NatsBroker('127.0.0.1', 1, SECRET),
    new NatsBroker('127.0.0.1', 1, username: 'me', password: SECRET),
];
foreach ($brokers as $broker) {
    show('var_dump', fn() => var_dump($broker));
    show('print_r', fn() => print_r($broker));
    show('var_export', fn() => var_export($broker));
    show('debug_zval_dump', fn() => debug_zval_dump($broker));
    show('array', fn() => var_dump((array) $broker));
    show('get_object_vars', fn() => var_dump(get_object_vars($broker)));
    show('json', fn() => print(json_encode($broker)));
    show('foreach', function () use ($broker) { foreach ($broker as $name => $value) { var_dump($name, $value); } });
    show('reflection', fn() => print(new ReflectionObject($broker)));
    show('serialize', fn() => serialize($broker));
    show('var_export in an array', fn() => var_export([$broker], true));
    show('clone', fn() => clone $broker);
    show('connect', fn() => $broker->connect(0.2));
    show('status', fn() => var_dump($broker->status()));
    show('config', fn() => var_dump((new Viaduct\Config())->withBroker($broker)));
}
show('constructor', fn() => new RedisBroker('', 1, SECRET));
show('constructor, named', fn() => new RedisBroker(password: SECRET, port: 0));
show('constructor, wrong type', fn() => new RedisBroker('h', 'x', SECRET));
show('constructor, too long', fn() => new RedisBroker(password: SECRET . "\0"));
show('token', fn() => new NatsBroker('', 1, SECRET));
show('nats password', fn() => new NatsBroker('h', 0, username: 'me', password: SECRET));
show('two ways', fn() => new NatsBroker(authToken: SECRET, username: 'me', password: SECRET));
show('credentials', fn() => (new RedisBroker(port: 1, credentials: fn() => SECRET))->connect(1));
show('credentials, a number', fn() => (new RedisBroker(port: 1, credentials: fn() => ['password' => [SECRET]]))->connect(1));
show('from_url', fn() => Viaduct\Broker\from_url('redis://me:' . SECRET . '@h', outboxBytes: -1));
show('from_url, an option', fn() => Viaduct\Broker\from_url('redis://h', password: SECRET, username: ''));
show('from_url, a closure', fn() => Viaduct\Broker\from_url('nats://h', authToken: SECRET, credentials: fn() => []));
show('from_url, wrong type', fn() => Viaduct\Broker\from_url([], password: SECRET));
show('from_url, no url', fn() => Viaduct\Broker\from_url(password: SECRET));
$output = ob_get_clean();
echo "$lines shown, ", substr_count($output, SECRET), " secrets, ", substr_count($output, '***') > 10 ? 'masked' : 'NOT MASKED', "\n";
foreach (explode("\n", $output) as $line) {
    if (str_contains($line, SECRET)) {
        echo $line, "\n";
    }
}
?>
--EXPECT--
74 shown, 0 secrets, masked
