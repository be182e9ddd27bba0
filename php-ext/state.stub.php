<?php

/**
 * SPDX-License-Identifier: Apache-2.0
 *
 * State that the processes of one machine share: Store, Counter, GlobalState. What an IDE shows, and
 * what state_arginfo.h is made from (scripts/gen-arginfo). The guide is docs/shared-state.md.
 *
 * @generate-class-entries
 */

namespace Viaduct {

    /**
     * Tables in shared memory: rows of typed columns by key, for all workers of this machine.
     *
     *     Store::make('rate', 100_000, ['count' => [Store::INT, 4], 'note' => [Store::STRING, 64]]);
     *     // before run(); then in any worker:
     *     Store::set('rate', $ip, ['count' => 1]);
     *     Store::incr('rate', $ip, 'count');
     *
     * Every write is one atomic step: others see all of it or nothing, also when the process is killed
     * in the middle. Reading never waits. Nothing is cut, wrapped or dropped: what does not fit is an
     * exception, and then nothing was written. All exceptions implement Exception\StateException.
     *
     * Keys have 1 to 255 bytes, any. A row that is not there, or whose time is over, starts with zeros
     * and empty strings.
     *
     * @strict-properties
     * @not-serializable
     */
    final class Store
    {
        /**
         * Whole numbers of 1, 2, 4 or 8 bytes, signed.
         *
         * @var int
         */
        public const INT = 1;

        /**
         * Numbers of 8 bytes.
         *
         * @var int
         */
        public const FLOAT = 2;

        /**
         * Up to so many bytes, at most 1,048,576.
         *
         * @var int
         */
        public const STRING = 3;

        private function __construct() {}

        /**
         * Make a table, before run() or pcntl_fork(): processes share what is there when they are forked.
         * Again with the same declaration it changes nothing.
         *
         * @param string $table 1 to 40 bytes
         * @param int $maxRows rows it holds, 1 to 2,147,483,648. A row takes 296 bytes and twice its
         *     columns, memory only once it was used
         * @param array $columns 1 to 64, `'name' => [Store::INT, 4]`; the names have 1 to 40 bytes. The size
         *     is in bytes and may be left out but for STRING; it is 8 then
         * @param int|float $ttl seconds after its last set() at which a row is gone, 0.001 to 10,000,000; 0:
         *     never. Exact to about 10 ms
         * @throws Exception\SchemaException for a malformed declaration, or one that is not the first one's
         * @throws Exception\NotSharedException in a worker or another forked process, where nobody else
         *     would see it
         * @throws Exception\SharedMemoryException
         */
        public static function make(string $table, int $maxRows, array $columns, int|float $ttl = 0): void {}

        /**
         * Insert a row, or change the named columns of one that is there. Its ttl begins anew; in a table
         * without one a window stays as it is.
         *
         * @param array $values by column; an int for INT, int or float for FLOAT, string for STRING
         * @throws Exception\UnknownTableException
         * @throws Exception\UnknownColumnException
         * @throws Exception\ValueTypeException
         * @throws Exception\IntegerRangeException when an int does not fit the column's bytes
         * @throws Exception\ValueTooLongException when a string has more bytes than the column
         * @throws Exception\KeyLengthException
         * @throws Exception\CapacityException when the table is full
         */
        public static function set(string $table, string $key, array $values): void {}

        /**
         * A row as an array by column, or one column of it; null when there is no such row.
         *
         * @throws Exception\UnknownTableException
         * @throws Exception\UnknownColumnException
         * @throws Exception\KeyLengthException
         * @throws Exception\BusyException when the row was changed during each of 100,000 tries to read it
         */
        public static function get(string $table, string $key, ?string $column = null): array|int|float|string|null {}

        /**
         * Add to a number and return the sum. A row that is not there starts with 0; one that is keeps its
         * ttl.
         *
         * @param int|float $by a float only for FLOAT
         * @throws Exception\UnknownTableException
         * @throws Exception\UnknownColumnException
         * @throws Exception\ValueTypeException for a STRING, or a float for an INT
         * @throws Exception\IntegerRangeException when the sum does not fit
         * @throws Exception\KeyLengthException
         * @throws Exception\CapacityException
         */
        public static function incr(string $table, string $key, string $column, int|float $by = 1): int|float {}

        /**
         * Subtract from a number.
         *
         * @see Store::incr()
         */
        public static function decr(string $table, string $key, string $column, int|float $by = 1): int|float {}

