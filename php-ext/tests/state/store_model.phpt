--TEST--
Viaduct\Store beside a plain array under random operations; loops while another process inserts and deletes
--EXTENSIONS--
viaduct
posix
--FILE--
<?php
use Viaduct\{Counter, Store};
const ROWS = 60;
const COLUMNS = ['i' => [Store::INT, 2], 'f' => [Store::FLOAT], 's' => [Store::STRING, 12]];
Store::make('model', ROWS, COLUMNS);
$seed = 20261120;
mt_srand($seed);
$model = [];
$new = ['i' => 0, 'f' => 0.0, 's' => ''];
$key = fn() => str_repeat('k', mt_rand(0, 3)) . mt_rand(0, 45) . (mt_rand(0, 9) ? '' : "\0");
$fits16 = fn(int $value) => $value >= -32768 && $value <= 32767;
$differences = 0;
$refused = ['full' => 0, 'range' => 0, 'long' => 0];

for ($n = 0; $n < 8000; $n++) {
    $k = $key();
    $there = isset($model[$k]);
    $room = $there || count($model) < ROWS;
    $expect = null;
    try {
        switch (mt_rand(0, 8)) {
            case 0:
            case 1:
                $values = array_filter(['i' => mt_rand(-40000, 40000), 'f' => mt_rand() / 8, 's' => str_repeat('x', mt_rand(0, 14))],
                    fn() => mt_rand(0, 2));
                $fits = $fits16($values['i'] ?? 0) && strlen($values['s'] ?? '') <= 12;
                $expect = $fits && $room;
                Store::set('model', $k, $values);
                $model[$k] = $values + ($model[$k] ?? $new);
                $model[$k]['f'] = (float) $model[$k]['f']; // an int goes into a FLOAT
                $got = true;
                break;
            case 2:
            case 3:
                $by = mt_rand(-9000, 9000);
                $sum = ($model[$k]['i'] ?? 0) + $by;
                $expect = $fits16($sum) && $room ? $sum : false;
                $got = mt_rand(0, 1) ? Store::incr('model', $k, 'i', $by) : Store::decr('model', $k, 'i', -$by);
                $model[$k] = ['i' => $sum] + ($model[$k] ?? $new);
                break;
            case 4:
                $expect = $there;
                $got = Store::del('model', $k);
                unset($model[$k]);
                break;
            case 5:
                $from = mt_rand(0, 1) ? ($model[$k]['i'] ?? 0) : 77;
                $expect = $there && $model[$k]['i'] === $from;
                $got = Store::compareAndSet('model', $k, 'i', $from, 5);
                if ($expect) {
                    $model[$k]['i'] = 5;
                }
                break;
            case 6:
                $expect = $model[$k] ?? null;
                $got = Store::get('model', $k);
                $got && ksort($got);
                $expect && ksort($expect);
                break;
            case 7:
                $expect = $model[$k]['s'] ?? null;
                $got = Store::get('model', $k, 's');
                break;
            default:
                $expect = $there;
                $got = Store::exists('model', $k);
        }
    } catch (Viaduct\Exception\CapacityException) {
        [$got, $refused['full']] = [false, $refused['full'] + 1];
    } catch (Viaduct\Exception\IntegerRangeException) {
        [$got, $refused['range']] = [false, $refused['range'] + 1];
    } catch (Viaduct\Exception\ValueTooLongException) {
        [$got, $refused['long']] = [false, $refused['long'] + 1];
    }
    if ($got !== $expect || Store::count('model') !== count($model)) {
        if ($differences++ < 3) {
            echo "seed $seed, operation $n: ", var_export($got, true), ' in place of ', var_export($expect, true), "\n";
        }
    }
}
$rows = iterator_to_array(Store::iterate('model'));
ksort($rows, SORT_STRING);
ksort($model, SORT_STRING);
foreach ($model as &$row) {
    $row = array_merge($new, $row); // the columns' order
}
var_dump($differences, $rows === $model, min($refused) > 10);

Store::make('walked', 300, ['n' => [Store::INT]]);
for ($i = 0; $i < 100; $i++) {
    Store::set('walked', "steady$i", ['n' => $i]);
}
[$go, $stop] = [new Counter(), new Counter()];
$pid = pcntl_fork();
if ($pid === 0) {
    for ($i = 0; $stop->get() === 0; $i++) {
        Store::set('walked', 'moving' . $i % 190, ['n' => $i]);
        Store::del('walked', 'moving' . ($i * 7) % 190);
        $i === 500 && $go->increment();
    }
    posix_kill(getmypid(), SIGKILL);
}
$go->wait(0, 30);
$wrong = 0;
for ($round = 0; $round < 100; $round++) {
    $seen = [];
    foreach (Store::iterate('walked') as $key => $row) {
        if (str_starts_with($key, 'steady')) {
            $seen[$key] = ($seen[$key] ?? 0) + 1;
            $wrong += $key !== "steady{$row['n']}";
        }
    }
    $wrong += count($seen) !== 100 || max($seen) !== 1;
}
$stop->increment();
pcntl_waitpid($pid, $status);
var_dump($wrong);
?>
--EXPECT--
int(0)
bool(true)
bool(true)
int(0)
