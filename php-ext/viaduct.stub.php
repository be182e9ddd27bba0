<?php

/**
 * SPDX-License-Identifier: Apache-2.0
 *
 * The public API of the extension: what an IDE shows, and what viaduct_arginfo.h is made from
 * (scripts/gen-arginfo). Brokers are in broker.stub.php, shared state in state.stub.php.
 *
 * @generate-class-entries
 */

namespace Viaduct {

    /**
     * How the server runs. Mutable and fluent: every method changes this object and returns it.
     *
     * All durations are seconds; fractions are allowed, down to a millisecond.
     *
     * @strict-properties
     * @not-serializable
     */
    final class Config
    {
        /** Every value at its default; the defaults are those of the methods' parameters. */
        public function __construct() {}

        /**
         * Address to listen on: an IPv4 or IPv6 address, "0.0.0.0" or "::" for all.
         *
         * Default 127.0.0.1.
         *
         * @throws \ValueError when it is empty or holds a NUL byte
         */
        public function withHost(string $host): static {}

        /**
         * TCP port to listen on, 0 to 65535. 0: the kernel chooses a free one, which the log names.
         *
         * Default 3000.
         *
         * @throws \ValueError
         */
        public function withPort(int $port): static {}

        /**
         * Listen on one more address; may be called up to 16 times.
         *
         *     tcp://0.0.0.0:3000          an IPv4 address, or a name of this machine
         *     tcp://[::]:3000             IPv6, and IPv4 as well; with ?ipv6only IPv6 alone
         *     tcp://0.0.0.0:3000?reuseport   SO_REUSEPORT; options are joined by &
         *     unix:///run/viaduct.sock    a unix socket; with ?mode=0666 instead of 0660
         *
         * withHost() and withPort() are the first listener. When neither was called, the listeners
         * given here are all there is.
         *
         * @throws \ValueError
         */
        public function withListener(string $address): static {}

        /**
         * Proxies that are believed when they say for whom they ask: networks ("10.0.0.0/8",
         * "fd00::/8"), addresses, "unix" for whoever comes through a unix socket; at most 64. The
         * client's address, scheme and host come from their Forwarded or X-Forwarded-* headers, and
         * their X-Request-Id is kept. Headers of everybody else are ignored. Replaces what was set
         * before.
         *
         * Forwarded wins where both kinds are there: a proxy that writes X-Forwarded-For only must
         * remove Forwarded, or say so by withForwardedHeaders('x-forwarded').
         *
         * @throws \ValueError
         */
        public function withTrustedProxies(string ...$cidrs): static {}

        /**
         * Which headers of trusted proxies are looked at: "any", "forwarded" (RFC 7239), or
         * "x-forwarded". Choose the one that your proxy writes.
         *
         * Default "any".
         *
         * @throws \ValueError
         */
        public function withForwardedHeaders(string $which): static {}

        /**
         * Log every request: "common" (combined log format, then id, worker, queue and handling
         * time), "json" (one object a line) or "off". $to: the path of a file or named pipe, which
         * is opened again when it was renamed; or a descriptor, null for standard output. Query
         * strings are left out unless $query is true: they may hold secrets. A log that is not taken
         * fast enough loses lines, which are counted, and delays nobody.
         *
         * Default "off".
         *
         * @throws \ValueError
         */
        public function withAccessLog(string $format = "common", string|int|null $to = null, bool $query = false): static {}

        /**
         * Send the request's id to clients as X-Request-Id.
         *
         * Default true.
         */
        public function withRequestIdHeader(bool $on = true): static {}

        /**
         * Where `viaduct top` may look at this node: the path of a unix socket that only this user
         * (and root) can open. null: nowhere.
         *
         * Default: $XDG_RUNTIME_DIR/viaduct, /run/viaduct (root) or /tmp/viaduct-UID, where `viaduct
         * top` finds it by itself.
         *
         * @throws \ValueError
         */
        public function withControlSocket(?string $path): static {}

