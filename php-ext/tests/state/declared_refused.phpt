--TEST--
viaduct.tables: a file that is wrong makes no table, and a warning says where it is wrong
--EXTENSIONS--
viaduct
--FILE--
<?php
$file = __DIR__ . '/declared_refused.ini';
$start = function (string $path) use ($file): void {
    $command = ['setpriv', '--pdeathsig', 'KILL', PHP_BINARY, '-n', '-d', 'display_startup_errors=1', '-d', 'html_errors=0', '-d', 'extension=' . getenv('VIADUCT_SO'),
        '-d', "viaduct.tables=$path", '-r', 'echo implode(", ", Viaduct\Store::names());'];
    $process = proc_open($command, [1 => ['pipe', 'w'], 2 => ['redirect', 1]], $pipes);
    $output = stream_get_contents($pipes[1]);
    proc_close($process);
    echo preg_replace(['/^Warning: |\n| in Unknown on line 0/', '/ +/'], ['', ' '], str_replace([$file, __DIR__], ['FILE', 'DIR'], trim($output))), "\n";
};
$column = "columns[a] = INT 4\n";
foreach ([
    "[table ]\nrows = 1\n$column",
    "[table global state]\nrows = 1\n$column",
    "[table a]\nrows = 1e3\n$column",
    "[table a]\n$column",
    "[table a]\nrows = 10\n",
    "[table a]\nrows = 10\ncolumns = INT\n",
    "[table a]\nrows = 10\ncolumns[] = INT\n",
    "[table a]\nrows = 10\ncolumns[a] = INT 3\n",
    "[table a]\nrows = 10\ncolumns[a] = STRING\n",
    "[table a]\nrows = 10\n{$column}columns[12] = INT 4\n",
    "[table a]\nrows = 10\n{$column}columns[a] = FLOAT\n",
    "[table a]\nrows = 10\nttl = nan\n$column",
    "[table a]\nrows = 10\nttl = -1\n$column",
    "[table a]\nrows = 10\n{$column}[table a]\nrows = 10\n$column",
    "[table good]\nrows = 10\n{$column}[table bad]\nrows = 0\n$column",
    "rows = 1\n",
    "[tables]\n",
    "[global state]\nbytes = 64\n",
    "[global state]\nrows = -1\n",
    "[counters]\nvisits = 9223372036854775808\n",
    "[counters]\n" . str_repeat('c', 48) . " = 1\n",
    "[table a]\nrows = 2147483648\ncolumns[a] = STRING 1048576\n",
    "[table a]\nrows = 10\nttl = 0.5\n{$column}columns[b] = string 8\n[table b]\nrows = 1\n$column",
] as $text) {
    file_put_contents($file, $text);
    $start($file);
}
unlink($file);
$start($file);
$start(__DIR__);
?>
--CLEAN--
<?php
@unlink(__DIR__ . '/declared_refused.ini');
?>
--EXPECTF--
viaduct.tables: FILE: [table ] the name of a table must have 1 to 40 bytes; no table was made
viaduct.tables: FILE: [table global state] is Viaduct's own; the global state is declared in [global state]; no table was made
viaduct.tables: FILE: [table a] rows = 1e3; allowed are 1 to 2147483648; no table was made
viaduct.tables: FILE: [table a] table "a": 0 rows; allowed are 1 to 2147483648; no table was made
viaduct.tables: FILE: [table a] table "a": 0 columns; allowed are 1 to 64; no table was made
viaduct.tables: FILE: [table a] "columns"; a table has rows, ttl and columns[NAME]; no table was made
viaduct.tables: FILE: [table a] the name of a column must have 1 to 40 bytes; no table was made
viaduct.tables: FILE: [table a] table "a": column "a" has type INT and 3 bytes; allowed are INT of 1, 2, 4 or 8, FLOAT of 8, STRING of 1 to 1048576; no table was made
viaduct.tables: FILE: [table a] columns[a] = STRING; allowed are INT 1, 2, 4 or 8, FLOAT, and STRING 1 to 1048576; no table was made
viaduct.tables: FILE: [table a] columns[12] has a number for its name: a row is an array by name; no table was made
viaduct.tables: FILE: [table a] table "a": two columns named "a"; no table was made
viaduct.tables: FILE: [table a] ttl = nan; allowed are seconds, 0.001 to 10000000, and 0: never; no table was made
viaduct.tables: FILE: [table a] ttl = -1; allowed are seconds, 0.001 to 10000000, and 0: never; no table was made
viaduct.tables: FILE: [table a] table "a" is declared twice; no table was made
viaduct.tables: FILE: [table bad] rows = 0; allowed are 1 to 2147483648; no table was made
viaduct.tables: FILE: "rows" stands before the first section; no table was made
viaduct.tables: FILE: [tables] is no section; allowed are [table NAME], [counters] and [global state]; no table was made
viaduct.tables: FILE: [global state] the global state needs rows and bytes; no table was made
viaduct.tables: FILE: [global state] rows = -1; a number over 0 is meant; no table was made
viaduct.tables: FILE: [counters] visits = 9223372036854775808; a counter begins with a whole number of 64 bits; no table was made
viaduct.tables: FILE: [counters] the name of a counter must have 1 to 47 bytes; no table was made
viaduct.tables: table "a" is not there: mapping the arena: %s
a, b
viaduct.tables: FILE: No such file or directory; no table was made
viaduct.tables: DIR: Is a directory; no table was made
