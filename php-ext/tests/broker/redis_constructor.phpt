--TEST--
RedisBroker: a value that is not allowed is a ValueError that names the parameter
--EXTENSIONS--
viaduct
--FILE--
<?php
use Viaduct\Broker\RedisBroker;
$calls = [
    ['host' => ''], ['host' => 'redis://h'], ['host' => 'a b'], ['host' => "a\0b"], ['host' => 'h:1'], ['host' => str_repeat('a', 254)],
    ['port' => 0], ['port' => 65536],
    ['password' => ''], ['password' => "a\0b"], ['username' => 'me'], ['username' => '', 'password' => 'p'],
    ['channel' => ''], ['channel' => "a\nb"], ['channel' => str_repeat('c', 257)],
    ['tlsCaFile' => __FILE__], ['tls' => true, 'tlsCaFile' => '/no/such/file'], ['tls' => true, 'tlsCaFile' => __DIR__], ['tls' => true, 'tlsCaFile' => ''],
    ['tls' => true, 'tlsCaFile' => '/dev/null'], ['tls' => true, 'tlsKeyFile' => __FILE__], ['tls' => true, 'tlsCertFile' => __FILE__],
    ['servers' => ['']], ['servers' => ['h:0']], ['servers' => ['h:x']], ['servers' => ['::1']], ['servers' => ['[::1']], ['servers' => ['[::1]6379']], ['servers' => [6379]], ['servers' => array_fill(0, 16, 'h')], ['servers' => ['h,i']],
    ['host' => '/run/redis.sock', 'tls' => true], ['host' => '/run/redis.sock', 'servers' => ['h']], ['host' => '/' . str_repeat('a', 107)], ['host' => '/'],
    ['credentials' => 'no_such_function'], ['credentials' => fn() => [], 'password' => 'p'],
    ['probeInterval' => 0], ['probeInterval' => NAN], ['connectTimeout' => 3601], ['connectTimeout' => -1.5],
    ['outboxMessages' => 0], ['outboxBytes' => 1023], ['outboxPolicy' => 'drop'],
];
foreach ($calls as $arguments) {
    try {
        new RedisBroker(...$arguments);
        echo json_encode($arguments), ": accepted\n";
    } catch (Error $e) {
        echo $e::class, ': ', str_replace([__CLASS__, 'Viaduct\Broker\RedisBroker::__construct(): ', __FILE__, __DIR__], ['', '', 'FILE', 'DIR'], $e->getMessage()), "\n";
    }
}
foreach (['localhost', 'redis.internal.', '10.0.0.1', '::1', '[::1]', 'fe80::1%eth0', 'my_redis-1', '/run/redis.sock'] as $host) {
    echo new RedisBroker($host) ? "$host: fine\n" : "";
}
$all = new RedisBroker('h', 1, 'p', 'u', 'c', true, null, null, null, ['h2', 'h3:7', '[::1]:8'], null, 1, 2.5, 10, 2048, 'fail');
ob_start();
var_dump($all);
echo preg_replace('/#\d+/', '', ob_get_clean());
foreach ([["fe80::1%\0"], ["fe80::1%eth0\0"], ['h', 'servers' => ["[fe80::1%\0]:1"]]] as $hidden) {
    try {
        new RedisBroker(...$hidden);
        echo "a NUL byte was allowed\n";
    } catch (ValueError) {
    }
}
echo "once more: ";
try {
    $all->__construct();
} catch (Error $e) {
    echo $e->getMessage(), "\n";
}
?>
--EXPECT--
ValueError: Argument #1 ($host) must be a host name or an IP address of 1 to 253 bytes, without scheme, port or user
ValueError: Argument #1 ($host) must be a host name or an IP address of 1 to 253 bytes, without scheme, port or user
ValueError: Argument #1 ($host) must be a host name or an IP address of 1 to 253 bytes, without scheme, port or user
ValueError: Argument #1 ($host) must be a host name or an IP address of 1 to 253 bytes, without scheme, port or user
ValueError: Argument #1 ($host) must be a host name or an IP address of 1 to 253 bytes, without scheme, port or user
ValueError: Argument #1 ($host) must be a host name or an IP address of 1 to 253 bytes, without scheme, port or user
ValueError: Argument #2 ($port) must be between 1 and 65535, 0 given
ValueError: Argument #2 ($port) must be between 1 and 65535, 65536 given
ValueError: Argument #3 ($password) must not be empty: leave it out, or give null, for none
ValueError: Argument #3 ($password) must not hold a NUL byte
ValueError: Argument #4 ($username) must be left out when $password is not given
ValueError: Argument #4 ($username) must not be empty: leave it out, or give null, for none
ValueError: Argument #5 ($channel) must be 1 to 256 bytes without control characters
ValueError: Argument #5 ($channel) must be 1 to 256 bytes without control characters
ValueError: Argument #5 ($channel) must be 1 to 256 bytes without control characters
ValueError: Argument #7 ($tlsCaFile) must be left out when $tls is false: nothing would be encrypted
ValueError: Argument #7 ($tlsCaFile) must be a file that can be read, "/no/such/file" given
ValueError: Argument #7 ($tlsCaFile) must be a file that can be read, "DIR" given
ValueError: Argument #7 ($tlsCaFile) must not be empty: leave it out, or give null, for none
ValueError: Argument #7 ($tlsCaFile) must be a file that can be read, "/dev/null" given
ValueError: Argument #9 ($tlsKeyFile) must be left out when $tlsCertFile is not given
ValueError: Argument #8 ($tlsCertFile) is not usable: it cannot be read as a PEM certificate (PEM lib)
ValueError: Argument #10 ($servers) must be a list of "host", "host:port" or "[::1]:port"
ValueError: Argument #10 ($servers) must be a list of "host", "host:port" or "[::1]:port"
ValueError: Argument #10 ($servers) must be a list of "host", "host:port" or "[::1]:port"
ValueError: Argument #10 ($servers) must be a list of "host", "host:port" or "[::1]:port"
ValueError: Argument #10 ($servers) must be a list of "host", "host:port" or "[::1]:port"
ValueError: Argument #10 ($servers) must be a list of "host", "host:port" or "[::1]:port"
ValueError: Argument #10 ($servers) must be a list of "host", "host:port" or "[::1]:port"
ValueError: Argument #10 ($servers) must hold at most 15 servers
ValueError: Argument #10 ($servers) must be a list of "host", "host:port" or "[::1]:port"
ValueError: Argument #6 ($tls) must be false when $host is the path of a socket
ValueError: Argument #10 ($servers) must be empty when $host is the path of a socket
ValueError: Argument #1 ($host) must, as the path of a socket, have at most 107 bytes
ValueError: Argument #1 ($host) must, as the path of a socket, have at most 107 bytes
TypeError: Argument #11 ($credentials) must be a valid callback or null, function "no_such_function" not found or invalid function name
ValueError: Argument #11 ($credentials) must be left out when $password is given: one way to log in
ValueError: Argument #12 ($probeInterval) must be between 0.1 and 3600 seconds, 0 given
ValueError: Argument #12 ($probeInterval) must be between 0.1 and 3600 seconds, NAN given
ValueError: Argument #13 ($connectTimeout) must be between 0.1 and 3600 seconds, 3601 given
ValueError: Argument #13 ($connectTimeout) must be between 0.1 and 3600 seconds, -1.5 given
ValueError: Argument #14 ($outboxMessages) must be between 1 and 1000000, 0 given
ValueError: Argument #15 ($outboxBytes) must be between 1024 and 1073741824, 1023 given
ValueError: Argument #16 ($outboxPolicy) must be "drop-oldest" or "fail"
localhost: fine
redis.internal.: fine
10.0.0.1: fine
::1: fine
[::1]: fine
fe80::1%eth0: fine
my_redis-1: fine
/run/redis.sock: fine
object(Viaduct\Broker\RedisBroker) (16) {
  ["host"]=>
  string(1) "h"
  ["port"]=>
  int(1)
  ["password"]=>
  string(3) "***"
  ["username"]=>
  string(1) "u"
  ["channel"]=>
  string(1) "c"
  ["tls"]=>
  bool(true)
  ["tlsCaFile"]=>
  NULL
  ["tlsCertFile"]=>
  NULL
  ["tlsKeyFile"]=>
  NULL
  ["servers"]=>
  array(3) {
    [0]=>
    string(2) "h2"
    [1]=>
    string(4) "h3:7"
    [2]=>
    string(7) "[::1]:8"
  }
  ["credentials"]=>
  NULL
  ["probeInterval"]=>
  float(1)
  ["connectTimeout"]=>
  float(2.5)
  ["outboxMessages"]=>
  int(10)
  ["outboxBytes"]=>
  int(2048)
  ["outboxPolicy"]=>
  string(4) "fail"
}
once more: A broker object is constructed once
