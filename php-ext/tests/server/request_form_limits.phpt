--TEST--
Forms: the limits of php.ini do what they do in PHP, a form that is too large is a 413, the log says what was left out
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$app = <<<'APP'
    $config->withMaxBodySize(16 << 20);
    set_error_handler(function ($n, $text) { throw new ErrorException("user's handler: $text"); });
    $app->post('/form', function (Request $r) {
        return [$r->post, array_map(fn($f) => [$f['name'], $f['error'], $f['size']], $r->files)];
    });
    $app->post('/caught', function (Request $r) {
        $told = [];
        foreach (['post', 'files', 'post'] as $name) {
            try {
                $told[] = $r->$name;
            } catch (Viaduct\HttpException $e) {
                $told[] = $e->getCode() . get_debug_type($e->getPrevious());
            }
        }
        return $told;
    });
    $app->post('/unread', fn() => 'not looked at');
    $app->post('/kept', function (Request $r) { static $kept; $kept = $r; return 'kept'; });
    $app->post('/fatal', function (Request $r) {
        error_log('temporary: ' . $r->files['f0']['tmp_name']);
        ini_set('memory_limit', '8M');
        return str_repeat('x', 1 << 26);
    });
APP;
$limits = ['upload_max_filesize' => '2K', 'post_max_size' => '100K', 'max_file_uploads' => '3', 'max_input_vars' => '4', 'max_multipart_body_parts' => '6'];
$server = Server::start($app, $limits);
$form = ['Content-Type' => 'multipart/form-data; boundary=XX'];
$field = fn($name, $text) => "--XX\r\nContent-Disposition: form-data; name=\"$name\"\r\n\r\n$text\r\n";
$file = fn($name, $text) => "--XX\r\nContent-Disposition: form-data; name=\"$name\"; filename=\"$name.txt\"\r\n\r\n$text\r\n";
$some = fn($part, $n, $text = 't') => implode('', array_map(fn($i) => $part(($part === $GLOBALS['field'] ? 'v' : 'f') . $i, $text), range(0, $n - 1)));
$show = function (string $what, Answer $a) { echo "$what: $a->status $a->body\n"; };
$send = function (string $path, string $body) use (&$server, $form) { return $server->post($path, "$body--XX--\r\n", $form); };

$show('in the limits', $send('/form', $some($field, 3) . $some($file, 3)));
$show('upload_max_filesize', $send('/form', $file('f0', str_repeat('x', 2048)) . $file('f1', str_repeat('x', 2049)) . $file('f2', 'x')));
$show('max_file_uploads', $send('/form', $some($file, 5)));
$show('max_input_vars', $send('/form', $some($field, 6)));
$show('max_input_vars, urlencoded', $server->post('/form', ['a' => 1, 'b' => 1, 'c' => 1, 'd' => 1, 'e' => 1]));
$show('max_multipart_body_parts', $send('/form', $some($field, 4) . $some($file, 3)));
$show('no boundary', $server->post('/form', 'x', ['Content-Type' => 'multipart/form-data']));
$large = $some($field, 2, str_repeat('y', 60_000));
$show('post_max_size', $send('/form', $large));
$show('post_max_size, caught', $send('/caught', $large));
$show('post_max_size, not looked at', $send('/unread', $large));
$show('post_max_size, kept', $send('/kept', $large));
$show('post_max_size, urlencoded', $server->post('/form', ['a' => str_repeat('y', 110_000)]));
$show('not a form', $server->post('/form', str_repeat('y', 110_000), ['Content-Type' => 'text/plain']));
$chunked = function (string $path, string $body, string $type) use ($server) {
    $socket = $server->connect();
    fwrite($socket, "POST $path HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: $type\r\nTransfer-Encoding: chunked\r\n\r\n");
    foreach (str_split($body, 10_000) as $chunk) {
        fwrite($socket, dechex(strlen($chunk)) . "\r\n$chunk\r\n");
    }
    fwrite($socket, "0\r\n\r\n");
    return Answer::parse(stream_get_contents($socket));
};
$show('chunked', $chunked('/form', $file('f', 'chunked') . '--XX--', $form['Content-Type']));
$show('chunked, too large', $chunked('/form', $file('f', 'x') . "$large--XX--", $form['Content-Type']));
$show('chunked, caught', $chunked('/caught', $file('f', 'x') . "$large--XX--", $form['Content-Type']));
$show('chunked, urlencoded', $chunked('/form', 'a=' . str_repeat('y', 110_000), 'application/x-www-form-urlencoded'));
echo 'fatal: ', $send('/fatal', $file('f0', 'of a request that dies'))->status, "\n";
$server->waitForLog('/temporary: /');
preg_match('/temporary: (\S+)/', $server->log(), $m);
wait_for("$m[1] to go", fn() => !file_exists($m[1]));
echo 'exit ', $server->stop(), "\n";
// PHP 8.4 says these as ordinary warnings
$log = preg_replace('/PHP Warning: .*: ((?:Maximum number of allow|Missing bound).*) in \S+ on line \d+/', 'form_limited: POST /form: $1', $server->log());
preg_match_all('/form_limited: .*/', $log, $m);
echo implode("\n", array_unique($m[0])), "\n";
echo substr_count($server->log(), 'max_input_vars in php.ini'), ' ', substr_count($server->log(), 'max_multipart_body_parts in php.ini'), ' ', substr_count($server->log(), "user's handler"), "\n";