        /**
         * For rate limits: count within a window of time, in one atomic step. The window begins with its
         * first increment; when it is over the whole row starts anew. For tables without a ttl: a row has
         * one end, and set() would give it the ttl's.
         *
         *     if (Store::incrWindow('rate', $ip, 'count', 1, 60)->value > 10) return 429;
         *
         * Get, compare and set in three steps let more through under load: others come between.
         *
         * @param string $column an INT; it goes on counting when the limit is passed, so take 4 or 8 bytes
         * @param int|float $seconds 0.001 to 10,000,000. Exact to about 10 ms
         * @throws \ValueError
         * @throws Exception\StateException as incr()
         */
        public static function incrWindow(string $table, string $key, string $column, int $by, int|float $seconds): Window {}

        /**
         * Set a column if it holds what is expected; whether it did. False, too, when there is no such row.
         *
         * @throws Exception\StateException as set()
         */
        public static function compareAndSet(string $table, string $key, string $column, int|float|string $expected, int|float|string $value): bool {}

        /**
         * Delete a row; whether it was there.
         *
         * @throws Exception\UnknownTableException
         * @throws Exception\KeyLengthException
         */
        public static function del(string $table, string $key): bool {}

        /**
         * @throws Exception\UnknownTableException
         * @throws Exception\KeyLengthException
         */
        public static function exists(string $table, string $key): bool {}

        /**
         * Rows that are there. In a table with a ttl or with windows this looks at every row.
         *
         * @throws Exception\UnknownTableException
         */
        public static function count(string $table): int {}

        /**
         * All rows, for foreach: key => row. Each loop goes its own way; one that is nested sees all of
         * them, too. A row that is there throughout is seen once, whatever others insert and delete
         * meanwhile; deleting in the loop is fine.
         *
         * @throws Exception\UnknownTableException
         */
        public static function iterate(string $table): Rows {}

        /**
         * Delete the rows that are there now, one by one.
         *
         * @throws Exception\UnknownTableException
         */
        public static function clear(string $table): void {}

        /**
         * Names of the tables, in the order in which they were made.
         *
         * @return string[]
         */
        public static function names(): array {}
    }

    /**
     * The rows of a table: what Store::iterate() returns.
     *
     * @strict-properties
     * @not-serializable
     */
    final class Rows implements \IteratorAggregate, \Countable
    {
        private function __construct() {}

        public function getIterator(): \Iterator {}

        /** As Store::count(). */
        public function count(): int {}
    }

    /**
     * What Store::incrWindow() has found.
     *
     * @strict-properties
     */
    final class Window
    {
        /** The column after the increment. */
        public readonly int $value;

        /** Seconds until the window is over. */
        public readonly float $remaining;

        /** When that is, in seconds since 1970. */
        public readonly float $resetAt;

        private function __construct() {}
    }

    /**
     * A whole number of 64 bits that all processes share. Every method is one atomic step.
     *
     * A counter without a name is made before run() or pcntl_fork() and handed to the handlers (use, a
     * property); its memory is not given back before the process ends. One with a name is found by it in
     * any process; it may be made in any worker.
     *
     * @strict-properties
     * @not-serializable
     */
    final class Counter
    {
        /**
         * @param int $initial of a new one; one of that name that is there keeps its value
         * @param string|null $name 1 to 47 bytes
         * @throws Exception\NotSharedException without a name in a worker or another forked process
         * @throws Exception\KeyLengthException
         * @throws Exception\CapacityException after 65,536 without a name, or 4,096 names
         * @throws Exception\SharedMemoryException
         */
        public function __construct(int $initial = 0, ?string $name = null) {}

        /**
         * Add, and return the sum.
         *
         * @throws Exception\IntegerRangeException when it takes more than 64 bits; nothing was added
         */
        public function increment(int $by = 1): int {}

        /**
         * Subtract, and return the difference.
         *
         * @throws Exception\IntegerRangeException
         */
        public function decrement(int $by = 1): int {}

        public function get(): int {}

        public function set(int $value): void {}

        /** Set it if it holds what is expected; whether it did. */
        public function compareAndSet(int $expected, int $value): bool {}

        /**
         * Sleep while it holds $value, until somebody changes it, in this process or another; every change
         * wakes all who wait.
         *
         * @param int|float|null $timeout seconds, 0 to 10,000,000; null: for ever, in a worker as long as
         *     withRequestTimeout() lets it
         * @return bool whether it holds something else now; false: the time was over
         * @throws \ValueError
         */
        public function wait(int $value, int|float|null $timeout = null): bool {}
    }

    /**
     * Values by key that all processes share: of any type that can be serialized. Numbers, strings, bools
     * and null are kept as they are, everything else in serialized form.
     *
     *     GlobalState::set('motd', 'Hello');
     *     $motd = GlobalState::get('motd', 'nothing yet');
     *
     * There is one in a node. Its size is Config::withGlobalStateTableSize(), 1,024 keys and 4,096 bytes a
     * value unless that says otherwise. run() makes it; so does its first use before. Keys have 1 to 255
     * bytes. Every write is one atomic step; reading never waits.
     *
     * @strict-properties
     * @not-serializable
     */
    final class GlobalState
    {
        private function __construct() {}

