--TEST--
Request::bodyStream(): a PHP stream over the body as it comes
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$server = Server::start(<<<'APP'
    $config->withMaxBodySize(256 << 20);
    $app->post('/hash', function (Request $r) {
        $before = memory_get_peak_usage();
        $stream = $r->bodyStream();
        $hash = hash_init('md5');
        $sizes = [];
        while (!feof($stream)) {
            $piece = fread($stream, 100_000);
            $sizes[strlen($piece)] = ($sizes[strlen($piece)] ?? 0) + 1;
            hash_update($hash, $piece);
        }
        return [hash_final($hash), $sizes, fread($stream, 10), memory_get_peak_usage() - $before < 1 << 20];
    });
    $app->post('/lines', function (Request $r) {
        $stream = $r->bodyStream();
        $first = fgets($stream);
        $second = stream_get_line($stream, 100, ';');
        return [$first, $second, fread($stream, 3), stream_get_contents($stream), feof($stream), fseek($stream, 0), @fwrite($stream, 'x')];
    });
    $app->post('/copy', function (Request $r) {
        $file = tmpfile();
        return [stream_copy_to_stream($r->bodyStream(), $file), md5_file(stream_get_meta_data($file)['uri'])];
    });
    $app->post('/rest', function (Request $r) {
        $first = fread($r->bodyStream(), 4);
        return [$first, strlen($r->body), stream_get_contents($r->bodyStream()) === $r->body, substr($r->body, -3)];
    });
    $app->post('/read-before', fn(Request $r) => [strlen($r->body), strlen(stream_get_contents($r->bodyStream()))]);
    $app->post('/keep', function (Request $r) use (&$kept, &$request) { $kept = $r->bodyStream(); $request = $r; return [fread($kept, 2)]; });
    $app->post('/kept', function (Request $r) use (&$kept, &$request) {
        $stream = $request->bodyStream();
        return [fread($kept, 2), feof($kept), stream_get_contents($stream), $r->body];
    });
    $app->get('/none', fn(Request $r) => [stream_get_contents($r->bodyStream()), feof($r->bodyStream())]);
    $app->post('/half', function (Request $r) {
        $length = 0;
        $stream = $r->bodyStream();
        try {
            while (!feof($stream)) {
                $length += strlen(fread($stream, 65536));
            }
            error_log("took $length bytes for the whole");
        } catch (RuntimeException $e) {
            error_log('caught: ' . $e->getMessage() . ' ' . json_encode([$length > 0, feof($stream)]));
        }
        return 204;
    });
APP);
$short = "first line\nsecond;third and more";
$long = str_repeat(random_bytes(1 << 16), 100) . 'end';
foreach ([$short, $long] as $body) {
    [$hash, $sizes, $after, $little] = json_decode($server->post('/hash', $body)->body, true);
    echo $hash === md5($body) ? 'right' : 'WRONG', ' ', json_encode($sizes), ' ', json_encode([$after, $little]), "\n";
    echo $server->post('/copy', $body)->body === json_encode([strlen($body), md5($body)]) ? "copied\n" : "WRONG\n";
    echo json_encode(json_decode($server->post('/read-before', $body)->body) === [strlen($body), strlen($body)]), "\n";
}
echo $server->post('/lines', $short)->body, "\n";
echo $server->post('/lines', "$short\n" . str_repeat("\n", 70_000))->status, "\n";
echo $server->post('/rest', $short)->body, "\n";
echo $server->post('/rest', 'head' . str_repeat('.', 100_000) . 'end')->body, "\n";
foreach ([$short, $long] as $body) {
    echo strlen(json_encode(bin2hex($server->post('/keep', $body)->body))) > 4 ? 'kept ' : '', $server->post('/kept', 'of the next')->body, "\n";
}
echo $server->get('/none')->body, "\n";
$socket = $server->connect();
fwrite($socket, "POST /half HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n" . str_repeat('z', 2_000_000));
fclose($socket);
wait_for('the exception', fn() => preg_match('/(caught: |took ).*/', $server->log(), $m) ? print("$m[0]\n") : null);
echo 'exit ', $server->stop(), "\n";
?>
--EXPECT--
right {"32":1} ["",true]
copied
true
right {"100000":65,"53603":1} ["",true]
copied
true
["first line\n","second","thi","rd and more",true,-1,false]
200
["firs",28,true,"ore"]
["head",100003,true,"end"]
kept ["",true,"rst line\nsecond;third and more","of the next"]
kept ["",true,"","of the next"]
["",false]
caught: The client left before the whole request body had arrived [true,true]
exit 0