$server = Server::start($app, ['file_uploads' => '0', 'post_max_size' => '0']);
$show('file_uploads=0', $send('/form', $field('v', 't') . $file('f', 'x')));
$show('post_max_size=0', $send('/form', $field('v', str_repeat('y', 200_000)))->status === 200 ? Answer::parse("HTTP/1.1 200 OK\r\nA: b\r\n\r\nno limit") : new Answer());
echo 'exit ', $server->stop(), "\n";
?>
--EXPECT--
in the limits: 200 [{"v0":"t","v1":"t","v2":"t"},{"f0":["f0.txt",0,1],"f1":["f1.txt",0,1],"f2":["f2.txt",0,1]}]
upload_max_filesize: 200 [[],{"f0":["f0.txt",0,2048],"f1":["f1.txt",1,0],"f2":["f2.txt",0,1]}]
max_file_uploads: 200 [[],{"f0":["f0.txt",0,1],"f1":["f1.txt",0,1],"f2":["f2.txt",0,1]}]
max_input_vars: 200 [{"v0":"t","v1":"t","v2":"t","v3":"t"},[]]
max_input_vars, urlencoded: 200 [{"a":"1","b":"1","c":"1","d":"1"},[]]
max_multipart_body_parts: 200 [{"v0":"t","v1":"t","v2":"t","v3":"t"},{"f0":["f0.txt",0,1],"f1":["f1.txt",0,1]}]
no boundary: 200 [[],[]]
post_max_size: 413 Content Too Large
post_max_size, caught: 200 ["413null","413null","413null"]
post_max_size, not looked at: 200 not looked at
post_max_size, kept: 200 kept
post_max_size, urlencoded: 413 Content Too Large
not a form: 200 [[],[]]
chunked: 200 [[],{"f":["f.txt",0,7]}]
chunked, too large: 413 Content Too Large
chunked, caught: 200 ["413null","413null","413null"]
chunked, urlencoded: 413 Content Too Large
fatal: 500
exit 0
form_limited: POST /form: Maximum number of allowable file uploads has been exceeded
form_limited: POST /form: Missing boundary in multipart/form-data POST data
form_limited: POST /form: the form is larger than php.ini's post_max_size (102400 bytes)
form_limited: POST /caught: the form is larger than php.ini's post_max_size (102400 bytes)
2 1 0
file_uploads=0: 200 [{"v":"t"},[]]
post_max_size=0: 200 no limit
exit 0
