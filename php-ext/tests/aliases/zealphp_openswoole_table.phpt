--TEST--
viaduct.aliases: ZealPHP's Store and Counter, OpenSwoole\Table's types
--EXTENSIONS--
viaduct
--INI--
viaduct.aliases=zealphp,openswoole
--FILE--
<?php
use ZealPHP\{Counter, Store};
use OpenSwoole\Table;
Store::make('cache', 100, ['n' => [Table::TYPE_INT, 4], 'f' => [Table::TYPE_FLOAT, 8], 's' => [Table::TYPE_STRING, 64]]);
Store::set('cache', 'k', ['n' => 1, 'f' => 1.5, 's' => 'x']);
var_dump(Store::get('cache', 'k'), (new Counter(5))->get(), Store::class);
try {
    new Table();
} catch (Error $e) {
    echo $e->getMessage(), "\n";
}
?>
--EXPECT--
array(3) {
  ["n"]=>
  int(1)
  ["f"]=>
  float(1.5)
  ["s"]=>
  string(1) "x"
}
int(5)
string(13) "ZealPHP\Store"
Call to private OpenSwoole\Table::__construct() from global scope
