--TEST--
Config: listeners, trusted proxies, access log, request ids, set and refused
--EXTENSIONS--
viaduct
--FILE--
<?php
use Viaduct\Config;
function show(Config $c): void
{
    ob_start();
    var_dump($c);
    $dump = preg_replace('/=>\s+/', ' ', ob_get_clean());
    preg_match_all('/^  \["(host|port|listeners|trusted\w+|forwarded\w+|access\w+|request\w+Header|controlSocket)"\] ([^\[\]{}\n]+)\{?((?:\n    \[\d+\] .*)*)/m', $dump, $found, PREG_SET_ORDER);
    foreach ($found as [, $name, $value, $list]) {
        echo $name, ' ', trim($value), preg_replace('/\s+\[\d+\] string\(\d+\)/', '', $list), "\n";
    }
}
$c = new Config();
show($c);
var_dump($c === $c->withListener('unix:///run/x.sock?mode=0600')->withListener('tcp://[::]:3000?ipv6only&reuseport')
    ->withTrustedProxies('10.0.0.0/8', '::1', 'unix')->withForwardedHeaders('x-forwarded')
    ->withAccessLog('json', '/var/log/../log/access.log', true)->withRequestIdHeader(false)->withControlSocket('/run/../run/x/top.sock'));
show($c);
$c->withTrustedProxies('fd00::/8')->withForwardedHeaders('any')->withAccessLog(to: 2)->withRequestIdHeader()->withPort(80);
show($c);
$c->withTrustedProxies()->withAccessLog('off')->withControlSocket(null);
show($c);
$calls = [
    ['withListener', ''], ['withListener', 'tcp://0.0.0.0'], ['withListener', 'unix://x'], ['withListener', "unix:///x\0y"],
    ['withTrustedProxies', '10.0.0.0/8', '10.0.0.1/8'], ['withTrustedProxies', 'localhost'], ['withTrustedProxies', "::1\0"],
    ['withTrustedProxies', ['10.0.0.0/8']], ['withTrustedProxies', ...array_fill(0, 65, '::1')],
    ['withForwardedHeaders', 'X-Forwarded'],
    ['withAccessLog', 'combined'], ['withAccessLog', 'json', ''], ['withAccessLog', 'json', "a\0b"], ['withAccessLog', 'json', 0], ['withAccessLog', 'json', -1],
    ['withControlSocket', ''], ['withControlSocket', "/x\0y"], ['withControlSocket', '/' . str_repeat('x', 107)],
];
foreach ($calls as $call) {
    $method = array_shift($call);
    try {
        $c->$method(...$call);
        echo "$method: accepted\n";
    } catch (ValueError|TypeError $e) {
        echo $e::class, ': ', addcslashes($e->getMessage(), "\0"), "\n";
    }
}
for ($i = 2; $i < 16; $i++) {
    $c->withListener("tcp://127.0.0.1:$i");
}
try {
    $c->withListener('tcp://127.0.0.1:16');
} catch (ValueError $e) {
    echo $e->getMessage(), "\n";
}
?>
--EXPECT--
host string(9) "127.0.0.1"
port int(3000)
listeners array(0)
trustedProxies array(0)
forwardedHeaders string(3) "any"
accessLog string(3) "off"
accessLogTo int(1)
accessLogQuery bool(false)
requestIdHeader bool(true)
controlSocket string(7) "default"
bool(true)
host NULL
port NULL
listeners array(2) "unix:///run/x.sock?mode=0600" "tcp://[::]:3000?ipv6only&reuseport"
trustedProxies array(3) "10.0.0.0/8" "::1" "unix"
forwardedHeaders string(11) "x-forwarded"
accessLog string(4) "json"
accessLogTo string(19) "/var/log/access.log"
accessLogQuery bool(true)
requestIdHeader bool(false)
controlSocket string(15) "/run/x/top.sock"
host string(9) "127.0.0.1"
port int(80)
listeners array(2) "unix:///run/x.sock?mode=0600" "tcp://[::]:3000?ipv6only&reuseport"
trustedProxies array(1) "fd00::/8"
forwardedHeaders string(3) "any"
accessLog string(6) "common"
accessLogTo int(2)
accessLogQuery bool(false)
requestIdHeader bool(true)
controlSocket string(15) "/run/x/top.sock"
host string(9) "127.0.0.1"
port int(80)
listeners array(2) "unix:///run/x.sock?mode=0600" "tcp://[::]:3000?ipv6only&reuseport"
trustedProxies array(0)
forwardedHeaders string(3) "any"
accessLog string(3) "off"
accessLogTo int(1)
accessLogQuery bool(false)
requestIdHeader bool(true)
controlSocket NULL
ValueError: Viaduct\Config::withListener(): Argument #1 ($address) is refused: listener "": the scheme is not known; allowed are tcp://HOST:PORT, tcp://[IPV6]:PORT (with ?ipv6only, ?reuseport) and unix:///PATH (with ?mode=0660)
ValueError: Viaduct\Config::withListener(): Argument #1 ($address) is refused: listener "tcp://0.0.0.0": the port is missing; allowed are tcp://HOST:PORT, tcp://[IPV6]:PORT (with ?ipv6only, ?reuseport) and unix:///PATH (with ?mode=0660)
ValueError: Viaduct\Config::withListener(): Argument #1 ($address) is refused: listener "unix://x": the path is not absolute; allowed are tcp://HOST:PORT, tcp://[IPV6]:PORT (with ?ipv6only, ?reuseport) and unix:///PATH (with ?mode=0660)
ValueError: Viaduct\Config::withListener(): Argument #1 ($address) must not contain any null bytes
ValueError: Viaduct\Config::withTrustedProxies(): Argument #2 is refused: trusted proxy "10.0.0.1/8": it has bits beyond its prefix; allowed are networks such as 10.0.0.0/8 or fd00::/8, addresses, and "unix"
ValueError: Viaduct\Config::withTrustedProxies(): Argument #1 is refused: trusted proxy "localhost": it does not begin with an address; allowed are networks such as 10.0.0.0/8 or fd00::/8, addresses, and "unix"
ValueError: Viaduct\Config::withTrustedProxies(): Argument #1 must not contain any null bytes
TypeError: Viaduct\Config::withTrustedProxies(): Argument #1 must be of type string, array given
ValueError: Viaduct\Config::withTrustedProxies(): Argument #65 is one too many: allowed are 64 networks
ValueError: Viaduct\Config::withForwardedHeaders(): Argument #1 ($which) must be "any", "forwarded" or "x-forwarded"
ValueError: Viaduct\Config::withAccessLog(): Argument #1 ($format) must be "off", "common" or "json"
ValueError: Viaduct\Config::withAccessLog(): Argument #2 ($to) must be the path of a file or pipe, or a descriptor
ValueError: Viaduct\Config::withAccessLog(): Argument #2 ($to) must be the path of a file or pipe, or a descriptor
ValueError: Viaduct\Config::withAccessLog(): Argument #2 ($to) must be a descriptor from 1
ValueError: Viaduct\Config::withAccessLog(): Argument #2 ($to) must be a descriptor from 1
ValueError: Viaduct\Config::withControlSocket(): Argument #1 ($path) must be the path of a socket, or null for none
ValueError: Viaduct\Config::withControlSocket(): Argument #1 ($path) must be the path of a socket, or null for none
ValueError: Viaduct\Config::withControlSocket(): Argument #1 ($path) must have at most 107 bytes as an absolute path
Viaduct\Config::withListener(): Argument #1 ($address) is one too many: allowed are 16 listeners
