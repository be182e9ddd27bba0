--TEST--
RedisBroker with a credentials callable in a server: a worker is asked before each attempt; they rotate
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../redis.inc';
$vault = tempnam(sys_get_temp_dir(), 'viaduct-vault-');
register_shutdown_function(fn() => unlink($vault));
$redis = Redis::start('--requirepass', 'first-secret');
file_put_contents($vault, json_encode(['password' => 'first-secret']));
$app = <<<'APP'
    $credentials = function () {
        ob_start(); // and left open: it is in nobody's answer
        echo 'left by the vault';
        $vault = file_get_contents('VAULT');
        if ($vault === 'die') {
            file_put_contents('VAULT', json_encode(['password' => 'third-secret']));
            exec('kill -9 ' . getmypid());
        }
        return json_decode($vault, true, flags: JSON_THROW_ON_ERROR);
    };
    $config->withWorkerNum(2)->withBroker(new RedisBroker(port: PORT, credentials: $credentials, probeInterval: 0.5));
    $app->onBrokerError(fn($e) => error_log('told ' . $e::class . ' ' . $e->getMessage()));
    $app->get('/sleep', function () { error_log('sleeping'); sleep(20); });
    $app->get('/dump', fn() => print_r($config, true));
APP;
$server = Server::start(strtr($app, ['PORT' => $redis->port, 'VAULT' => $vault]));
$connected = fn() => json_decode($server->get('/_health')->body)->broker->connected;
wait_for('the link', $connected);
echo "connected\n";

// another password, while one worker is busy
$sleeper = $server->connect();
fwrite($sleeper, "GET /sleep HTTP/1.1\r\nHost: a\r\n\r\n");
$server->waitForLog('/sleeping/');
$redis->kill();
wait_for('the drop', fn() => !$connected());
file_put_contents($vault, json_encode(['password' => 'second-secret']));
$redis = $redis->with('--requirepass', 'second-secret');
wait_for('the link', $connected);
echo "rotated\n";
fclose($sleeper);

// none to be had, then a worker that dies over it
file_put_contents($vault, 'sealed');
$redis->kill();
$server->waitForLog('/told \S+AuthenticationException no credentials could be had/');
$server->waitForLog('/handler_failed.*credentials: JsonException/');
file_put_contents($vault, 'die');
$redis = $redis->with('--requirepass', 'third-secret');
wait_for('the link', $connected);
echo "after a death\n";
echo substr_count($server->get('/dump')->body, 'left by the vault'), " leftovers\n";
echo substr_count($server->log() . $server->get('/dump')->body . $server->get('/metrics')->body, 'secret'), " secrets\n";
echo $server->stop(), "\n";
?>
--EXPECT--
connected
rotated
after a death
0 leftovers
0 secrets
0
