--TEST--
Request: long bodies stream: uploads go to files through flat memory, half a body is an exception
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$server = Server::start(<<<'APP'
    $config->withMaxBodySize(256 << 20);
    $app->post('/upload', function (Request $r) {
        $before = memory_get_peak_usage();
        $file = $r->files['f'];
        return [$file['size'], md5_file($file['tmp_name']), $r->post, strlen($r->body), memory_get_peak_usage() - $before < 1 << 20];
    });
    $app->post('/body', fn(Request $r) => [strlen($r->body), md5($r->body), $r->post]);
    $app->post('/both', fn(Request $r) => [strlen($r->body), $r->files['f']['size']]);
    $app->post('/unread', fn() => 'not read');
    $app->post('/caught', function (Request $r) {
        try {
            error_log('whole: ' . strlen($r->body));
        } catch (RuntimeException $e) {
            error_log('caught: ' . $e->getMessage());
        }
        return 204;
    });
APP, ['upload_max_filesize' => '64M', 'post_max_size' => '64M']);
$content = random_bytes(1 << 20);
$content = str_repeat($content, 20);
$form = ['Content-Type' => 'multipart/form-data; boundary=XX'];
$body = "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"big\"\r\n\r\n$content\r\n--XX--\r\n";
$expected = json_encode([strlen($content), md5($content), ['a' => '1'], 0, true]);
echo $server->post('/upload', $body, $form)->body === $expected ? "uploaded\n" : "wrong\n";
echo $server->post('/both', $body, $form)->body === json_encode([strlen($body), strlen($content)]) ? "both\n" : "not both\n";
$text = substr($body, 0, 3_000_000);
echo $server->post('/body', $text)->body === json_encode([strlen($text), md5($text), []]) ? "read\n" : "wrong\n";
$fields = 'x=' . str_repeat('y', 100_000);
[, , $post] = json_decode($server->post('/body', $fields, ['Content-Type' => 'application/x-www-form-urlencoded'])->body, true);
echo strlen($post['x']), "\n";
echo $server->post('/unread', $text)->body, "\n";

$socket = $server->connect();
fwrite($socket, "POST /caught HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n" . str_repeat('z', 2_000_000));
fclose($socket);
wait_for('the exception', fn() => str_contains($server->log(), 'caught: '));
echo preg_match('/(caught|whole): .*/', $server->log(), $m) ? "$m[0]\n" : '';
echo $server->post('/body', 'k')->status, "\n";
echo 'exit ', $server->stop(), "\n";
?>
--EXPECT--
uploaded
both
read
100000
not read
caught: The client left before the whole request body had arrived
200
exit 0