        /**
         * Number of worker processes that run PHP, 1 to 256. More than one needs a broker that
         * carries messages between processes, such as Broker\PipeBroker.
         *
         * Default 1.
         *
         * @throws \ValueError
         */
        public function withWorkerNum(int $workers): static {}

        /**
         * What carries broadcasts between workers and nodes. One of the classes of
         * Viaduct\Broker; a class of one's own cannot be used, because the broker runs in a
         * process without PHP.
         *
         * Default InMemoryBroker.
         *
         * @throws \InvalidArgumentException for a class of one's own
         */
        public function withBroker(Broker\Broker $broker): static {}

        /**
         * Capacity of the global state, made at startup: exactly so many keys. Memory is taken as they are
         * used.
         *
         * @param int $maxRows keys, 1 to 16,777,216
         * @param int $maxValueBytes bytes of one string, or of one value in serialized form, 1 to 1,048,576
         * @throws \ValueError
         */
        public function withGlobalStateTableSize(int $maxRows = 1024, int $maxValueBytes = 4096): static {}

        /** Show errors with their traces to clients. Never in production. Default off. */
        public function withDevMode(bool $devMode = true): static {}

        /**
         * Least level that is logged (to standard error): debug, info, warn, error or off.
         *
         * Default info.
         *
         * @throws \ValueError
         */
        public function withLogLevel(string $level): static {}

        /**
         * Seconds a handler may take, 0.001 to 86,400. A worker that takes longer is killed and its
         * client gets a 504.
         *
         * Default 30.
         *
         * @throws \ValueError
         */
        public function withRequestTimeout(int|float $seconds): static {}

        /**
         * Requests after which a worker ends and is replaced by a fresh one; 0: never.
         *
         * Default 0.
         *
         * @throws \ValueError
         */
        public function withMaxRequests(int $requests): static {}

        /**
         * Seconds that running requests get to finish once SIGTERM came, 0.001 to 86,400.
         *
         * Default 10.
         *
         * @throws \ValueError
         */
        public function withDrainTimeout(int|float $seconds): static {}

        /**
         * Largest request body in bytes, 1 to 1,099,511,627,776 (1 TiB); a larger one is answered 413.
         * Uploads (multipart/form-data) go to temporary files as they come, whatever their size; PHP's
         * own upload_max_filesize and post_max_size hold as well. Request::\$body is read into memory.
         *
         * Default 8,388,608 (8 MiB).
         *
         * @throws \ValueError
         */
        public function withMaxBodySize(int $bytes): static {}

        /**
         * Largest head of a request.
         *
         * @param int $lineBytes request line, 64 to 61,440; over it 414
         * @param int $headerBytes request line and headers, 1,024 to 61,440; over it 431
         * @param int $headerCount headers, 1 to 100; over it 431
         * @throws \ValueError
         */
        public function withHeaderLimits(int $lineBytes = 8192, int $headerBytes = 32768, int $headerCount = 100): static {}

        /**
         * Seconds from the first byte of a request to the end of its headers, 0.01 to 86,400; over
         * it 408.
         *
         * Default 10.
         *
         * @throws \ValueError
         */
        public function withHeaderTimeout(int|float $seconds): static {}

        /**
         * How slowly a request body may come: no pause longer than $seconds, and never further than
         * $seconds behind $minBytesPerSecond; over it 408. Time in which the server itself does not
         * read does not count.
         *
         * @param int|float $seconds 0.01 to 86,400
         * @param int $minBytesPerSecond 1 to 1,000,000,000
         * @throws \ValueError
         */
        public function withBodyTimeout(int|float $seconds = 30, int $minBytesPerSecond = 500): static {}

        /**
         * Seconds that a connection may be idle between requests, and that a client may take nothing
         * of its response, 0.01 to 86,400; then it is closed.
         *
         * Default 60.
         *
         * @throws \ValueError
         */
        public function withIdleTimeout(int|float $seconds): static {}

