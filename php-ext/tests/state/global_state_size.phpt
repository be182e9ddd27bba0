--TEST--
The global state's size is Config's, also when its first use comes before run()
--EXTENSIONS--
viaduct
--FILE--
<?php
use Viaduct\{App, Config, GlobalState};
$app = new App((new Config())->withGlobalStateTableSize(2, 10));
$app->setGlobalState('a', '0123456789');
GlobalState::set('b', 1);
foreach (['b' => '0123456789x', 'c' => 1] as $key => $value) {
    try {
        $app->setGlobalState($key, $value);
    } catch (\OverflowException $e) {
        echo $e::class, ': ', $e->getMessage(), "\n";
    }
}
var_dump($app->globalState('a'), $app->globalState('b'), $app->globalState('c'), $app->globalState('c', []));
?>
--EXPECT--
Viaduct\Exception\ValueTooLongException: the value of "b" takes 11 bytes, and one of the global state has at most 10: store less, or raise maxValueBytes by Config::withGlobalStateTableSize()
Viaduct\Exception\CapacityException: no room for "c": all of the 2 keys of the global state are in use; delete some, or raise maxRows by Config::withGlobalStateTableSize()
string(10) "0123456789"
int(1)
NULL
array(0) {
}
