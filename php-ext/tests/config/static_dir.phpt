--TEST--
Config::withStaticDir(): directory, prefix and age are checked at once; a relative directory becomes absolute
--EXTENSIONS--
viaduct
--FILE--
<?php
use Viaduct\Config;
$base = sys_get_temp_dir() . '/viaduct-static-' . getmypid();
mkdir("$base/public", recursive: true);
mkdir("$base/elsewhere");
chdir($base);
function show(Config $c): void
{
    global $base;
    ob_start();
    var_dump($c);
    preg_match_all('~"(static\w+)"\]=>\s+(.*)~', ob_get_clean(), $found, PREG_SET_ORDER);
    foreach ($found as [, $name, $value]) {
        echo "$name ", preg_replace('~string\(\d+\) ~', '', str_replace($base, 'BASE', $value)), "\n";
    }
}
$c = new Config();
var_dump($c === $c->withStaticDir('public'));
chdir('elsewhere');
show($c);
$c->withStaticDir("$base/./elsewhere", '/assets/', maxAge: 3600);
show($c);
foreach ([["$base/nowhere"], [__FILE__], [''], ["$base\0"], [$base, ''], [$base, 'assets'], [$base, '/a//b'],
    [$base, '/a%20b'], [$base, '/a?b'], [$base, "/a\0"], [$base, '/', -1], [$base, '/', 31536001], []] as $arguments) {
    try {
        $c->withStaticDir(...$arguments);
        echo "accepted\n";
    } catch (Error $e) {
        echo $e::class, ': ', str_replace([$base, __FILE__], ['BASE', 'FILE'], $e->getMessage()), "\n";
    }
}
show($c);
chdir('/');
array_map('rmdir', ["$base/public", "$base/elsewhere", $base]);
?>
--EXPECT--
bool(true)
staticDirectory "BASE/public"
staticPrefix "/"
staticMaxAge int(0)
staticDirectory "BASE/elsewhere"
staticPrefix "/assets/"
staticMaxAge int(3600)
ValueError: Viaduct\Config::withStaticDir(): Argument #1 ($directory) must be a directory that exists, "BASE/nowhere" given
ValueError: Viaduct\Config::withStaticDir(): Argument #1 ($directory) must be a directory that exists, "FILE" given
ValueError: Viaduct\Config::withStaticDir(): Argument #1 ($directory) must be a directory that exists, "" given
ValueError: Viaduct\Config::withStaticDir(): Argument #1 ($directory) must not contain any null bytes
ValueError: Viaduct\Config::withStaticDir(): Argument #2 ($prefix) must be a path such as /assets, of letters, digits and -._~!$&'()*+,;=:@ between single slashes
ValueError: Viaduct\Config::withStaticDir(): Argument #2 ($prefix) must be a path such as /assets, of letters, digits and -._~!$&'()*+,;=:@ between single slashes
ValueError: Viaduct\Config::withStaticDir(): Argument #2 ($prefix) must be a path such as /assets, of letters, digits and -._~!$&'()*+,;=:@ between single slashes
ValueError: Viaduct\Config::withStaticDir(): Argument #2 ($prefix) must be a path such as /assets, of letters, digits and -._~!$&'()*+,;=:@ between single slashes
ValueError: Viaduct\Config::withStaticDir(): Argument #2 ($prefix) must be a path such as /assets, of letters, digits and -._~!$&'()*+,;=:@ between single slashes
ValueError: Viaduct\Config::withStaticDir(): Argument #2 ($prefix) must not contain any null bytes
ValueError: Viaduct\Config::withStaticDir(): Argument #3 ($maxAge) must be between 0 and 31536000 seconds, -1 given
ValueError: Viaduct\Config::withStaticDir(): Argument #3 ($maxAge) must be between 0 and 31536000 seconds, 31536001 given
ArgumentCountError: Viaduct\Config::withStaticDir() expects at least 1 argument, 0 given
staticDirectory "BASE/elsewhere"
staticPrefix "/assets/"
staticMaxAge int(3600)
