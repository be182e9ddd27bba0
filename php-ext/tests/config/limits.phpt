--TEST--
Config: the limits of clients and connections, set and refused
--EXTENSIONS--
viaduct
--FILE--
<?php
use Viaduct\Config;
$c = new Config();
var_dump($c === $c->withHeaderLimits(100, 2000, 20)->withHeaderTimeout(1.5)->withBodyTimeout(2, 1000)->withIdleTimeout(3)
    ->withMaxConnections(400, 5)->withMaxConnectionRequests(6)->withMaxQueue(7)->withMaxUploadWorkers(1)->withUploadMemory(200000)->withResponseMemory(300000)->withPipelineBuffer(8192)
    ->withRequestBuffer(4096)->withResponseBuffer(100000));
ob_start();
var_dump($c);
$dump = preg_replace('/=>\s+/', ' ', ob_get_clean());
preg_match_all('/"((?:line|header|body|min|idle|max|pipe|requestB|resp)\w+)"\] (\S+)/', $dump, $found, PREG_SET_ORDER);
foreach ($found as [, $name, $value]) {
    echo "$name $value\n";
}
$c->withHeaderLimits(headerCount: 50)->withBodyTimeout(minBytesPerSecond: 9)->withMaxConnections(perAddress: 8);
$calls = [
    ['withHeaderLimits', 63], ['withHeaderLimits', 100, 1000], ['withHeaderLimits', 100, 2000, 101], ['withHeaderLimits', 100, 2000, 0],
    ['withHeaderTimeout', 0.001], ['withHeaderTimeout', 0], ['withIdleTimeout', 86401], ['withBodyTimeout', 0.005], ['withBodyTimeout', 1, 0],
    ['withMaxConnections', -1], ['withMaxConnections', 0, -1], ['withMaxConnections', 1000001], ['withMaxConnectionRequests', -1],
    ['withMaxQueue', 0], ['withUploadMemory', 65535], ['withResponseMemory', 1], ['withMaxUploadWorkers', 257], ['withPipelineBuffer', 1023], ['withRequestBuffer', 4095], ['withRequestBuffer', 67108865], ['withResponseBuffer', 65535],
];
foreach ($calls as $call) {
    $method = array_shift($call);
    try {
        $c->$method(...$call);
        echo "$method: accepted\n";
    } catch (ValueError $e) {
        echo $e->getMessage(), "\n";
    }
}
?>
--EXPECT--
bool(true)
maxRequests int(0)
maxBodySize int(8388608)
lineBytes int(100)
headerBytes int(2000)
headerCount int(20)
headerTimeout float(1.5)
bodyTimeout float(2)
minBytesPerSecond int(1000)
idleTimeout float(3)
maxConnections int(400)
maxConnectionsPerAddress int(5)
maxConnectionRequests int(6)
maxQueue int(7)
responseMemory int(300000)
maxUploadWorkers int(1)
pipelineBuffer int(8192)
requestBuffer int(4096)
responseBuffer int(100000)
Viaduct\Config::withHeaderLimits(): Argument #1 ($lineBytes) must be between 64 and 61440, 63 given
Viaduct\Config::withHeaderLimits(): Argument #2 ($headerBytes) must be between 1024 and 61440, 1000 given
Viaduct\Config::withHeaderLimits(): Argument #3 ($headerCount) must be between 1 and 100, 101 given
Viaduct\Config::withHeaderLimits(): Argument #3 ($headerCount) must be between 1 and 100, 0 given
Viaduct\Config::withHeaderTimeout(): Argument #1 ($seconds) must be between 0.01 and 86400 seconds
Viaduct\Config::withHeaderTimeout(): Argument #1 ($seconds) must be between 0.001 and 86400 seconds, 0 given
Viaduct\Config::withIdleTimeout(): Argument #1 ($seconds) must be between 0.001 and 86400 seconds, 86401 given
Viaduct\Config::withBodyTimeout(): Argument #1 ($seconds) must be between 0.01 and 86400 seconds
Viaduct\Config::withBodyTimeout(): Argument #2 ($minBytesPerSecond) must be between 1 and 1000000000, 0 given
Viaduct\Config::withMaxConnections(): Argument #1 ($connections) must be between 0 and 1000000, -1 given
Viaduct\Config::withMaxConnections(): Argument #2 ($perAddress) must be between 0 and 1000000, -1 given
Viaduct\Config::withMaxConnections(): Argument #1 ($connections) must be between 0 and 1000000, 1000001 given
Viaduct\Config::withMaxConnectionRequests(): Argument #1 ($requests) must be between 0 and 2147483647, -1 given
Viaduct\Config::withMaxQueue(): Argument #1 ($requests) must be between 1 and 1000000, 0 given
Viaduct\Config::withUploadMemory(): Argument #1 ($bytes) must be between 65536 and 1099511627776, 65535 given
Viaduct\Config::withResponseMemory(): Argument #1 ($bytes) must be between 65536 and 1099511627776, 1 given
Viaduct\Config::withMaxUploadWorkers(): Argument #1 ($workers) must be between 0 and 256, 257 given
Viaduct\Config::withPipelineBuffer(): Argument #1 ($bytes) must be between 1024 and 16777216, 1023 given
Viaduct\Config::withRequestBuffer(): Argument #1 ($bytes) must be between 4096 and 67108864, 4095 given
Viaduct\Config::withRequestBuffer(): Argument #1 ($bytes) must be between 4096 and 67108864, 67108865 given
Viaduct\Config::withResponseBuffer(): Argument #1 ($bytes) must be between 65536 and 1073741824, 65535 given
