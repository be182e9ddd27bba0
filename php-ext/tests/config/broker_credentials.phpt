--TEST--
Config: a broker whose credentials are a callable is refused with the reason
--EXTENSIONS--
viaduct
--FILE--
<?php
use Viaduct\Broker\{NatsBroker, RedisBroker};
use Viaduct\Config;
foreach ([new RedisBroker(credentials: fn() => []), new NatsBroker(credentials: fn() => [])] as $broker) {
    try {
        (new Config())->withBroker($broker);
    } catch (InvalidArgumentException $e) {
        echo $e->getMessage(), "\n";
    }
}
(new Config())->withBroker(new RedisBroker())->withBroker(new NatsBroker())->withBroker(new RedisBroker());
echo "fine\n";
?>
--EXPECT--
A RedisBroker with $credentials cannot be used by a server: its link lives in the gateway process, which runs no PHP. Give the password itself, and restart when it changes
A NatsBroker with $credentials cannot be used by a server: its link lives in the gateway process, which runs no PHP. Give the password itself, or a file, and restart when it changes
fine