        /**
         * Connections that are open at a time.
         *
         * @param int $connections in all, 0 to 1,000,000; over it new ones wait unaccepted. 0: as
         * many as the hard limit of open files allows
         * @param int $perAddress of one IPv4 address or one IPv6 /64, 0 to 1,000,000; over it 503.
         * 0: no limit, as it must be behind a proxy
         * @throws \ValueError
         */
        public function withMaxConnections(int $connections = 0, int $perAddress = 0): static {}

        /**
         * Requests on one connection, 0 to 2,147,483,647; the last one is answered with
         * Connection: close. 0: no limit.
         *
         * Default 0.
         *
         * @throws \ValueError
         */
        public function withMaxConnectionRequests(int $requests): static {}

        /**
         * Requests that wait for a worker, 1 to 1,000,000; over it 503.
         *
         * Default 4,096.
         *
         * @throws \ValueError
         */
        public function withMaxQueue(int $requests): static {}

        /**
         * Bytes of all request bodies that are kept at a time, 2 times the request buffer to
         * 1,099,511,627,776; over it 503.
         *
         * Default 268,435,456 (256 MiB).
         *
         * @throws \ValueError
         */
        public function withUploadMemory(int $bytes): static {}

        /**
         * Bytes of all responses that wait for slow clients, 65,536 to 1,099,511,627,776; over it
         * each may be ahead of its client by 64 KiB only, then its worker waits.
         *
         * Default 268,435,456 (256 MiB).
         *
         * @throws \ValueError
         */
        public function withResponseMemory(int $bytes): static {}

        /**
         * Workers that may wait for clients to send long bodies, at a time, 0 to the number of
         * workers: what a body has beyond the request buffer comes as fast as the client sends it.
         * Further uploads wait in the queue. 0: half of the workers, at least one.
         *
         * Default 0.
         *
         * @throws \ValueError
         */
        public function withMaxUploadWorkers(int $workers): static {}

        /**
         * Bytes of pipelined requests that are kept while one is being answered, 1,024 to
         * 16,777,216; over it the server reads no further.
         *
         * Default 65,536 (64 KiB).
         *
         * @throws \ValueError
         */
        public function withPipelineBuffer(int $bytes): static {}

        /**
         * Bytes of a request body that are collected before a worker is given the request, and that
         * wait for it afterwards, 4,096 to 67,108,864. The larger, the less a slow client occupies a
         * worker; the more memory an upload takes.
         *
         * Default 1,048,576 (1 MiB).
         *
         * @throws \ValueError
         */
        public function withRequestBuffer(int $bytes): static {}

        /**
         * Bytes of a streamed response that wait for a slow client, 65,536 to 1,073,741,824; over it
         * the worker waits.
         *
         * Default 1,048,576 (1 MiB).
         *
         * @throws \ValueError
         */
        public function withResponseBuffer(int $bytes): static {}

        /**
         * Compression of the responses that handlers return, by the client's Accept-Encoding: brotli or
         * gzip. Done in the worker, for content that is text or like it (text/*, JSON, JavaScript, XML,
         * SVG, WebAssembly, ...).
         *
         * Left as they are: responses with a Content-Encoding of the handler's own, with
         * `Cache-Control: no-transform` or a digest header, 204, 206 and 304. Where a page shows a secret
         * (a CSRF token) beside text that an attacker chooses, compression tells its length: send such
         * pages with `no-transform`.
         *
         * On by default, but for event streams.
         *
         * @param int $minBytes shorter bodies are left alone, 1 to 1 GiB
         * @param int $level 1 (fast) to 9 (small)
         * @param bool $streams event streams, too, by gzip. Each event is compressed once for all streams,
         *     and by itself: that pays for fragments of HTML, not for events of a few hundred bytes
         * @throws \ValueError
         */
        public function withCompression(bool $enabled = true, int $minBytes = 1024, int $level = 4, bool $streams = false): static {}

