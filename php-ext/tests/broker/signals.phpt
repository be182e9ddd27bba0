--TEST--
A broker without a server: signals are handled while it waits, max_execution_time ends it
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../redis.inc';
/** SIGALRM a moment after this process has gone to sleep in the call that follows, as far as the kernel tells. */
function alarm_soon(): void
{
    $pid = getmypid();
    exec("(for i in $(seq 1000); do case $(cat /proc/$pid/wchan) in *poll*) break;; esac; sleep 0.02; done; sleep 0.2; kill -ALRM $pid) >/dev/null 2>&1 &");
}
pcntl_async_signals(true);
$redis = Redis::start();
$broker = $redis->broker();
$broker->connect(DEADLINE_S);
$ticks = 0;
pcntl_signal(SIGALRM, function () use (&$ticks) { $ticks++; });
alarm_soon();
$begun = microtime(true);
$count = $broker->poll(DEADLINE_S);
echo "$count messages, $ticks signals, ", microtime(true) - $begun < 20 ? 'in time' : 'TOO LATE', "\n";

pcntl_signal(SIGALRM, function () { throw new DomainException('alarm'); });
alarm_soon();
echo thrown(fn() => $broker->poll(DEADLINE_S));
$redis->signal(SIGSTOP);
alarm_soon();
echo thrown(fn() => $broker->publish('a', timeout: DEADLINE_S));
$redis->signal(SIGCONT);
pcntl_signal(SIGALRM, fn() => $broker->close());
alarm_soon();
echo thrown(fn() => $broker->poll(DEADLINE_S));

// without async signals: poll() returns, and the script looks for itself
pcntl_async_signals(false);
pcntl_signal(SIGALRM, function () use (&$ticks) { $ticks++; });
$broker->connect(DEADLINE_S);
alarm_soon();
$begun = microtime(true);
$broker->poll(DEADLINE_S);
pcntl_signal_dispatch();
echo "$ticks signals, ", microtime(true) - $begun < 20 ? 'in time' : 'TOO LATE', "\n";

// max_execution_time counts processor time; here it is used up by handlers
$code = <<<'CODE'
    $broker = new Viaduct\Broker\RedisBroker('127.0.0.1', (int) $argv[1]);
    $broker->subscribe('*', fn() => hash_pbkdf2('sha256', 'a', 'b', 20000));
    $other = new Viaduct\Broker\RedisBroker('127.0.0.1', (int) $argv[1]);
    $broker->connect(30);
    set_time_limit(1);
    while (true) { $other->publish('a', timeout: 30); $broker->poll(0); }
    CODE;
$so = getenv('VIADUCT_SO') ?: 'viaduct';
exec(escapeshellarg(PHP_BINARY) . " -n -d extension=$so -d display_errors=1 -d html_errors=0 -r " . escapeshellarg($code) . " -- $redis->port", $lines);
echo strtok(trim(implode("\n", $lines)), '('), "\n";
?>
--EXPECT--
0 messages, 1 signals, in time
DomainException: alarm
DomainException: alarm
Viaduct\Broker\Exception\BrokerException: The RedisBroker was closed meanwhile
2 signals, in time
Fatal error: Maximum execution time of 1 second exceeded in Command line code on line 2
