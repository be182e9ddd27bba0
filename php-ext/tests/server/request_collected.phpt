--TEST--
A Request in a cycle: the collector reads no body and parses no form
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$server = Server::start(<<<'APP'
    function in_a_cycle(Request $r): void
    {
        $cycle = new stdClass();
        $cycle->self = $cycle;
        $cycle->request = $r;
    }
    $app->post('/', function (Request $r) {
        in_a_cycle($r);
        $before = memory_get_usage();
        $collected = gc_collect_cycles();
        $little = memory_get_usage() - $before < 100_000;
        return [$collected, $little, strlen(stream_get_contents($r->bodyStream())), $r->body];
    });
    $app->post('/read', function (Request $r) { // what was read and goes away with the cycle
        $length = strlen($r->body);
        (array) $r;
        in_a_cycle($r);
        return [$length, gc_collect_cycles(), strlen($r->body)];
    });
APP);
echo $server->post('/', str_repeat('x', 5_000_000))->body, "\n";
echo $server->post('/read', str_repeat('x', 5_000_000))->body, "\n";
echo $server->post('/', "--b\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\nv\r\n--b--\r\n", ['Content-Type' => 'multipart/form-data; boundary=b'])->body, "\n";
echo 'exit ', $server->stop(), "\n";
?>
--EXPECT--
[1,true,5000000,""]
[5000000,1,5000000]
[1,true,59,""]
exit 0