        /**
         * Pages of other origins may call this server: preflights are answered without PHP, responses
         * and streams (not /_health and /metrics) get their Access-Control- lines and `Vary: Origin`. A
         * handler that sets Access-Control-Allow-Origin itself has its way for that response.
         *
         * Off by default: only pages of the same origin can read responses.
         *
         * @param string[] $origins as browsers send them: `https://app.example`, `http://localhost:5173`;
         *     or `['*']`. At most 64
         * @param string[] $methods or `['*']`
         * @param string[] $headers request headers that may be sent besides the ones that always may; or `['*']`
         * @param bool $credentials cookies and HTTP authentication are sent and responses can be read; not with any `*`
         * @param int $maxAge seconds that a browser may remember a preflight, 1 to 86,400
         * @throws \ValueError
         */
        public function withCors(
            array $origins,
            array $methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
            array $headers = ['Authorization', 'Content-Type', 'Last-Event-ID', 'X-Requested-With'],
            bool $credentials = false,
            int $maxAge = 600,
        ): static {}

        /**
         * Seconds between two comments on an idle stream, 0.001 to 86,400, so that proxies keep it
         * open and a vanished browser is noticed.
         *
         * Default 15.
         *
         * @throws \ValueError
         */
        public function withHeartbeat(int|float $seconds): static {}

        /**
         * Seconds a browser waits before it reconnects a broken stream, 0.001 to 86,400.
         *
         * Default 1.
         *
         * @throws \ValueError
         */
        public function withRetry(int|float $seconds): static {}

        /**
         * What is kept for streams that reconnect.
         *
         * @param int $messagesPerScope messages replayed at most for one scope, 1 to 1,000,000
         * @param int|float $seconds age up to which a message is replayed, 0.001 to 86,400
         * @throws \ValueError
         */
        public function withHistory(int $messagesPerScope = 1000, int|float $seconds = 300): static {}

        /**
         * Files that are served without any worker: a GET or HEAD request whose path names a file
         * below the directory is answered with it, all others go to the routes.
         *
         * Types go by extension; ETag, Last-Modified, conditional and range requests are answered,
         * and where a file has a sibling of the same name with .br or .gz behind it, clients that
         * take it get that. A directory is its index.html. Names that begin with a dot are not
         * served (but for /.well-known/), nor is what a symbolic link outside of the directory
         * leads to. See docs/static-files.md.
         *
         * Default none.
         *
         * @param string $directory relative to the current directory, or absolute
         * @param string $prefix path under which the files are seen
         * @param int $maxAge seconds for which browsers and caches may keep a file without asking, 0
         *     to 31,536,000; 0: they ask each time, and get a 304 when it is the same
         * @throws \ValueError
         */
        public function withStaticDir(string $directory, string $prefix = '/', int $maxAge = 0): static {}

        /**
         * Called once per node and error, in one worker: every failed attempt and every drop of the
         * broker's connection, an outbox that overflows. The error's text holds no secret.
         *
         * @param callable $handler fn(Broker\Exception\BrokerException $error): void; the class says what
         *                          it was, $attempt, $nextDelay and $driver the rest
         */
        public function onBrokerError(callable $handler): static {}
    }

    /**
     * The application: routes, streams, subscriptions, timers, and run().
     *
     * Everything is registered before run(), which forks the processes of the server. Handlers run in
     * the workers. State in PHP variables is a worker's own, and lasts as long as the worker; so do
     * INI settings that a handler changes. What register_shutdown_function() registers in a worker
     * is called when that worker ends. Set a memory_limit: the command line's default is none.
     *
     * @strict-properties
     * @not-serializable
     */
    final class App
    {
        public function __construct(?Config $config = null) {}

