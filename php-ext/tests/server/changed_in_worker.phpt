--TEST--
Config and App, changed in a worker: the server goes on with what it was started with
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../redis.inc';
$redis = Redis::start('--requirepass', 'secret');
$server = Server::start(strtr(<<<'APP'
    $config->withBroker(new RedisBroker(port: PORT, credentials: fn() => ['password' => 'secret']));
    $app->onBrokerError(fn($e) => fwrite(STDERR, "told\n"));
    $app->onStart(function () use ($app, $config) {
        $config->withBroker(new PipeBroker())->withHost('changed')->withStaticDir('/')->withCors(['*'])->withListener('tcp://changed:1')->withTrustedProxies()
            ->withAccessLog('off', '/dev/null')->withControlSocket(null);
        try {
            $app->__construct(new Config());
            fwrite(STDERR, "constructed anew\n");
        } catch (RuntimeException $e) {
            fwrite(STDERR, "refused: {$e->getMessage()}\n");
        }
    });
    $app->get('/', fn() => 'serves');
APP, ['PORT' => (string) $redis->port]));
$connected = fn() => json_decode($server->get('/_health')->body)->broker->connected;
wait_for('the link', $connected);
echo $server->get('/')->body, "\n";
$redis->kill();
wait_for('the drop', fn() => !$connected());
$server->waitForLog('/^told/m');
$redis->again();
wait_for('the link', $connected);
echo $server->get('/')->body, "\n";
echo 'exit ', $server->stop(), "\n";
echo implode("\n", preg_grep('/^refused|^constructed|handler_failed|worker_died/', explode("\n", $server->log()))), "\n";
?>
--EXPECT--
serves
serves
exit 0
refused: Viaduct\App::__construct() must be called before run()
