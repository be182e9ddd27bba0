--TEST--
Response: what is not allowed, and the errors that say so
--EXTENSIONS--
viaduct
--FILE--
<?php
use Viaduct\Response;
$calls = [
    fn() => new Response('', 199), fn() => new Response('', 600), fn() => new Response([]), fn() => new Response(5),
    fn() => new Response('', 200, ['no name']), fn() => new Response('', 200, ['X-A' => null]), fn() => new Response('', 200, ['X-A' => [[]]]),
    fn() => Response::html('', 100), fn() => Response::json("\xff"), fn() => Response::json([NAN]), fn() => Response::redirect('/', 304),
    fn() => (new Response)->withStatus(0), fn() => (new Response)->withHeader('X', 1.5), fn() => (new Response)->withBody(null),
    fn() => (new ReflectionClass(Response::class))->newInstanceWithoutConstructor(),
];
foreach ($calls as $call) {
    try {
        $call();
        echo "accepted\n";
    } catch (Throwable $e) {
        echo $e::class, ': ', $e->getMessage(), "\n";
    }
}
?>
--EXPECT--
ValueError: Viaduct\Response::__construct(): Argument #2 ($status) must be between 200 and 599, 199 given
ValueError: Viaduct\Response::__construct(): Argument #2 ($status) must be between 200 and 599, 600 given
TypeError: Viaduct\Response::__construct(): Argument #1 ($body) must be of type string or Traversable, array given
TypeError: Viaduct\Response::__construct(): Argument #1 ($body) must be of type string or Traversable, int given
ValueError: Viaduct\Response::__construct(): Argument #3 ($headers) must have header names as keys
TypeError: Viaduct\Response::__construct(): Argument #3 ($headers) must hold strings or lists of strings as header values
TypeError: Viaduct\Response::__construct(): Argument #3 ($headers) must hold strings or lists of strings as header values
ValueError: Viaduct\Response::html(): Argument #2 ($status) must be between 200 and 599, 100 given
JsonException: Malformed UTF-8 characters, possibly incorrectly encoded
JsonException: Inf and NaN cannot be JSON encoded
ValueError: Viaduct\Response::redirect(): Argument #2 ($status) must be 301, 302, 303, 307 or 308, 304 given
ValueError: Viaduct\Response::withStatus(): Argument #1 ($status) must be between 200 and 599, 0 given
TypeError: Viaduct\Response::withHeader(): Argument #2 ($value) must hold strings or lists of strings as header values
TypeError: Viaduct\Response::withBody(): Argument #1 ($body) must be of type string or Traversable, null given
ReflectionException: Class Viaduct\Response is an internal class marked as final that cannot be instantiated without invoking its constructor
