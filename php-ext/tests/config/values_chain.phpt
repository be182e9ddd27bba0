--TEST--
Config: every setting, fluent and mutating, and shown by var_dump
--EXTENSIONS--
viaduct
--FILE--
<?php
use Viaduct\Config;
use Viaduct\Broker\{InMemoryBroker, PipeBroker};
var_dump(new Config());
$c = new Config();
var_dump($c === $c->withHost('::')->withPort(0)->withWorkerNum(4)->withBroker(new PipeBroker())
    ->withGlobalStateTableSize(2048, 8192)->withDevMode()->withLogLevel('warn')->withRequestTimeout(0.25)
    ->withMaxRequests(500)->withDrainTimeout(3)->withMaxBodySize(1000)->withHeartbeat(5.5)->withRetry(2)
    ->withHistory(10, 1.5)->onBrokerError(fn(Throwable $e) => null));
var_dump($c);
$c->withDevMode(false)->withGlobalStateTableSize()->withHistory()->withBroker(new InMemoryBroker());
$c->withGlobalStateTableSize(maxRows: 5, maxValueBytes: 6)->withHistory(seconds: 7);
var_dump($c);
?>
--EXPECTF--
object(Viaduct\Config)#%d (49) {
  ["host"]=>
  string(9) "127.0.0.1"
  ["port"]=>
  int(3000)
  ["workers"]=>
  int(1)
  ["broker"]=>
  string(14) "InMemoryBroker"
  ["globalStateMaxRows"]=>
  int(1024)
  ["globalStateMaxValueBytes"]=>
  int(4096)
  ["devMode"]=>
  bool(false)
  ["logLevel"]=>
  string(4) "info"
  ["requestTimeout"]=>
  float(30)
  ["maxRequests"]=>
  int(0)
  ["drainTimeout"]=>
  float(10)
  ["maxBodySize"]=>
  int(8388608)
  ["lineBytes"]=>
  int(8192)
  ["headerBytes"]=>
  int(32768)
  ["headerCount"]=>
  int(100)
  ["headerTimeout"]=>
  float(10)
  ["bodyTimeout"]=>
  float(30)
  ["minBytesPerSecond"]=>
  int(500)
  ["idleTimeout"]=>
  float(60)
  ["maxConnections"]=>
  int(0)
  ["maxConnectionsPerAddress"]=>
  int(0)
  ["maxConnectionRequests"]=>
  int(0)
  ["maxQueue"]=>
  int(4096)
  ["uploadMemory"]=>
  int(268435456)
  ["responseMemory"]=>
  int(268435456)
  ["maxUploadWorkers"]=>
  int(0)
  ["pipelineBuffer"]=>
  int(65536)
  ["requestBuffer"]=>
  int(1048576)
  ["responseBuffer"]=>
  int(1048576)
  ["staticDirectory"]=>
  NULL
  ["staticPrefix"]=>
  string(1) "/"
  ["staticMaxAge"]=>
  int(0)
  ["listeners"]=>
  array(0) {
  }
  ["trustedProxies"]=>
  array(0) {
  }
  ["forwardedHeaders"]=>
  string(3) "any"
  ["accessLog"]=>
  string(3) "off"
  ["accessLogTo"]=>
  int(1)
  ["accessLogQuery"]=>
  bool(false)
  ["requestIdHeader"]=>
  bool(true)
  ["controlSocket"]=>
  string(7) "default"
  ["compression"]=>
  bool(true)
  ["compressionMinBytes"]=>
  int(1024)
  ["compressionLevel"]=>
  int(4)
  ["compressStreams"]=>
  bool(false)
  ["cors"]=>
  NULL
  ["heartbeat"]=>
  float(15)
  ["retry"]=>
  float(1)
  ["historyMessagesPerScope"]=>
  int(1000)
  ["historySeconds"]=>
  float(300)
}
bool(true)
object(Viaduct\Config)#%d (49) {
  ["host"]=>
  string(2) "::"
  ["port"]=>
  int(0)
  ["workers"]=>
  int(4)
  ["broker"]=>
  string(10) "PipeBroker"
  ["globalStateMaxRows"]=>
  int(2048)
  ["globalStateMaxValueBytes"]=>
  int(8192)
  ["devMode"]=>
  bool(true)
  ["logLevel"]=>
  string(4) "warn"
  ["requestTimeout"]=>
  float(0.25)
  ["maxRequests"]=>
  int(500)
  ["drainTimeout"]=>
  float(3)
  ["maxBodySize"]=>
  int(1000)
  ["lineBytes"]=>
  int(8192)
  ["headerBytes"]=>
  int(32768)
  ["headerCount"]=>
  int(100)
  ["headerTimeout"]=>
  float(10)
  ["bodyTimeout"]=>
  float(30)
  ["minBytesPerSecond"]=>
  int(500)
  ["idleTimeout"]=>
  float(60)
  ["maxConnections"]=>
  int(0)
  ["maxConnectionsPerAddress"]=>
  int(0)
  ["maxConnectionRequests"]=>
  int(0)
  ["maxQueue"]=>
  int(4096)
  ["uploadMemory"]=>
  int(268435456)
  ["responseMemory"]=>
  int(268435456)
  ["maxUploadWorkers"]=>
  int(0)
  ["pipelineBuffer"]=>
  int(65536)
  ["requestBuffer"]=>
  int(1048576)
  ["responseBuffer"]=>
  int(1048576)
  ["staticDirectory"]=>
  NULL
  ["staticPrefix"]=>
  string(1) "/"
  ["staticMaxAge"]=>
  int(0)
  ["listeners"]=>
  array(0) {
  }
  ["trustedProxies"]=>
  array(0) {
  }
  ["forwardedHeaders"]=>
  string(3) "any"
  ["accessLog"]=>
  string(3) "off"
  ["accessLogTo"]=>
  int(1)
  ["accessLogQuery"]=>
  bool(false)
  ["requestIdHeader"]=>
  bool(true)
  ["controlSocket"]=>
  string(7) "default"
  ["compression"]=>
  bool(true)
  ["compressionMinBytes"]=>
  int(1024)
  ["compressionLevel"]=>
  int(4)
  ["compressStreams"]=>
  bool(false)
  ["cors"]=>
  NULL
  ["heartbeat"]=>
  float(5.5)
  ["retry"]=>
  float(2)
  ["historyMessagesPerScope"]=>
  int(10)
  ["historySeconds"]=>
  float(1.5)
}
object(Viaduct\Config)#%d (49) {
  ["host"]=>
  string(2) "::"
  ["port"]=>
  int(0)
  ["workers"]=>
  int(4)
  ["broker"]=>
  string(14) "InMemoryBroker"
  ["globalStateMaxRows"]=>
  int(5)
  ["globalStateMaxValueBytes"]=>
  int(6)
  ["devMode"]=>
  bool(false)
  ["logLevel"]=>
  string(4) "warn"
  ["requestTimeout"]=>
  float(0.25)
  ["maxRequests"]=>
  int(500)
  ["drainTimeout"]=>
  float(3)
  ["maxBodySize"]=>
  int(1000)
  ["lineBytes"]=>
  int(8192)
  ["headerBytes"]=>
  int(32768)
  ["headerCount"]=>
  int(100)
  ["headerTimeout"]=>
  float(10)
  ["bodyTimeout"]=>
  float(30)
  ["minBytesPerSecond"]=>
  int(500)
  ["idleTimeout"]=>
  float(60)
  ["maxConnections"]=>
  int(0)
  ["maxConnectionsPerAddress"]=>
  int(0)
  ["maxConnectionRequests"]=>
  int(0)
  ["maxQueue"]=>
  int(4096)
  ["uploadMemory"]=>
  int(268435456)
  ["responseMemory"]=>
  int(268435456)
  ["maxUploadWorkers"]=>
  int(0)
  ["pipelineBuffer"]=>
  int(65536)
  ["requestBuffer"]=>
  int(1048576)
  ["responseBuffer"]=>
  int(1048576)
  ["staticDirectory"]=>
  NULL
  ["staticPrefix"]=>
  string(1) "/"
  ["staticMaxAge"]=>
  int(0)
  ["listeners"]=>
  array(0) {
  }
  ["trustedProxies"]=>
  array(0) {
  }
  ["forwardedHeaders"]=>
  string(3) "any"
  ["accessLog"]=>
  string(3) "off"
  ["accessLogTo"]=>
  int(1)
  ["accessLogQuery"]=>
  bool(false)
  ["requestIdHeader"]=>
  bool(true)
  ["controlSocket"]=>
  string(7) "default"
  ["compression"]=>
  bool(true)
  ["compressionMinBytes"]=>
  int(1024)
  ["compressionLevel"]=>
  int(4)
  ["compressStreams"]=>
  bool(false)
  ["cors"]=>
  NULL
  ["heartbeat"]=>
  float(5.5)
  ["retry"]=>
  float(2)
  ["historyMessagesPerScope"]=>
  int(1000)
  ["historySeconds"]=>
  float(7)
}