        /**
         * Answer GET (and HEAD) requests for a path.
         *
         * A path is literal text with {name} parameters, each of one or more bytes without a slash.
         * They are passed to the handler's parameters of the same names, percent-decoded; a parameter
         * typed int or float that the text does not fit is answered 404. The Request goes to the
         * parameter typed Viaduct\Request, else to the first one when no path parameter has its name.
         * Path parameters without a namesake fill the handler's remaining parameters in order.
         *
         * What a handler returns: string = HTML; array or JsonSerializable = JSON; int = that status
         * with its reason phrase; Response = as it is; null = 204; Traversable (a generator) = streamed
         * chunk by chunk. Anything else is a 500 with a line in the log, as is an uncaught
         * exception. What a handler prints stands before the body.
         *
         * @param string $path such as "/user/{id}"
         * @param callable $handler fn(Request $request, string $id): mixed
         * @throws \ValueError for a malformed path, or one that is taken
         * @throws \InvalidArgumentException when the handler requires a parameter that the path lacks
         */
        public function get(string $path, callable $handler): static {}

        /** @see App::get() */
        public function post(string $path, callable $handler): static {}

        /** @see App::get() */
        public function put(string $path, callable $handler): static {}

        /** @see App::get() */
        public function patch(string $path, callable $handler): static {}

        /** @see App::get() */
        public function delete(string $path, callable $handler): static {}

        /**
         * Answer requests with one of several methods; any method when none is named.
         *
         * @param string $methods such as "GET", "POST"
         * @see App::get()
         */
        public function route(string $path, callable $handler, string ...$methods): static {}

        /**
         * Open a stream of server-sent events. The handler names the scope or scopes to follow
         * (globs are allowed); from then on the stream needs no PHP. Whoever may not follow is refused
         * by an int or a Response: 401, 403, or 204, at which a browser does not come back.
         *
         * @param callable $handler fn(Request $request): string|array|int|Response
         * @see App::get() for path and parameters
         */
        public function stream(string $path, callable $handler): static {}

        /**
         * Be asked before the route, for streams and for paths without a route, too. Null goes on;
         * anything else is the answer, by the rules of a handler's result. Hooks are asked in the order
         * of their registration; the first that answers is the last that is asked. The handler gets
         * the same Request.
         *
         * @param callable $handler fn(Request $request): mixed
         * @param string $path only for this path and what is below it: "/admin" is for "/admin/users",
         *                     not for "/administrator". {name} stands for any one segment. Compared as
         *                     routes are: percent-decoded. Empty: every request
         * @throws \ValueError for a malformed path
         */
        public function before(callable $handler, string $path = ""): static {}

        /**
         * Be shown what will be answered, once a request: a handler's result as a Response that holds
         * everything (what was printed, header(), setcookie()), error pages, for a streamed body its
         * head. Change it, or return another. The head of an event stream has status 200 and an empty
         * body; whoever makes something else of it refuses the stream. After a fatal error no hook is
         * called.
         *
         * @param callable $handler fn(Request $request, Response $response): ?Response
         * @param string $path as for before()
         * @throws \ValueError for a malformed path
         */
        public function after(callable $handler, string $path = ""): static {}

        /**
         * Write the pages of errors: a path without a route (404) or without the method (405), an
         * uncaught exception (500, or what an HttpException says), an int that a handler returned with
         * nothing printed. A Response that a handler made is left alone. What the error handler returns is
         * treated like any handler's result and sent with the status of the error, unless it is an int
         * or a Response; null is the plain page. When it fails, the plain page is sent and both
         * failures are in the log. After a fatal error it is not called.
         *
         * @param int $status 400 to 599; 0: any that has no handler of its own
         * @param callable $handler fn(Request $request, ?\Throwable $error): mixed
         * @throws \ValueError for another status, or one that is taken
         */
        public function error(int $status, callable $handler): static {}

        /**
         * Tell everyone who follows a scope, on every node.
         *
         * @param string $scope "global", "session:<id>", "route:/path" or free text such as "room:lobby";
         *                      at most 256 bytes of UTF-8 without white space; * matches anything
         * @param string|array|null $data bytes; an array is sent as JSON; null: an invalidation, whoever
         *                                shows the scope renders again
         * @param string|null $event the event's name in browsers; at most 128 bytes
         * @throws \ValueError when scope or event is malformed
         * @throws \RuntimeException outside of a worker
         * @throws \JsonException when the array cannot be encoded
         * @throws Broker\Exception\OverflowException when the data is larger than a message may be, or the broker's outbox is full and its policy "fail"
         * @throws Broker\Exception\TimeoutException when the gateway takes nothing in
         * @throws Broker\Exception\ConnectionException when the gateway died meanwhile
         */
        public function broadcast(string $scope, string|array|null $data = null, ?string $event = null): void {}

