--TEST--
max_execution_time is the script's: it does not run while the server does, for days, and runs anew afterwards
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$server = Server::start(<<<'APP'
    function compute(float $seconds): void // as the limit counts: processor time
    {
        $used = function () { $u = getrusage(); return $u['ru_utime.tv_sec'] + $u['ru_stime.tv_sec'] + ($u['ru_utime.tv_usec'] + $u['ru_stime.tv_usec']) / 1e6; };
        for ($end = $used() + $seconds; $used() < $end;) {
            continue;
        }
    }
    $app->get('/', fn() => 'served');
    set_time_limit(1);
    compute(0.7);
    register_shutdown_function(function () { compute(0.7); echo 'limit ', ini_get('max_execution_time'), "\n"; });
APP);
echo $server->get('/')->body, "\n", 'exit ', $server->stop(), "\n", $server->output();
?>
--EXPECT--
served
exit 0
after run
limit 1
