--TEST--
NatsBroker: a value that is not allowed is a ValueError that names the parameter
--EXTENSIONS--
viaduct
--FILE--
<?php
use Viaduct\Broker\NatsBroker;
$calls = [
    ['host' => 'nats://h'], ['port' => 0], ['authToken' => ''],
    ['subject' => ''], ['subject' => 'a b'], ['subject' => 'a.*'], ['subject' => 'a.>'], ['subject' => '.a'], ['subject' => 'a..b'], ['subject' => 'a.'], ['subject' => "a\0b"], ['subject' => str_repeat('s', 257)],
    ['tlsCaFile' => __FILE__], ['username' => 'me'], ['password' => 'p'], ['authToken' => 't', 'username' => 'me', 'password' => 'p'],
    ['nkeySeedFile' => '/no/such/file'], ['credsFile' => '/no/such/file'], ['nkeySeedFile' => __FILE__, 'credsFile' => __FILE__], ['credsFile' => __FILE__, 'credentials' => fn() => []],
    ['servers' => ['h:65536']], ['probeInterval' => 0.05], ['outboxPolicy' => ''],
];
foreach ($calls as $arguments) {
    try {
        new NatsBroker(...$arguments);
        echo json_encode($arguments), ": accepted\n";
    } catch (Error $e) {
        echo $e::class, ': ', str_replace('Viaduct\Broker\NatsBroker::__construct(): ', '', $e->getMessage()), "\n";
    }
}
ob_start();
var_dump(new NatsBroker('h', 1, null, 'a.b', true, null, 'u', 'p', null, null, null, null, ['h2'], null, 1, 2.5, 10, 2048, 'fail'));
echo preg_replace('/#\d+/', '', ob_get_clean());
?>
--EXPECT--
ValueError: Argument #1 ($host) must be a host name or an IP address of 1 to 253 bytes, without scheme, port or user
ValueError: Argument #2 ($port) must be between 1 and 65535, 0 given
ValueError: Argument #3 ($authToken) must not be empty: leave it out, or give null, for none
ValueError: Argument #4 ($subject) must be words joined by dots, without spaces and the wildcards * and >, 1 to 256 bytes
ValueError: Argument #4 ($subject) must be words joined by dots, without spaces and the wildcards * and >, 1 to 256 bytes
ValueError: Argument #4 ($subject) must be words joined by dots, without spaces and the wildcards * and >, 1 to 256 bytes
ValueError: Argument #4 ($subject) must be words joined by dots, without spaces and the wildcards * and >, 1 to 256 bytes
ValueError: Argument #4 ($subject) must be words joined by dots, without spaces and the wildcards * and >, 1 to 256 bytes
ValueError: Argument #4 ($subject) must be words joined by dots, without spaces and the wildcards * and >, 1 to 256 bytes
ValueError: Argument #4 ($subject) must be words joined by dots, without spaces and the wildcards * and >, 1 to 256 bytes
ValueError: Argument #4 ($subject) must be words joined by dots, without spaces and the wildcards * and >, 1 to 256 bytes
ValueError: Argument #4 ($subject) must be words joined by dots, without spaces and the wildcards * and >, 1 to 256 bytes
ValueError: Argument #6 ($tlsCaFile) must be left out when $tls is false: nothing would be encrypted
ValueError: Argument #7 ($username) must be left out when $password is not given
ValueError: Argument #8 ($password) must be left out when $username is not given
ValueError: Argument #8 ($password) must be left out when $authToken is given: one way to log in
ValueError: Argument #9 ($nkeySeedFile) must be a file that can be read, "/no/such/file" given
ValueError: Argument #10 ($credsFile) must be a file that can be read, "/no/such/file" given
ValueError: Argument #10 ($credsFile) must be left out when $nkeySeedFile is given: one way to log in
ValueError: Argument #14 ($credentials) must be left out when $credsFile is given: one way to log in
ValueError: Argument #13 ($servers) must be a list of "host", "host:port" or "[::1]:port"
ValueError: Argument #15 ($probeInterval) must be between 0.1 and 3600 seconds, 0.05 given
ValueError: Argument #19 ($outboxPolicy) must be "drop-oldest" or "fail"
object(Viaduct\Broker\NatsBroker) (19) {
  ["host"]=>
  string(1) "h"
  ["port"]=>
  int(1)
  ["authToken"]=>
  NULL
  ["subject"]=>
  string(3) "a.b"
  ["tls"]=>
  bool(true)
  ["tlsCaFile"]=>
  NULL
  ["username"]=>
  string(1) "u"
  ["password"]=>
  string(3) "***"
  ["nkeySeedFile"]=>
  NULL
  ["credsFile"]=>
  NULL
  ["tlsCertFile"]=>
  NULL
  ["tlsKeyFile"]=>
  NULL
  ["servers"]=>
  array(1) {
    [0]=>
    string(2) "h2"
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
