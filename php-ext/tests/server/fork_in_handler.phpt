--TEST--
A handler that forks: the child can neither answer nor publish, and ends with its handler
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$server = Server::start(<<<'APP'
    $app->get('/fork', function () use ($app) {
        $pid = pcntl_fork();
        if ($pid === 0) {
            try { $app->broadcast('x', 'from the child'); fwrite(STDERR, "child published\n"); } catch (RuntimeException $e) { fwrite(STDERR, 'child: ' . $e::class . "\n"); }
            return 'child';
        }
        pcntl_waitpid($pid, $status);
        return 'parent ' . (pcntl_wifexited($status) ? 'child ended' : 'child was killed');
    });
    $app->get('/', fn() => 'still here');
APP);
echo $server->get('/fork')->body, "\n", $server->get('/')->body, "\n";
echo 'exit ', $server->stop(), "\n";
echo implode("\n", preg_grep('/^child/', explode("\n", $server->log()))), "\n";
?>
--EXPECT--
parent child ended
still here
exit 0
child: Viaduct\Broker\Exception\BrokerException
