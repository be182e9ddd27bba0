--TEST--
Every method of every class on an object that nobody constructed: an Error or an answer, and no crash
--EXTENSIONS--
viaduct
--FILE--
<?php
final class Thief // is turned into a string while a constructor reads its arguments, and takes the object
{
    public function __toString(): string
    {
        $GLOBALS['stolen'] = debug_backtrace(DEBUG_BACKTRACE_PROVIDE_OBJECT)[1]['object'] ?? null;
        throw new DomainException('stolen');
    }
}

/** Null: there is none; $whole: its constructor did run, it has nothing to do. */
function unconstructed(ReflectionClass $class, bool &$whole): ?object
{
    $whole = false;
    try {
        return $class->newInstanceWithoutConstructor();
    } catch (ReflectionException) {
    }
    $GLOBALS['stolen'] = null;
    $arguments = [];
    foreach ($class->getConstructor()?->getParameters() ?? [] as $parameter) {
        if (in_array((string) $parameter->getType(), ['string', '?string'], true)) {
            $arguments[$parameter->name] = new Thief();
            break;
        }
    }
    try {
        $object = $class->newInstance(...$arguments);
        $whole = true;
        return $arguments ? null : $object;
    } catch (DomainException) {
        return $GLOBALS['stolen'];
    } catch (ReflectionException) {
        return null;
    }
}

function argument(ReflectionParameter $parameter): mixed
{
    return match (true) {
        $parameter->getType() === null => null,
        str_contains($parameter->getType(), 'callable') => fn() => null,
        str_contains($parameter->getType(), 'string') => 'x:y',
        str_contains($parameter->getType(), 'int') => 404,
        str_contains($parameter->getType(), 'array') => [],
        str_contains($parameter->getType(), 'bool') => true,
        class_exists($parameter->getType()) => (new ReflectionClass((string) $parameter->getType()))->newInstance(),
        default => null,
    };
}

$classes = (new ReflectionExtension('viaduct'))->getClasses();
$called = 0;
$whole = false;
$errors = [];
foreach ($classes as $class) {
    if ($class->isInterface() || !$object = unconstructed($class, $whole)) {
        continue;
    }
    foreach ($class->getMethods() as $method) {
        if ($method->isStatic() || $method->isConstructor() || !$method->isPublic() || $method->name === 'run') {
            continue;
        }
        $arguments = array_map(argument(...), array_filter($method->getParameters(), fn($p) => !$p->isOptional()));
        $called++;
        try {
            $method->invoke($object, ...$arguments);
        } catch (Throwable $e) {
            $whole || $errors[$class->name][$e::class . ': ' . $e->getMessage()][] = $method->name;
        }
    }
    foreach ($class->getProperties() as $property) { // nor may looking at it do harm
        try {
            $property->isPublic() && $property->getValue($object);
        } catch (Error) {
        }
    }
    ob_start();
    var_dump($object);
    print_r((array) $object);
    debug_zval_dump($object);
    ob_end_clean();
    try {
        clone $object;
    } catch (Error) {
    }
}
foreach ($errors as $name => $texts) {
    foreach ($texts as $text => $methods) {
        echo "$name::", implode(', ', $methods), "\n    $text\n";
    }
}
echo $called > 100 ? "all called\n" : "$called called\n";
?>
--EXPECT--
Viaduct\Message::isInvalidation
    Error: The message has no data: no subscriber was given it
Viaduct\Counter::increment, decrement, get, set, compareAndSet, wait
    Error: The Counter was not constructed
Viaduct\Broker\RedisBroker::connect, publish, subscribe, unsubscribe, poll, isConnected, onError, onGap, status, close
    Error: The broker object was not constructed
Viaduct\Broker\NatsBroker::connect, publish, subscribe, unsubscribe, poll, isConnected, onError, onGap, status, close
    Error: The broker object was not constructed
all called
