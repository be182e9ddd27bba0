--TEST--
Response: cookies
--EXTENSIONS--
viaduct
--FILE--
<?php
use Viaduct\Response;
$r = (new Response)->cookie('a')->cookie('b', 'x y;z', 86400, '/p', 'example.com', true, false, 'Strict')
    ->cookie('c', sameSite: '')->cookie('d', 'v', path: '', sameSite: 'none', secure: true);
echo implode("\n", $r->headers['Set-Cookie']), "\n";
$calls = [
    fn($r) => $r->cookie(''), fn($r) => $r->cookie('a=b'), fn($r) => $r->cookie("a\n"), fn($r) => $r->cookie("a\0"),
    fn($r) => $r->cookie('a', path: "/;"), fn($r) => $r->cookie('a', domain: "x\r\ny"),
    fn($r) => $r->cookie('a', sameSite: 'maybe'), fn($r) => $r->cookie('a', sameSite: 'None'),
];
foreach ($calls as $call) {
    try {
        $call($r);
        echo "accepted\n";
    } catch (ValueError $e) {
        echo $e->getMessage(), "\n";
    }
}
echo count($r->headers['Set-Cookie']), "\n";
?>
--EXPECT--
a=; Path=/; HttpOnly; SameSite=Lax
b=x%20y%3Bz; Expires=Fri, 02 Jan 1970 00:00:00 GMT; Path=/p; Domain=example.com; Secure; SameSite=Strict
c=; Path=/; HttpOnly
d=v; Secure; HttpOnly; SameSite=none
Viaduct\Response::cookie(): Argument #1 ($name) must be a name without spaces, "=", "," or ";"
Viaduct\Response::cookie(): Argument #1 ($name) must be a name without spaces, "=", "," or ";"
Viaduct\Response::cookie(): Argument #1 ($name) must be a name without spaces, "=", "," or ";"
Viaduct\Response::cookie(): Argument #1 ($name) must be a name without spaces, "=", "," or ";"
Viaduct\Response::cookie(): Argument #4 ($path) must not contain control characters, "," or ";"
Viaduct\Response::cookie(): Argument #5 ($domain) must not contain control characters, "," or ";"
Viaduct\Response::cookie(): Argument #8 ($sameSite) must be "Lax", "Strict", "None" or ""
Viaduct\Response::cookie(): Argument #8 ($sameSite) must not be "None" unless argument #6 ($secure) is true
4