        /**
         * Be told of every message that matches a pattern: once per node and message, in one worker.
         *
         * @param string $pattern a scope, with * as glob
         * @param callable $handler fn(Message $message): void
         * @throws \ValueError for a malformed pattern
         */
        public function subscribe(string $pattern, callable $handler): static {}

        /**
         * The same in every worker: to keep a cache or other state of the process true.
         *
         * @param callable $handler fn(Message $message): void
         * @throws \ValueError for a malformed pattern
         */
        public function subscribeAll(string $pattern, callable $handler): static {}

        /**
         * Call something again and again, once per node, in one live worker.
         *
         * @param callable $handler fn(): void
         * @param int $milliseconds 1 to 86,400,000; a call that is late happens once, not once for
         *                          each missed tick
         * @throws \ValueError
         */
        public function setInterval(callable $handler, int $milliseconds): static {}

        /**
         * The same in every worker.
         *
         * @param int $milliseconds 1 to 86,400,000
         * @throws \ValueError
         */
        public function setWorkerInterval(callable $handler, int $milliseconds): static {}

        /**
         * Called once in every worker before its first request, and again in a worker that replaces
         * another.
         *
         * @param callable $handler fn(int $workerId, bool $isFirst): void; ids count from 0; the first is
         *                          worker 0 when the server starts, and no replacement
         */
        public function onStart(callable $handler): static {}

        /**
         * Called once in every worker that ends in order.
         *
         * @param callable $handler fn(int $workerId): void
         */
        public function onShutdown(callable $handler): static {}

        /**
         * Called once, in one worker, for each stream that opens.
         *
         * @param callable $handler fn(string $streamId): void
         */
        public function onClientConnect(callable $handler): static {}

        /**
         * Called once, in one worker, for each stream that closes. Not for those that were cut because
         * the gateway died: onGap() is called then, and whoever counts streams begins anew.
         *
         * @param callable $handler fn(string $streamId): void
         */
        public function onClientDisconnect(callable $handler): static {}

        /**
         * Called in every worker that may have lost messages for its subscriptions, because it was too
         * slow for them or the gateway was restarted: load anew what it keeps by subscribe() or
         * subscribeAll(). After what was lost, before what comes next.
         *
         * @param callable $handler fn(): void
         */
        public function onGap(callable $handler): static {}

        /**
         * @param callable $handler fn(Broker\Exception\BrokerException $error): void
         * @see Config::onBrokerError()
         */
        public function onBrokerError(callable $handler): static {}

        /**
         * Broadcast a scope when rows of a table change: as broadcast($scope) does, an invalidation.
         *
         *     $app->bindStore('rooms', 'room:{key}');      // each row has a scope of its own
         *     $app->bindStore('rooms', 'rooms');           // any change
         *
         * Changes that workers make are told when their handler is done, once for a scope, however many
         * there were, and every 20 ms at most; a handler that takes long tells every 100 ms, as it goes on
         * changing. Rows whose time is over are not changes.
         *
         * @param string $table made before
         * @param string $scope {key} in it stands for the row's key; keys that cannot be part of a scope are
         *     left out, with a line in the log
         * @param string|null $key only this one; with * as glob. Null: any
         * @throws \ValueError for a malformed scope, or an empty $key
         * @throws Exception\UnknownTableException
         * @throws \RuntimeException after run()
         */
        public function bindStore(string $table, string $scope, ?string $key = null): static {}

        /**
         * Broadcast a scope when a counter changes.
         *
         * @see App::bindStore()
         */
        public function bindCounter(Counter $counter, string $scope): static {}

