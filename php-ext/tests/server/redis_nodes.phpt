--TEST--
RedisBroker in a server: two nodes and a plain script are one; onBrokerError() gets typed exceptions, once a node
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../redis.inc';
$redis = Redis::start('--requirepass', 'hunter2');
$app = <<<'APP'
    $config->withWorkerNum(2)->withBroker(new RedisBroker(port: PORT, password: 'hunter2'));
    $told = fn(string $who) => function (Viaduct\Broker\Exception\BrokerException $e) use ($who) {
        fprintf(STDERR, "%s %s %s %d %s %s\n", $who, $e::class, $e->driver, $e->attempt, json_encode($e->nextDelay > 0), json_encode($e->mayArrive));
    };
    $config->onBrokerError($told('config'));
    $app->onBrokerError($told('app'));
    $app->stream('/events', fn() => 'room:*');
    $app->post('/say', fn(Request $r) => [$app->broadcast('room:lobby', $r->body), 204][1]);
    $app->post('/publish', function (Request $r) {  // a link of the worker's own
        static $broker;
        $broker ??= new RedisBroker(port: PORT, password: 'hunter2');
        $broker->publish('room:lobby', $r->body, timeout: 20);
        return 204;
    });
    $config->withDevMode();
APP;
$app = str_replace('PORT', (string) $redis->port, $app);
$one = Server::start($app);
$two = Server::start($app);
$health = fn(Server $server) => json_decode($server->get('/_health')->body)->broker;
foreach ([$one, $two] as $server) {
    wait_for('the link', fn() => $health($server)->connected);
}
echo $health($one)->driver, "\n";
[$here, $there] = [$one->stream('/events'), $two->stream('/events')];
echo $one->post('/say', 'from a worker')->status, "\n";
echo json_encode([$here->next(), $there->next()]), "\n";
echo $one->post('/publish', 'from its own link')->status, "\n";
echo json_encode([$here->next(), $there->next()]), "\n";
$redis->broker(password: 'hunter2')->publish('room:x', ['from' => 'a script'], 'news', DEADLINE_S);
echo json_encode([$here->next(), $there->next()]), "\n";
$redis->kill();
foreach ([$one, $two] as $server) {
    $server->waitForLog('/^app .*RedisBroker 1/m');
    preg_match_all('/^(config|app) \S+ RedisBroker 1 .*$/m', $server->log(), $lines);
    echo implode(' | ', $lines[0]), "\n";
    echo $server->get('/_health')->status, ' ', json_encode($health($server)->connected), "\n";
}
echo substr_count($one->log() . $two->log() . $one->get('/_health')->body . $one->get('/metrics')->body, 'hunter2'), " secrets\n";
echo $one->stop(), $two->stop(), "\n";
?>
--EXPECT--
RedisBroker
204
[["message","from a worker"],["message","from a worker"]]
204
[["message","from its own link"],["message","from its own link"]]
[["news","{\"from\":\"a script\"}"],["news","{\"from\":\"a script\"}"]]
config Viaduct\Broker\Exception\ConnectionException RedisBroker 1 true false | app Viaduct\Broker\Exception\ConnectionException RedisBroker 1 true false
503 false
config Viaduct\Broker\Exception\ConnectionException RedisBroker 1 true false | app Viaduct\Broker\Exception\ConnectionException RedisBroker 1 true false
503 false
0 secrets
00
