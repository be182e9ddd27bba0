--TEST--
A broker without a server: TLS with a CA of one's own, the wrong one, none, and a client certificate
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../redis.inc';
use Viaduct\Broker\RedisBroker;
$dir = sys_get_temp_dir() . '/viaduct-tls-' . getmypid();
mkdir($dir);
register_shutdown_function(function () use ($dir) { array_map(unlink(...), glob("$dir/*")); rmdir($dir); });
file_put_contents("$dir/cnf", "[req]\ndistinguished_name=dn\n[dn]\n[ca]\nbasicConstraints=critical,CA:TRUE\n[host]\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n[other]\nsubjectAltName=DNS:redis.internal\n");
/** A certificate and its key, as $dir/$name.pem and .key. */
function certify(string $name, string $extensions, ?string $ca): void
{
    global $dir;
    $options = ['config' => "$dir/cnf", 'digest_alg' => 'sha256', 'private_key_bits' => 2048, 'private_key_type' => OPENSSL_KEYTYPE_EC, 'curve_name' => 'prime256v1', 'x509_extensions' => $extensions];
    $key = openssl_pkey_new($options);
    $request = openssl_csr_new(['commonName' => $name], $key, $options);
    $certificate = openssl_csr_sign($request, $ca ? file_get_contents("$dir/$ca.pem") : null, $ca ? file_get_contents("$dir/$ca.key") : $key, 2, $options, random_int(1, 1 << 30));
    openssl_x509_export_to_file($certificate, "$dir/$name.pem");
    openssl_pkey_export_to_file($key, "$dir/$name.key", null, $options);
}
certify('ca', 'ca', null);
certify('stranger', 'ca', null);
certify('server', 'host', 'ca');
certify('client', 'host', 'ca');
certify('other', 'other', 'ca');
/** A server that speaks TLS only; its port. */
function serve(string $certificate, string $clients): int
{
    global $dir;
    Redis::start('--port', '0', '--tls-port', $port = (string) free_port(), '--tls-cert-file', "$dir/$certificate.pem", '--tls-key-file', "$dir/$certificate.key",
        '--tls-ca-cert-file', "$dir/ca.pem", '--tls-auth-clients', $clients);
    return (int) $port;
}
$port = serve('server', 'no');
$strict = serve('server', 'yes');
$other = serve('other', 'no');
function attempt(string $what, mixed ...$arguments): void
{
    echo "$what: ", preg_replace(['/:\d+:/', '/TLS failed: .* required|the server closed .* client certificate/'], [':PORT:', 'A CERTIFICATE IS WANTED'], thrown(fn() => (new RedisBroker(...$arguments, tls: true))->publish('a', timeout: DEADLINE_S)));
}
attempt('own CA', host: '127.0.0.1', port: $port, tlsCaFile: "$dir/ca.pem");
attempt('by name', host: 'localhost', port: $port, tlsCaFile: "$dir/ca.pem");
attempt('system CAs', host: '127.0.0.1', port: $port);
attempt('other CA', host: '127.0.0.1', port: $port, tlsCaFile: "$dir/stranger.pem");
attempt('other host', host: '127.0.0.1', port: $other, tlsCaFile: "$dir/ca.pem");
attempt('client certificate', host: '127.0.0.1', port: $strict, tlsCaFile: "$dir/ca.pem", tlsCertFile: "$dir/client.pem", tlsKeyFile: "$dir/client.key");
attempt('no client certificate', host: '127.0.0.1', port: $strict, tlsCaFile: "$dir/ca.pem");
attempt('key of another', host: '127.0.0.1', port: $strict, tlsCaFile: "$dir/ca.pem", tlsCertFile: "$dir/client.pem", tlsKeyFile: "$dir/server.key");
chdir($dir);
$relative = new RedisBroker('127.0.0.1', $port, tls: true, tlsCaFile: 'ca.pem');
chdir('/');
echo 'relative path: ', thrown(fn() => $relative->connect(DEADLINE_S));
$server = Redis::start();
attempt('no TLS there', host: '127.0.0.1', port: $server->port, connectTimeout: 1);
?>
--EXPECT--
own CA: nothing
by name: nothing
system CAs: Viaduct\Broker\Exception\TlsException: RedisBroker 127.0.0.1:PORT: the server's certificate is not signed by an authority that is trusted here
other CA: Viaduct\Broker\Exception\TlsException: RedisBroker 127.0.0.1:PORT: the server's certificate is not signed by an authority that is trusted here
other host: Viaduct\Broker\Exception\TlsException: RedisBroker 127.0.0.1:PORT: the server's certificate is for another host name than the one connected to
client certificate: nothing
no client certificate: Viaduct\Broker\Exception\TlsException: RedisBroker 127.0.0.1:PORT: A CERTIFICATE IS WANTED
key of another: ValueError: Viaduct\Broker\RedisBroker::__construct(): Argument #9 ($tlsKeyFile) is not usable: it cannot be read as the certificate's PEM key without a passphrase (key values mismatch)
relative path: nothing
no TLS there: Viaduct\Broker\Exception\TlsException: RedisBroker 127.0.0.1:PORT: the server did not finish the TLS handshake in time: it may be frozen, or not speak TLS on that port