        /**
         * Broadcast a scope when values of the global state change.
         *
         * @param string $key with * as glob
         * @param string $scope {key} in it stands for the key
         * @see App::bindStore()
         */
        public function bindGlobalState(string $key, string $scope): static {}

        /**
         * A value of the global state, or the default when the key is not there.
         *
         * @see GlobalState::get()
         * @implementation-alias Viaduct\GlobalState::get
         */
        public function globalState(string $key, mixed $default = null): mixed {}

        /**
         * Set a value of the global state: at once for all workers.
         *
         * @see GlobalState::set() for what it throws
         * @implementation-alias Viaduct\GlobalState::set
         */
        public function setGlobalState(string $key, mixed $value): void {}

        /**
         * Serve until SIGTERM or SIGINT. What follows in the script runs once, in the process that
         * called, after the server has ended; never in a worker.
         *
         * @throws \RuntimeException when the address is taken, the process has threads, the broker does
         *                           not fit the number of workers, the server runs already, or in a Fiber
         */
        public function run(): void {}
    }

    /**
     * One HTTP request. The arrays are built when they are first read.
     *
     * @strict-properties
     * @not-serializable
     */
    final class Request
    {
        /** As sent: "GET". */
        public readonly string $method;

        /** Without the query string, as sent (not percent-decoded). */
        public readonly string $path;

        /** What follows the question mark; empty when there is none. */
        public readonly string $query;

        /**
         * The body as it came, read into memory. The body can be had once: as this, as $post and $files,
         * or from bodyStream(); whoever comes later gets what the others have left.
         *
         * Reading it throws a \RuntimeException when the client left before its end.
         */
        public readonly string $body;

        /**
         * request_method, request_uri (without the query string), path_info (decoded), query_string,
         * request_time, request_time_float, server_protocol, server_addr, server_port, remote_addr,
         * remote_port, request_scheme, https ("on", only when it is), http_host, request_id. Behind
         * trusted proxies they are the client's.
         */
        public readonly array $server;

        /** Headers by lower-case name; repeated ones are joined by ", " (Cookie by "; "). */
        public readonly array $header;

        /** Parameters of the query string, by PHP's rules (a[]=1 makes an array). */
        public readonly array $get;

        /**
         * Form fields of an urlencoded or multipart body, by PHP's rules.
         *
         * Reading it throws an HttpException with 413 when the form is larger than php.ini's post_max_size,
         * and a \RuntimeException when the client left before its end.
         */
        public readonly array $post;

        /** Cookies, decoded, by PHP's rules. */
        public readonly array $cookie;

        /**
         * Uploaded files of a multipart body, in the form of PHP's own $_FILES. They go to temporary
         * files as they come; those that are not moved away by move_uploaded_file() are removed after
         * the request. Throws as $post does.
         */
        public readonly array $files;

        /** "https" when the client spoke TLS to a trusted proxy, else "http". */
        public readonly string $scheme;

        /** Names the request in logs and in the response's X-Request-Id. */
        public readonly string $requestId;

        private function __construct() {}

        /** A header's value by its name in any case; null when the request has none. */
        public function header(string $name): ?string {}

        /** The body as it came. */
        public function rawContent(): string {}

        /** The body as it came. */
        public function getContent(): string {}

        /**
         * The body as a stream to read from while the client sends it, of any length in little memory:
         * fread($stream, $n) waits for $n bytes or the end. It cannot be rewound; what was read from it is
         * no longer in $body. Kept beyond its request it is at its end.
         *
         * Reading throws a \RuntimeException when the client left before the end of the body.
         *
         * @return resource
         */
        public function bodyStream() {}
    }

    /**
     * One HTTP response. Mutable and fluent: with* and cookie() change this object and return it.
     *
     * @strict-properties
     * @not-serializable
     */
    final class Response
    {
        /** 200 to 599. */
        public readonly int $status;

        /** Lists of values by header name, as they are sent. */
        public readonly array $headers;

        /** The body; a Traversable is streamed chunk by chunk. */
        public readonly string|\Traversable $body;

