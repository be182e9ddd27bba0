--TEST--
NatsBroker in a server, its token from a callable: the app's nodes are one, a rotated token is asked for
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../nats.inc';
$vault = tempnam(sys_get_temp_dir(), 'viaduct-vault-');
register_shutdown_function(fn() => unlink($vault));
file_put_contents($vault, 'first-secret');
$nats = Nats::start('--auth', 'first-secret');
$app = <<<'APP'
    $config->withWorkerNum(2)->withBroker(new NatsBroker(port: PORT, credentials: fn() => ['authToken' => file_get_contents('VAULT')], probeInterval: 0.5));
    $app->stream('/events', fn() => 'room:*');
    $app->post('/say', fn(Request $r) => [$app->broadcast('room:lobby', $r->body), 204][1]);
APP;
$app = strtr($app, ['PORT' => $nats->port, 'VAULT' => $vault]);
[$one, $two] = [Server::start($app), Server::start($app)];
$connected = fn(Server $server) => fn() => json_decode($server->get('/_health')->body)->broker->connected;
wait_for('the link', $connected($one));
wait_for('the link', $connected($two));
$there = $two->stream('/events');
echo $one->post('/say', 'hello')->status, ' ', json_encode($there->next()), "\n";
$nats->kill();
wait_for('the drop', fn() => !$connected($one)());
file_put_contents($vault, 'second-secret');
$nats = $nats->with('--auth', 'second-secret');
wait_for('the link', $connected($one));
wait_for('the link', $connected($two));
echo $one->post('/say', 'rotated')->status, "\n";
while (($event = $there->next())[0] === 'gap') {
    continue;
}
echo json_encode($event), "\n";
echo substr_count($one->log() . $two->log(), 'secret'), " secrets\n";
echo $one->stop(), $two->stop(), "\n";
?>
--EXPECT--
204 ["message","hello"]
204
["message","rotated"]
0 secrets
00
