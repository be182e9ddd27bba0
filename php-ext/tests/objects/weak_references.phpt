--TEST--
An object that goes away is in no weak reference while its handlers go; a value that is replaced, in no property
--EXTENSIONS--
viaduct
--FILE--
<?php
use Viaduct\{App, Config, Response};
use Viaduct\Broker\RedisBroker;
final class Last
{
    public ?WeakReference $owner = null;
    public ?Closure $then = null;
    public function __construct(private string $name) { }
    public function __destruct()
    {
        echo $this->name, ': ', get_debug_type($this->owner?->get()), "\n";
        $this->then && ($this->then)();
    }
}
$owners = [
    'route' => fn($h) => (new App())->get('/', $h),
    'before' => fn($h) => (new App())->before($h),
    'error' => fn($h) => (new App())->error(404, $h),
    'timer' => fn($h) => (new App())->setInterval($h, 5),
    'subscription' => fn($h) => (new App())->subscribe('x', $h),
    'config' => fn($h) => (new Config())->onBrokerError($h),
    'config of app' => fn($h) => new App((new Config())->onBrokerError($h)),
    'onError' => fn($h) => (new RedisBroker())->onError($h),
    'credentials' => fn($h) => new RedisBroker(credentials: $h),
    'broker' => function ($h) { $broker = new RedisBroker(); $broker->subscribe('x', $h); return $broker; },
];
foreach ($owners as $name => $make) {
    $last = new Last($name);
    $owner = $make(fn() => $last);
    $last->owner = WeakReference::create($owner);
    unset($last, $owner);
}

// what is replaced goes last: its destructor sees, and may replace, what took its place
$last = new Last('broker of a config');
$config = (new Config())->withBroker(new RedisBroker(credentials: fn() => $last));
$last->then = function () use ($config) { $config->withBroker(new RedisBroker('third')); };
unset($last);
$config->withBroker(new RedisBroker('second'));
unset($config);

$last = new Last('config of an app');
$app = new App((new Config())->onBrokerError(fn() => $last));
$last->then = function () use ($app) { $app->__construct(new Config()); };
unset($last);
$app->__construct(new Config());
unset($app);

final class Body implements IteratorAggregate
{
    public function __construct(private Closure $then) { }
    public function getIterator(): Iterator { return new EmptyIterator(); }
    public function __destruct() { ($this->then)(); }
}
$response = new Response();
$response->withBody(new Body(function () use (&$response) { echo 'body: ', var_export($response->body, true), "\n"; $response->withBody('third'); }));
$response->withBody('second');
echo $response->body, "\n";
$response = new Response();
$response->withBody(new Body(function () use (&$response) { echo 'constructed: ', var_export($response->body, true), "\n"; $response->__construct('third'); }));
$response->__construct('second');
echo $response->body, "\n";
?>
--EXPECT--
route: null
before: null
error: null
timer: null
subscription: null
config: null
config of app: null
onError: null
credentials: null
broker: null
broker of a config: null
config of an app: null
body: 'second'
third
constructed: 'second'
third
