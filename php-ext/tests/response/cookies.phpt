--TEST--
Response: cookies
--EXTENSIONS--
viaduct
--FILE--
<?php
use Viaduct\Response;
$r = (new Response)->cookie('a')->cookie('b', 'x y;z', 86400, '/p', 'example.com', true, false, 'Strict')
    ->cookie('c', sameSite: '')->cookie('e', '', -1)->cookie('f', '', 253402300799)->cookie('d', 'v', path: '', sameSite: 'none', secure: true);
echo implode("\n", $r->headers['Set-Cookie']), "\n";
$calls = [
    fn($r) => $r->cookie(''), fn($r) => $r->cookie('a=b'), fn($r) => $r->cookie("a\n"), fn($r) => $r->cookie("a\0"),
    fn($r) => $r->cookie('a', path: "/;"), fn($r) => $r->cookie('a', domain: "x\r\ny"),
    fn($r) => $r->cookie('a', sameSite: 'maybe'), fn($r) => $r->cookie('a', expires: 253402300800), fn($r) => $r->cookie('a', expires: PHP_INT_MIN), fn($r) => $r->cookie('a', sameSite: 'None'),
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
e=; Expires=Wed, 31 Dec 1969 23:59:59 GMT; Path=/; HttpOnly; SameSite=Lax
f=; Expires=Fri, 31 Dec 9999 23:59:59 GMT; Path=/; HttpOnly; SameSite=Lax
d=v; Secure; HttpOnly; SameSite=none
Viaduct\Response::cookie(): Argument #1 ($name) must be a name without spaces, "=", "," or ";"
Viaduct\Response::cookie(): Argument #1 ($name) must be a name without spaces, "=", "," or ";"
Viaduct\Response::cookie(): Argument #1 ($name) must be a name without spaces, "=", "," or ";"
Viaduct\Response::cookie(): Argument #1 ($name) must be a name without spaces, "=", "," or ";"
Viaduct\Response::cookie(): Argument #4 ($path) must not contain control characters, "," or ";"
Viaduct\Response::cookie(): Argument #5 ($domain) must not contain control characters, "," or ";"
Viaduct\Response::cookie(): Argument #8 ($sameSite) must be "Lax", "Strict", "None" or ""
Viaduct\Response::cookie(): Argument #3 ($expires) must be a time in the years 1 to 9999, 253402300800 given
Viaduct\Response::cookie(): Argument #3 ($expires) must be a time in the years 1 to 9999, -9223372036854775808 given
Viaduct\Response::cookie(): Argument #8 ($sameSite) must not be "None" unless argument #6 ($secure) is true
6
