--TEST--
Request: multipart forms and uploaded files, by PHP's own rules; temporary files do not stay
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$target = tempnam(sys_get_temp_dir(), 'viaduct-moved-');
$folder = "$target.uploads"; // nobody else's are in it
mkdir($folder);
$server = Server::start("\$target = '$target';" . <<<'APP'
    $app->post('/upload', function (Request $r) {
        $files = $r->files;
        array_walk_recursive($files, function (&$v, $k) { if (is_string($v) && str_contains($v, '/php')) { $v = is_uploaded_file($v) ? file_get_contents($v) : 'NOT UPLOADED'; } });
        return [$r->post, $files];
    });
    $app->post('/name', fn(Request $r) => $r->files['f']['tmp_name']);
    $app->post('/move', fn(Request $r) => [move_uploaded_file($r->files['f']['tmp_name'], $target), $r->post]);
    $app->post('/ignored', fn(Request $r) => (string) strlen($r->body));
    $app->get('/globals', fn() => [$_POST, $_FILES]);
APP, ['upload_max_filesize' => '1K', 'upload_tmp_dir' => $folder]);
$form = ['Content-Type' => 'multipart/form-data; boundary=XX'];
$part = fn($disposition, $content, $type = '') => "--XX\r\nContent-Disposition: form-data; $disposition\r\n" . ($type ? "Content-Type: $type\r\n" : '') . "\r\n$content\r\n";
$body = $part('name="field"', 'välue') . $part('name="list[]"', '1') . $part('name="list[]"', '2')
    . $part('name="f"; filename="a.txt"', "bytes\0of a", 'text/plain')
    . $part('name="many[x]"; filename="b.bin"', 'b') . $part('name="big"; filename="big"', str_repeat('x', 2000))
    . $part('name="none"; filename=""', '') . "--XX--\r\n";
$answer = $server->post('/upload', $body, $form);
[$post, $files] = json_decode($answer->body, true);
echo json_encode($post, JSON_UNESCAPED_UNICODE), "\n";
foreach ($files as $name => $file) {
    unset($file['full_path']);
    echo "$name: ", json_encode($file), "\n";
}
$name = $server->post('/name', $body, $form)->body;
wait_for("$name to go", fn() => !file_exists($name));
echo dirname($name) === $folder ? "gone\n" : "$name?\n";
echo $server->post('/move', $body, $form)->body, ' ', json_encode(file_get_contents($target)), "\n";
echo $server->post('/ignored', $body, $form)->body === (string) strlen($body) ? "body\n" : "no body\n";
echo $server->post('/upload', 'no boundary here', ['Content-Type' => 'multipart/form-data'])->body, "\n";
echo $server->post('/upload', substr($body, 0, 100), $form)->status, "\n";
echo $server->get('/globals')->body, "\n";
echo 'exit ', $server->stop(), "\n";
unlink($target);
echo rmdir($folder) ? "nothing left\n" : "left: " . implode(' ', glob("$folder/*")) . "\n";
?>
--EXPECT--
{"field":"välue","list":["1","2"]}
f: {"name":"a.txt","type":"text\/plain","tmp_name":"bytes\u0000of a","error":0,"size":10}
many: {"name":{"x":"b.bin"},"type":{"x":""},"tmp_name":{"x":"b"},"error":{"x":0},"size":{"x":1}}
big: {"name":"big","type":"","tmp_name":"","error":1,"size":0}
none: {"name":"","type":"","tmp_name":"","error":4,"size":0}
gone
[true,{"field":"välue","list":["1","2"]}] "bytes\u0000of a"
body
[[],[]]
200
[[],[]]
exit 0
nothing left