        /**
         * Make it, for scripts without a server that fork by pcntl_fork(). Again with the same size it
         * changes nothing.
         *
         * @param int $maxRows keys, 1 to 16,777,216
         * @param int $maxValueBytes bytes of one string, or of one value in serialized form, 1 to 1,048,576
         * @throws \ValueError
         * @throws Exception\SchemaException when it is there with another size
         * @throws Exception\NotSharedException in a worker or another forked process
         * @throws Exception\SharedMemoryException
         */
        public static function make(int $maxRows = 1024, int $maxValueBytes = 4096): void {}

        /**
         * A value, or the default when the key is not there. Objects are made anew each time.
         *
         * @throws Exception\KeyLengthException
         * @throws Exception\BusyException
         */
        public static function get(string $key, mixed $default = null): mixed {}

        /**
         * @throws \Exception when the value cannot be serialized (a closure), or its own __serialize() throws
         * @throws Exception\ValueTypeException for a resource
         * @throws Exception\ValueTooLongException when it takes more bytes than a value may have
         * @throws Exception\CapacityException when all keys are in use
         * @throws Exception\KeyLengthException
         */
        public static function set(string $key, mixed $value): void {}

        /** Is the key there? Also with the value null. */
        public static function has(string $key): bool {}

        /** Delete a key; whether it was there. */
        public static function delete(string $key): bool {}

        /**
         * Add to a number and return the sum. A key that is not there starts with 0.
         *
         * @throws Exception\ValueTypeException when the value is no int or float
         * @throws Exception\IntegerRangeException when the sum is an int of more than 64 bits, or no finite float
         * @throws Exception\StateException as set()
         */
        public static function increment(string $key, int|float $by = 1): int|float {}

        /**
         * Set a key if it holds what is expected; whether it did. Values are equal when their types and
         * serialized forms are; a key that is not there holds null.
         *
         * @throws Exception\StateException as set()
         */
        public static function compareAndSet(string $key, mixed $expected, mixed $value): bool {}

        /**
         * The keys that are there, in no particular order. Looks at every one.
         *
         * @return string[]
         */
        public static function keys(): array {}

        /** How many keys are there. Looks at every one. */
        public static function count(): int {}

        /** Delete the keys that are there now, one by one. */
        public static function clear(): void {}

        /**
         * The value of a key; when it is not there, compute it, keep it for a while and return it.
         *
         * One process computes, the others wait for it instead of doing the same. Its right to do so is a
         * lease: when it has ended, because the process is slow, or when the process is dead, the next one
         * takes over. A value that somebody else has set meanwhile stays. Nothing is locked while $compute
         * runs. What it throws is thrown here, and the next one computes.
         *
         * @param int|float $ttl seconds for which the value is kept, 0.001 to 10,000,000; 0: for ever
         * @param callable $compute fn(): mixed
         * @param int|float $lease seconds that $compute may take, 0.001 to 10,000,000
         * @throws \ValueError
         * @throws Exception\StateException as set()
         */
        public static function remember(string $key, int|float $ttl, callable $compute, int|float $lease = 10): mixed {}
    }
}

namespace Viaduct\Exception {

    /** Whatever goes wrong with Store, Counter and GlobalState. Texts name tables, columns and limits, no values. */
    interface StateException extends \Throwable
    {
    }

    /** No table of that name was made before this process was forked. */
    class UnknownTableException extends \OutOfBoundsException implements StateException
    {
    }

    /** The table has no such column. */
    class UnknownColumnException extends \OutOfBoundsException implements StateException
    {
    }

    /** A value of another type than the column's, or one that cannot be shared. */
    class ValueTypeException extends \InvalidArgumentException implements StateException
    {
    }

    /** A number, also as a sum, that does not fit. */
    class IntegerRangeException extends \OverflowException implements StateException
    {
    }

    /** More bytes than the column, or a value of the global state, may have. Nothing is ever cut. */
    class ValueTooLongException extends \OverflowException implements StateException
    {
    }

    /** All rows of a table, or all counters, are in use. */
    class CapacityException extends \OverflowException implements StateException
    {
    }

    /** A key or name that is empty, or too long. */
    class KeyLengthException extends \LengthException implements StateException
    {
    }

    /** A declaration that is malformed, or not the one with which the table was made. */
    class SchemaException extends \InvalidArgumentException implements StateException
    {
    }

    /** What would be made here could be seen by this process only: make it before run() or pcntl_fork(). */
    class NotSharedException extends \LogicException implements StateException
    {
    }

    /** A row was changed by others during each of many tries to read it. */
    class BusyException extends \RuntimeException implements StateException
    {
    }

    /** The system gives no shared memory, or it is damaged. */
    class SharedMemoryException extends \RuntimeException implements StateException
    {
    }
}
