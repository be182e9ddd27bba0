<?php

/**
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the INI setting viaduct.aliases adds besides other names of Viaduct's classes, for code written
 * for other servers.
 *
 * @generate-class-entries
 */

namespace {

    /** Number of processors this process may use; group "openswoole". */
    function swoole_cpu_num(): int {}
}

namespace OpenSwoole {

    /**
     * The types of columns, for Store::make(); group "openswoole".
     *
     * @not-serializable
     */
    final class Table
    {
        /**
         * @var int
         */
        public const TYPE_INT = 1;

        /**
         * @var int
         */
        public const TYPE_FLOAT = 2;

        /**
         * @var int
         */
        public const TYPE_STRING = 3;

        private function __construct() {}
    }
}
