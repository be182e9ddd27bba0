--TEST--
Brokers and their exceptions: who is what
--EXTENSIONS--
viaduct
--FILE--
<?php
use Viaduct\Broker\{Broker, InMemoryBroker, PipeBroker};
use Viaduct\Broker\Exception as X;
var_dump(new InMemoryBroker() instanceof Broker, new PipeBroker() instanceof Broker);
foreach (['Connection', 'Authentication', 'Tls', 'Timeout', 'Overflow'] as $name) {
    $class = "Viaduct\\Broker\\Exception\\{$name}Exception";
    echo $class, ' < ', implode(' < ', class_parents($class)), "\n";
}
try {
    throw new X\TimeoutException('late', 3, new Exception('cause'));
} catch (RuntimeException $e) {
    echo $e->getMessage(), $e->getCode(), $e->getPrevious()->getMessage(), "\n";
}
foreach ([InMemoryBroker::class, PipeBroker::class] as $class) {
    try {
        serialize(new $class);
    } catch (Exception $e) {
        echo $e->getMessage(), "\n";
    }
}
?>
--EXPECT--
bool(true)
bool(true)
Viaduct\Broker\Exception\ConnectionException < Viaduct\Broker\Exception\BrokerException < RuntimeException < Exception
Viaduct\Broker\Exception\AuthenticationException < Viaduct\Broker\Exception\BrokerException < RuntimeException < Exception
Viaduct\Broker\Exception\TlsException < Viaduct\Broker\Exception\BrokerException < RuntimeException < Exception
Viaduct\Broker\Exception\TimeoutException < Viaduct\Broker\Exception\BrokerException < RuntimeException < Exception
Viaduct\Broker\Exception\OverflowException < Viaduct\Broker\Exception\BrokerException < RuntimeException < Exception
late3cause
Serialization of 'Viaduct\Broker\InMemoryBroker' is not allowed
Serialization of 'Viaduct\Broker\PipeBroker' is not allowed
