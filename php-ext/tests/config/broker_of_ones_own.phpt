--TEST--
Config: a broker class of one's own is refused with the reason
--EXTENSIONS--
viaduct
--FILE--
<?php
namespace Mine {
    class Broker implements \Viaduct\Broker\Broker { }
    try {
        (new \Viaduct\Config())->withBroker(new Broker());
    } catch (\InvalidArgumentException $e) {
        echo $e::class, ': ', $e->getMessage(), "\n";
    }
}
?>
--EXPECT--
InvalidArgumentException: Mine\Broker cannot be used as broker: the broker runs in the gateway process, which runs no PHP. Use a class of Viaduct\Broker: InMemoryBroker, PipeBroker, RedisBroker or NatsBroker
