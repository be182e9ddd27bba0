--TEST--
Config: a value that is not allowed is a ValueError that names the parameter and what is allowed
--EXTENSIONS--
viaduct
--FILE--
<?php
use Viaduct\Config;
$c = new Config();
$calls = [
    ['withHost', ''], ['withHost', "a\0b"], ['withHost', str_repeat('a', 64)],
    ['withPort', -1], ['withPort', 65536], ['withWorkerNum', 0], ['withWorkerNum', 257],
    ['withGlobalStateTableSize', 0], ['withGlobalStateTableSize', 1, 0], ['withGlobalStateTableSize', 16777217],
    ['withLogLevel', 'loud'], ['withLogLevel', "info\0"],
    ['withRequestTimeout', 0], ['withRequestTimeout', NAN], ['withRequestTimeout', -1], ['withRequestTimeout', 86401],
    ['withMaxRequests', -1], ['withDrainTimeout', INF], ['withMaxBodySize', 0], ['withHeartbeat', 0.0001], ['withRetry', 0],
    ['withHistory', 0], ['withHistory', 1, 0], ['withHistory', 1000001],
    ['withPort', 'x'], ['withBroker', new stdClass], ['onBrokerError', 'no_such_function'],
];
foreach ($calls as [$method, ]) {
    $arguments = array_slice(array_shift($calls), 1);
    try {
        $c->$method(...$arguments);
        echo "$method: accepted\n";
    } catch (Error $e) {
        echo $e::class, ': ', $e->getMessage(), "\n";
    }
}
try {
    clone $c;
} catch (Error $e) {
    echo $e->getMessage(), "\n";
}
try {
    serialize($c);
} catch (Exception $e) {
    echo $e->getMessage(), "\n";
}
try {
    $c->port = 1;
} catch (Error $e) {
    echo $e->getMessage(), "\n";
}
?>
--EXPECT--
ValueError: Viaduct\Config::withHost(): Argument #1 ($host) must be an IP address of 1 to 63 bytes
ValueError: Viaduct\Config::withHost(): Argument #1 ($host) must be an IP address of 1 to 63 bytes
ValueError: Viaduct\Config::withHost(): Argument #1 ($host) must be an IP address of 1 to 63 bytes
ValueError: Viaduct\Config::withPort(): Argument #1 ($port) must be between 0 and 65535, -1 given
ValueError: Viaduct\Config::withPort(): Argument #1 ($port) must be between 0 and 65535, 65536 given
ValueError: Viaduct\Config::withWorkerNum(): Argument #1 ($workers) must be between 1 and 256, 0 given
ValueError: Viaduct\Config::withWorkerNum(): Argument #1 ($workers) must be between 1 and 256, 257 given
ValueError: Viaduct\Config::withGlobalStateTableSize(): Argument #1 ($maxRows) must be between 1 and 16777216, 0 given
ValueError: Viaduct\Config::withGlobalStateTableSize(): Argument #2 ($maxValueBytes) must be between 1 and 1048576, 0 given
ValueError: Viaduct\Config::withGlobalStateTableSize(): Argument #1 ($maxRows) must be between 1 and 16777216, 16777217 given
ValueError: Viaduct\Config::withLogLevel(): Argument #1 ($level) must be debug, info, warn, error or off
ValueError: Viaduct\Config::withLogLevel(): Argument #1 ($level) must be debug, info, warn, error or off
ValueError: Viaduct\Config::withRequestTimeout(): Argument #1 ($seconds) must be between 0.001 and 86400 seconds, 0 given
ValueError: Viaduct\Config::withRequestTimeout(): Argument #1 ($seconds) must be between 0.001 and 86400 seconds, NAN given
ValueError: Viaduct\Config::withRequestTimeout(): Argument #1 ($seconds) must be between 0.001 and 86400 seconds, -1 given
ValueError: Viaduct\Config::withRequestTimeout(): Argument #1 ($seconds) must be between 0.001 and 86400 seconds, 86401 given
ValueError: Viaduct\Config::withMaxRequests(): Argument #1 ($requests) must be between 0 and 2147483647, -1 given
ValueError: Viaduct\Config::withDrainTimeout(): Argument #1 ($seconds) must be between 0.001 and 86400 seconds, INF given
ValueError: Viaduct\Config::withMaxBodySize(): Argument #1 ($bytes) must be between 1 and 1099511627776, 0 given
ValueError: Viaduct\Config::withHeartbeat(): Argument #1 ($seconds) must be between 0.001 and 86400 seconds, 0.0001 given
ValueError: Viaduct\Config::withRetry(): Argument #1 ($seconds) must be between 0.001 and 86400 seconds, 0 given
ValueError: Viaduct\Config::withHistory(): Argument #1 ($messagesPerScope) must be between 1 and 1000000, 0 given
ValueError: Viaduct\Config::withHistory(): Argument #2 ($seconds) must be between 0.001 and 86400 seconds, 0 given
ValueError: Viaduct\Config::withHistory(): Argument #1 ($messagesPerScope) must be between 1 and 1000000, 1000001 given
TypeError: Viaduct\Config::withPort(): Argument #1 ($port) must be of type int, string given
TypeError: Viaduct\Config::withBroker(): Argument #1 ($broker) must be of type Viaduct\Broker\Broker, stdClass given
TypeError: Viaduct\Config::onBrokerError(): Argument #1 ($handler) must be a valid callback, function "no_such_function" not found or invalid function name
Trying to clone an uncloneable object of class Viaduct\Config
Serialization of 'Viaduct\Config' is not allowed
Cannot create dynamic property Viaduct\Config::$port
