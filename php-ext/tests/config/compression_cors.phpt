--TEST--
Config: compression and CORS; what could never work is refused with the reason
--EXTENSIONS--
viaduct
--FILE--
<?php
use Viaduct\Config;
$c = new Config();
var_dump($c === $c->withCompression(true, 500, 9, true)->withCors(['https://a.example', 'http://localhost:5173'], credentials: true));
function show(Config $c): void
{
    ob_start();
    var_dump($c);
    preg_match('/\["compression"\].*?\["heartbeat"\]/s', ob_get_clean(), $found);
    echo preg_replace('/=>\s+/', ' ', $found[0]), "\n";
}
show($c);
$c->withCompression(enabled: false)->withCors(['*'], ['*'], [], maxAge: 1);
show($c);
$calls = [
    ['withCompression', true, 0], ['withCompression', true, 1, 10], ['withCompression', true, 1, 0],
    ['withCors', []], ['withCors', ['https://a/']], ['withCors', ['https://A']], ['withCors', ['null']],
    ['withCors', ['http://a:80']], ['withCors', ['https://a b']], ['withCors', [7]], ['withCors', ['*', 'https://a']],
    ['withCors', array_fill(0, 65, 'https://a')], ['withCors', ["https://a\0"]],
    ['withCors', ['*'], []], ['withCors', ['*'], ['GE(T']], ['withCors', ['*'], ['GET'], ["X\r\nY"]],
    ['withCors', ['*'], ['GET'], [], true], ['withCors', ['https://a'], ['*'], [], true],
    ['withCors', ['https://a'], ['GET'], ['*'], true], ['withCors', ['*'], ['GET'], [], false, 0],
];
foreach ($calls as $call) {
    $method = array_shift($call);
    try {
        $c->$method(...$call);
        echo "$method: accepted\n";
    } catch (ValueError $e) {
        echo substr($e->getMessage(), strlen('Viaduct\Config::')), "\n";
    }
}
show($c);
?>
--EXPECT--
bool(true)
["compression"] bool(true)
  ["compressionMinBytes"] int(500)
  ["compressionLevel"] int(9)
  ["compressStreams"] bool(true)
  ["cors"] array(5) {
    ["origins"] string(39) "https://a.example http://localhost:5173"
    ["methods"] string(35) "GET, HEAD, POST, PUT, PATCH, DELETE"
    ["headers"] string(60) "Authorization, Content-Type, Last-Event-ID, X-Requested-With"
    ["credentials"] bool(true)
    ["maxAge"] int(600)
  }
  ["heartbeat"]
["compression"] bool(false)
  ["compressionMinBytes"] int(1024)
  ["compressionLevel"] int(4)
  ["compressStreams"] bool(false)
  ["cors"] array(5) {
    ["origins"] string(1) "*"
    ["methods"] string(1) "*"
    ["headers"] string(1) "-"
    ["credentials"] bool(false)
    ["maxAge"] int(1)
  }
  ["heartbeat"]
withCompression(): Argument #2 ($minBytes) must be between 1 and 1073741824, 0 given
withCompression(): Argument #3 ($level) must be between 1 and 9, 10 given
withCompression(): Argument #3 ($level) must be between 1 and 9, 0 given
withCors(): Argument #1 ($origins) must hold 1 to 64 origins, 0 given
withCors(): Argument #1 ($origins) must hold origins: "https://a/" is no origin: allowed are "*" and scheme://host[:port] in lower case, without path or closing slash, at most 255 bytes
withCors(): Argument #1 ($origins) must hold origins: "https://A" is no origin: allowed are "*" and scheme://host[:port] in lower case, without path or closing slash, at most 255 bytes
withCors(): Argument #1 ($origins) must hold origins: "null" cannot be allowed: sandboxed pages of any site send it
withCors(): Argument #1 ($origins) must hold origins: "http://a:80" names the default port, which browsers leave out of the origin: leave it out, too
withCors(): Argument #1 ($origins) must hold strings that are not empty, without NUL, space or comma
withCors(): Argument #1 ($origins) must hold strings that are not empty, without NUL, space or comma
withCors(): Argument #1 ($origins) must not hold "*", which is every origin, and others
withCors(): Argument #1 ($origins) must hold 1 to 64 origins, 65 given
withCors(): Argument #1 ($origins) must hold strings that are not empty, without NUL, space or comma
withCors(): Argument #2 ($methods) must not be empty
withCors(): Argument #2 ($methods) must hold names: one of the methods is empty or holds a character other than letters, digits and !#$%&'*+-.^_`|~
withCors(): Argument #3 ($headers) must hold names: one of the headers is empty or holds a character other than letters, digits and !#$%&'*+-.^_`|~
withCors(): Argument #4 ($credentials) must be false with "*" as origin, method or header: browsers refuse it, and any site could act for your users
withCors(): Argument #4 ($credentials) must be false with "*" as origin, method or header: browsers refuse it, and any site could act for your users
withCors(): Argument #4 ($credentials) must be false with "*" as origin, method or header: browsers refuse it, and any site could act for your users
withCors(): Argument #5 ($maxAge) must be between 1 and 86400 seconds, 0 given
["compression"] bool(false)
  ["compressionMinBytes"] int(1024)
  ["compressionLevel"] int(4)
  ["compressStreams"] bool(false)
  ["cors"] array(5) {
    ["origins"] string(1) "*"
    ["methods"] string(1) "*"
    ["headers"] string(1) "-"
    ["credentials"] bool(false)
    ["maxAge"] int(1)
  }
  ["heartbeat"]