--TEST--
A unix socket as listener: requests there, remote_addr "unix:", the file goes with the server
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$path = sys_get_temp_dir() . '/viaduct-' . getmypid() . '.sock';
$server = Server::start('$config->withListener("unix://' . $path . '?mode=0600");
    $app->get("/who", fn(Request $r) => [$r->server["remote_addr"], $r->server["remote_port"], $r->scheme]);');
printf("%o\n", fileperms($path) & 0777);
$socket = stream_socket_client("unix://$path");
fwrite($socket, "GET /who HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
echo Answer::parse(stream_get_contents($socket))->body, "\n";
echo $server->get('/who')->status, "\n";
echo 'exit ', $server->stop(), "\n";
clearstatcache();
var_dump(file_exists($path));
?>
--EXPECT--
600
["unix:",0,"http"]
200
exit 0
bool(false)
