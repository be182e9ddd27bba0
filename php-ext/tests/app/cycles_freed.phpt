--TEST--
App: handlers that capture the App are a cycle that PHP's collector frees
--EXTENSIONS--
viaduct
--FILE--
<?php
use Viaduct\{App, Config};
function make(): WeakReference
{
    $config = new Config();
    $app = new App($config);
    $keep = fn() => $app;
    $app->get('/{a}', $keep)->subscribe('x', $keep)->setInterval($keep, 5)->onStart($keep)->onBrokerError($keep);
    $config->onBrokerError($keep);
    return WeakReference::create($app);
}
$reference = make();
var_dump($reference->get() !== null);
gc_collect_cycles();
var_dump($reference->get());
?>
--EXPECT--
bool(true)
NULL