        /**
         * @param array $headers values by name; a list of values sends the header several times
         * @throws \ValueError
         */
        public function __construct(string|\Traversable $body = "", int $status = 200, array $headers = []) {}

        /** Content-Type: text/html; charset=utf-8 */
        public static function html(string $body, int $status = 200): Response {}

        /**
         * Content-Type: application/json
         *
         * @throws \JsonException when the data cannot be encoded
         */
        public static function json(mixed $data, int $status = 200): Response {}

        /** Content-Type: text/plain; charset=utf-8 */
        public static function text(string $body, int $status = 200): Response {}

        /**
         * @param int $status 301, 302, 303, 307 or 308
         * @throws \ValueError for another status
         */
        public static function redirect(string $location, int $status = 302): Response {}

        /** @throws \ValueError when it is not from 200 to 599 */
        public function withStatus(int $status): static {}

        /**
         * Replace a header. A name or value that cannot be sent (a line break, a space in a name) is
         * refused when the response is sent: a 500, and a line in the log that names the header.
         *
         * @param string|array $value a list of values sends the header several times
         */
        public function withHeader(string $name, string|array $value): static {}

        /** Send one more header of that name. */
        public function withAddedHeader(string $name, string $value): static {}

        /** Drop a header. */
        public function withoutHeader(string $name): static {}

        public function withBody(string|\Traversable $body): static {}

        /**
         * Add a Set-Cookie header.
         *
         * @param string $value percent-encoded on the way out
         * @param int $expires Unix time in seconds, up to the year 9999; 0: when the browser closes
         * @param string $sameSite "Lax", "Strict", "None" (needs $secure) or "" to leave it out
         * @throws \ValueError
         */
        public function cookie(string $name, string $value = "", int $expires = 0, string $path = "/", string $domain = "", bool $secure = false, bool $httpOnly = true, string $sameSite = "Lax"): static {}
    }

    /**
     * Ends a request with a status: throw new HttpException("not yours", 403). The code is the status,
     * 400 to 599, anything else is a 500; the text goes to the log (level debug below 500), not to the
     * client. error() handlers answer it.
     *
     * Thrown by Request::$post and $files with 413 when a form is larger than php.ini's
     * post_max_size.
     */
    class HttpException extends \RuntimeException
    {
    }

    /**
     * What a subscriber gets.
     *
     * @strict-properties
     * @not-serializable
     */
    final class Message
    {
        public readonly string $scope;

        /** The event's name; null when it has none. */
        public readonly ?string $event;

        /** The data; null for an invalidation. */
        public readonly ?string $data;

        /** Id of the node that published it: 16 hexadecimal digits; empty when not known. */
        public readonly string $origin;

        /** Per origin, from 1; 0 when the origin sends none. */
        public readonly int $sequence;

        private function __construct() {}

        /** No data: whoever shows the scope renders again. */
        public function isInvalidation(): bool {}
    }

    /**
     * Names of scopes, and the one grammar that every node keeps to.
     *
     * @strict-properties
     * @not-serializable
     */
    final class Scope
    {
        /**
         * One tab of one browser.
         *
         * @var string
         */
        public const TAB = "tab";

        /**
         * Everyone.
         *
         * @var string
         */
        public const GLOBAL = "global";

        private function __construct() {}

        /**
         * "session:<id>"
         *
         * @throws \ValueError when the id is empty or cannot be part of a scope
         */
        public static function session(string $id): string {}

        /**
         * "route:/path"
         *
         * @throws \ValueError when the path does not start with a slash
         */
        public static function route(string $path): string {}

        /**
         * "room:<name>"
         *
         * @throws \ValueError when the name is empty or cannot be part of a scope
         */
        public static function room(string $name): string {}

        /** Does the pattern (with or without *) match the scope, read literally? */
        public static function matches(string $pattern, string $scope): bool {}

        /** @throws \ValueError that says what is wrong and what is allowed */
        public static function check(string $scope): void {}
    }
}
