--TEST--
Viaduct\GlobalState: changes of several processes are all there; made too late it is refused
--EXTENSIONS--
viaduct
posix
--FILE--
<?php
use Viaduct\GlobalState;
$pid = pcntl_fork();
if ($pid === 0) {
    try {
        GlobalState::set('k', 1);
    } catch (Viaduct\Exception\NotSharedException $e) {
        echo $e->getMessage(), "\n";
    }
    exit;
}
pcntl_waitpid($pid, $status);

GlobalState::set('log', []);
$pids = [];
for ($i = 0; $i < 6; $i++) {
    $pid = pcntl_fork();
    if ($pid === 0) {
        for ($j = 0; $j < 2000; $j++) {
            GlobalState::increment('sum', 2);
            GlobalState::increment('float', 0.25);
        }
        for ($j = 0; $j < 20; $j++) {
            do {
                $log = GlobalState::get('log');
            } while (!GlobalState::compareAndSet('log', $log, [...$log, "$i:$j"]));
        }
        posix_kill(getmypid(), SIGKILL);
    }
    $pids[] = $pid;
}
foreach ($pids as $pid) {
    pcntl_waitpid($pid, $status);
}
var_dump(GlobalState::get('sum'), GlobalState::get('float'), count(GlobalState::get('log')), count(array_unique(GlobalState::get('log'))));
?>
--EXPECT--
The global state is made by its first use, which is in a forked process: its parent and siblings would not see it; call it before pcntl_fork()
int(24000)
float(3000)
int(120)
int(120)
