--TEST--
A broker without a server: credentials are kept as they were returned, whatever becomes of what they refer to
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../redis.inc';
$redis = Redis::start('--requirepass', 'secret12');
final class Vault
{
    public ?string $password;
    public int $asked = 0;
    public function &credentials(): array
    {
        $this->asked++;
        $this->password = implode('', ['sec', 'ret', '12']); // freed when nobody holds it
        $answer = ['password' => &$this->password, 'lease' => new class($this) {
            public function __construct(private Vault $vault) {}
            public function __destruct() { $this->vault->password = null; }
        }];
        return $answer;
    }
}
$vault = new Vault();
$broker = $redis->broker(credentials: $vault->credentials(...));
while ($vault->asked === 0) {
    $broker->poll(0);
}
$vault->password = null;
$others = [];
for ($i = 10; $i < 60; $i++) {
    $others[] = "others$i"; // of the same size
}
echo thrown(fn() => $broker->connect(DEADLINE_S));
$broker->publish('a', timeout: DEADLINE_S);
echo "asked $vault->asked\n";

$broker = $redis->broker(credentials: function () { throw new DomainException('sealed'); });
echo thrown(fn() => $broker->connect(DEADLINE_S));
$left = 1;
$broker = $redis->broker(credentials: function () use (&$left) {
    return ['password' => $left-- > 0 ? Fiber::suspend('asks') : 'secret12'];
});
$fiber = new Fiber(fn() => $broker->connect(DEADLINE_S));
echo $fiber->start(), "\n";
echo thrown(fn() => $fiber->resume('secret12'));
var_dump($broker->isConnected());
$broker = $redis->broker(credentials: fn() => Fiber::suspend('asks'));
$fiber = new Fiber(fn() => $broker->connect(DEADLINE_S));
echo $fiber->start(), "\n";
unset($fiber); // and never resumed
gc_collect_cycles();
unset($broker);
echo "done\n";
?>
--EXPECT--
nothing
asked 1
DomainException: sealed
asks
nothing
bool(true)
asks
done
