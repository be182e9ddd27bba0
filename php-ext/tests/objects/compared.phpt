--TEST--
Objects whose state is not in properties are equal to themselves only
--EXTENSIONS--
viaduct
--FILE--
<?php
use Viaduct\{App, Config, Response};
use Viaduct\Broker\{NatsBroker, RedisBroker};
foreach ([App::class, Config::class, RedisBroker::class, NatsBroker::class] as $class) {
    $one = new $class();
    var_dump($one == $one, $one == new $class(), in_array($one, [new $class(), $one]), $one != new $class());
}
var_dump(new Response('a') == new Response('a'), new Response('a') == new Response('b')); // has it in properties
?>
--EXPECT--
bool(true)
bool(false)
bool(true)
bool(true)
bool(true)
bool(false)
bool(true)
bool(true)
bool(true)
bool(false)
bool(true)
bool(true)
bool(true)
bool(false)
bool(true)
bool(true)
bool(true)
bool(false)
