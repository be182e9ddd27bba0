<?php

/**
 * SPDX-License-Identifier: Apache-2.0
 *
 * Brokers and their exceptions: what an IDE shows, and what broker_arginfo.h is made from
 * (scripts/gen-arginfo). The rest is in viaduct.stub.php.
 *
 * @generate-class-entries
 */

namespace Viaduct\Broker {

    /** What carries messages between workers and nodes. Implemented by the classes of this namespace only. */
    interface Broker
    {
    }

    /**
     * A broker with a server of its own. Given to Config::withBroker() it joins the nodes of an app. Without
     * an app, in any PHP script (a cron job, an FPM request, a queue worker), it publishes and subscribes:
     *
     *     $broker = new RedisBroker('redis.internal');
     *     $broker->publish('room:lobby', 'hello');
     *
     * The link is made at the first use, belongs to this object and this process, and ends with the object.
     * It is driven by these methods only; handlers run in poll() only. Durations are seconds, 0.001 to
     * 86,400.
     */
    interface NetworkBroker extends Broker
    {
        /**
         * Return when the link is up: connected, logged in, subscribed, and a message has come back. A
         * server that is away is tried again until the time is up; one that refuses is not.
         *
         * @throws Exception\BrokerException the class that fits the last failure; a TimeoutException when
         *                                   there was none
         */
        public function connect(int|float $timeout = 5.0): void;

        /**
         * Publish one message; returns when the server has confirmed it. An exception says by $mayArrive
         * whether the message may arrive all the same: false, it was not sent, nobody gets it; true, it was
         * sent and not confirmed, and is sent again while this object lives and is used.
         *
         * In a Viaduct worker App::broadcast() is the better way: it needs no link of its own.
         *
         * @param string $scope as in App::broadcast()
         * @param string|array|null $data bytes, at most 1 MiB; an array is sent as JSON; null: an invalidation
         * @param string|null $event at most 128 bytes
         * @throws \ValueError when scope or event is malformed
         * @throws \JsonException when the array cannot be encoded
         * @throws Exception\BrokerException
         */
        public function publish(string $scope, string|array|null $data = null, ?string $event = null, int|float $timeout = 5.0): void;

        /**
         * Have poll() call the handler for each message of others whose scope overlaps the pattern.
         * What this object publishes is not among them.
         *
         * @param string $pattern a scope; * matches anything
         * @param callable $handler fn(\Viaduct\Message $message): void
         * @return int for unsubscribe()
         * @throws \ValueError when the pattern is malformed
         */
        public function subscribe(string $pattern, callable $handler): int;

        /** End a subscription: its handler is called no more. An id that is none is ignored. */
        public function unsubscribe(int $subscription): void;

        /**
         * Wait until messages come, and call the handlers of those that are there. Ends early after the
         * first ones, and after a signal. A handler's exception comes out of poll(); what was not handled
         * yet is handled by the next call.
         *
         * The link is made, and made anew, on the way; failures go to onError(), not into an exception.
         *
         * @param int|float $timeout 0 to 86,400; 0: do not wait
         * @return int messages for which a handler was called
         * @throws Exception\BrokerException within a handler of this object; in a forked copy
         */
        public function poll(int|float $timeout = 1.0): int;

        /** Was the link up when it was last looked at? Looks at it now, and does not wait. */
        public function isConnected(): bool;

        /**
         * Have poll() call the handler for each failed attempt and each link that broke.
         *
         * @param callable $handler fn(Exception\BrokerException $error): void
         */
        public function onError(callable $handler): static;

        /**
         * Have poll() call the handler where messages were lost or may have been, before the next one
         * that did arrive: read again what you keep.
         *
         * @param callable $handler fn(string $reason, int $missed, string $origin): void; reason:
         *                          "sequence", "overflow" or "reconnect"; missed: how many, 0: not known;
         *                          origin: whose, "": anybody's
         */
        public function onGap(callable $handler): static;

        /**
         * Facts about this object's link; does not wait:
         *
         *     driver          "RedisBroker"
         *     state           "idle" (not opened), "connecting", "connected", "waiting" (for the next attempt)
         *     connected       bool
         *     attempts        failed ones since the link was last up for good
         *     nextDelay       seconds from the last failure to the next attempt; 0.0 unless waiting
         *     rtt             seconds of the last round trip; null: not measured
         *     outboxMessages, outboxBytes   accepted, not confirmed
         *     nodeId          as others see it; null before the link is opened
         *     counters        published, received, own_filtered, duplicates, malformed, gaps, ...: as in /metrics
         */
        public function status(): array;

        /**
         * Hand over what was not confirmed yet, and end the link. Subscriptions and handlers stay: a
         * later use makes a new link. Nothing is open: nothing happens.
         *
         * @throws Exception\TimeoutException when not all was confirmed in time; the link is ended, too
         */
        public function close(int|float $timeout = 5.0): void;
    }

    /**
     * One worker, no connection: nothing to set up.
     *
     * @strict-properties
     * @not-serializable
     */
    final class InMemoryBroker implements Broker
    {
        public function __construct() {}
    }

    /**
     * Several workers of one machine, through shared memory: nothing to set up.
     *
     * @strict-properties
     * @not-serializable
     */
    final class PipeBroker implements Broker
    {
        public function __construct() {}
    }

    /**
     * Several machines, by way of a Redis server (or Valkey): publish and subscribe on one channel.
     *
     * Secrets are in no dump, trace, log or exception. An object can be neither cloned nor serialized.
     *
     * @strict-properties
     * @not-serializable
     */
    final class RedisBroker implements NetworkBroker
    {
        /**
         * Checks what can be checked without asking the server; connects later.
         *
         * @param string $host name, IPv4 or IPv6 address; a certificate must be for this name. Or the
         *                     absolute path of a unix socket
         * @param int $port 1 to 65,535
         * @param string|null $password of requirepass, or of the ACL user
         * @param string|null $username of an ACL user (Redis 6); needs a password. Minimal permissions:
         *                              +subscribe +publish +ping &<channel>
         * @param string $channel 1 to 256 bytes; one for each app that shares the server
         * @param bool $tls TLS 1.2 or later; chain and host name are always verified
         * @param string|null $tlsCaFile PEM file of the authorities to trust; null: the system's
         * @param string|null $tlsCertFile PEM file of a client certificate, with its chain
         * @param string|null $tlsKeyFile its key, without a passphrase; null: it is in $tlsCertFile
         * @param string[] $servers more servers: each attempt goes on to the next, from $host to the last
         *                          and around. "host:port", "[::1]:port", or "host" (at $port); at most 15
         * @param callable|null $credentials fn(): array, asked before each attempt, so that passwords may
         *                                   rotate: ['password' => ..., 'username' => ...]. Instead of
         *                                   $password and $username. In a server one of the workers is asked
         * @param int|float $probeInterval seconds, 0.1 to 3,600; a frozen or deaf link is noticed within two
         * @param int|float $connectTimeout seconds of one attempt, 0.1 to 3,600
         * @param int $outboxMessages kept while the link is down, 1 to 1,000,000
         * @param int $outboxBytes of these, 1,024 to 1,073,741,824 (default 4 MiB)
         * @param string $outboxPolicy when it is full: "drop-oldest", or "fail" (the new one is refused)
         * @throws \ValueError that names the parameter
         */
        public function __construct(
            string $host = "127.0.0.1",
            int $port = 6379,
            #[\SensitiveParameter]
            ?string $password = null,
            ?string $username = null,
            string $channel = "via:broadcast",
            bool $tls = false,
            ?string $tlsCaFile = null,
            ?string $tlsCertFile = null,
            ?string $tlsKeyFile = null,
            array $servers = [],
            ?callable $credentials = null,
            int|float $probeInterval = 5.0,
            int|float $connectTimeout = 5.0,
            int $outboxMessages = 1000,
            int $outboxBytes = 4194304,
            string $outboxPolicy = "drop-oldest",
        ) {}

        public function connect(int|float $timeout = 5.0): void {}

        public function publish(string $scope, string|array|null $data = null, ?string $event = null, int|float $timeout = 5.0): void {}

        public function subscribe(string $pattern, callable $handler): int {}

        public function unsubscribe(int $subscription): void {}

        public function poll(int|float $timeout = 1.0): int {}

        public function isConnected(): bool {}

        public function onError(callable $handler): static {}

        public function onGap(callable $handler): static {}

        public function status(): array {}

        public function close(int|float $timeout = 5.0): void {}
    }

    /**
     * Several machines, by way of a NATS server: publish and subscribe on one subject.
     *
     * Secrets are in no dump, trace, log or exception. An object can be neither cloned nor serialized.
     *
     * @strict-properties
     * @not-serializable
     */
    final class NatsBroker implements NetworkBroker
    {
        /**
         * Checks what can be checked without asking the server; connects later. Of $authToken, $username
         * with $password, $nkeySeedFile, $credsFile and $credentials one may be given.
         *
         * @param string $host name, IPv4 or IPv6 address; a certificate must be for this name
         * @param int $port 1 to 65,535
         * @param string $subject 1 to 256 bytes, words joined by dots, without wildcards; one for each app
         *                        that shares the server
         * @param bool $tls TLS 1.2 or later; chain and host name are always verified
         * @param string|null $tlsCaFile PEM file of the authorities to trust; null: the system's
         * @param string|null $username needs a password
         * @param string|null $nkeySeedFile file that holds the seed of an nkey
         * @param string|null $credsFile file that holds a user's JWT and seed
         * @param string|null $tlsCertFile PEM file of a client certificate, with its chain
         * @param string|null $tlsKeyFile its key, without a passphrase; null: it is in $tlsCertFile
         * @param string[] $servers more servers: each attempt goes on to the next, from $host to the last
         *                          and around. "host:port", "[::1]:port", or "host" (at $port); at most 15
         * @param callable|null $credentials fn(): array, asked before each attempt, so that they may rotate;
         *                                   keys as the parameters: ['authToken' => ...],
         *                                   ['username' => ..., 'password' => ...], ['nkeySeedFile' => ...]
         *                                   or ['credsFile' => ...]. In a server one of the workers is asked
         * @param int|float $probeInterval seconds, 0.1 to 3,600; a frozen or deaf link is noticed within two
         * @param int|float $connectTimeout seconds of one attempt, 0.1 to 3,600
         * @param int $outboxMessages kept while the link is down, 1 to 1,000,000
         * @param int $outboxBytes of these, 1,024 to 1,073,741,824 (default 4 MiB)
         * @param string $outboxPolicy when it is full: "drop-oldest", or "fail" (the new one is refused)
         * @throws \ValueError that names the parameter
         */
        public function __construct(
            string $host = "127.0.0.1",
            int $port = 4222,
            #[\SensitiveParameter]
            ?string $authToken = null,
            string $subject = "via.broadcast",
            bool $tls = false,
            ?string $tlsCaFile = null,
            ?string $username = null,
            #[\SensitiveParameter]
            ?string $password = null,
            ?string $nkeySeedFile = null,
            ?string $credsFile = null,
            ?string $tlsCertFile = null,
            ?string $tlsKeyFile = null,
            array $servers = [],
            ?callable $credentials = null,
            int|float $probeInterval = 5.0,
            int|float $connectTimeout = 5.0,
            int $outboxMessages = 1000,
            int $outboxBytes = 4194304,
            string $outboxPolicy = "drop-oldest",
        ) {}

        /** @implementation-alias Viaduct\Broker\RedisBroker::connect */
        public function connect(int|float $timeout = 5.0): void {}

        /** @implementation-alias Viaduct\Broker\RedisBroker::publish */
        public function publish(string $scope, string|array|null $data = null, ?string $event = null, int|float $timeout = 5.0): void {}

        /** @implementation-alias Viaduct\Broker\RedisBroker::subscribe */
        public function subscribe(string $pattern, callable $handler): int {}

        /** @implementation-alias Viaduct\Broker\RedisBroker::unsubscribe */
        public function unsubscribe(int $subscription): void {}

        /** @implementation-alias Viaduct\Broker\RedisBroker::poll */
        public function poll(int|float $timeout = 1.0): int {}

        /** @implementation-alias Viaduct\Broker\RedisBroker::isConnected */
        public function isConnected(): bool {}

        /** @implementation-alias Viaduct\Broker\RedisBroker::onError */
        public function onError(callable $handler): static {}

        /** @implementation-alias Viaduct\Broker\RedisBroker::onGap */
        public function onGap(callable $handler): static {}

        /** @implementation-alias Viaduct\Broker\RedisBroker::status */
        public function status(): array {}

        /** @implementation-alias Viaduct\Broker\RedisBroker::close */
        public function close(int|float $timeout = 5.0): void {}
    }

    /**
     * The broker that a URL names, for a configuration that has it in one word:
     *
     *     ->withBroker(from_url(getenv('VIADUCT_BROKER') ?: 'pipe:'))
     *
     *     pipe:   memory:
     *     redis://[[USER]:PASSWORD@]HOST[:PORT][,HOST[:PORT]...]
     *     nats://[USER:PASSWORD@|TOKEN@]HOST[:PORT][,HOST[:PORT]...]
     *     rediss://, tls://   the same with TLS
     *     redis+unix://[[USER]:PASSWORD@]/PATH
     *
     * User, password and token are percent-encoded.
     *
     * @param mixed $options further parameters of the class's constructor, by name
     * @throws \ValueError when it is no such URL (the text does not repeat it), or as the constructor
     */
    function from_url(string $url, mixed ...$options): Broker {}
}

namespace Viaduct\Broker\Exception {

    /**
     * Whatever goes wrong with a broker. Texts hold no secret. The code is one of the constants.
     */
    class BrokerException extends \RuntimeException
    {
        /** @var int */
        public const CONNECTION = 1;

        /** @var int */
        public const AUTHENTICATION = 2;

        /** @var int */
        public const TLS = 3;

        /** @var int */
        public const TIMEOUT = 4;

        /**
         * A limit was reached, or the outbox is full.
         *
         * @var int
         */
        public const OVERFLOW = 5;

        /**
         * What answers speaks another protocol.
         *
         * @var int
         */
        public const PROTOCOL = 6;

        /**
         * Not possible now: a forked copy, poll() within a handler.
         *
         * @var int
         */
        public const STATE = 7;

        /**
         * This build of the extension has no such driver.
         *
         * @var int
         */
        public const UNSUPPORTED = 8;

        /** "RedisBroker"; empty when no driver of a link is concerned. */
        public readonly string $driver = "";

        /** Failed attempts since the link was last up for good. */
        public readonly int $attempt = 0;

        /** Seconds until the next attempt; 0.0 when none is waiting. */
        public readonly float $nextDelay = 0.0;

        /** Of publish(): false: nobody gets the message. True: it was sent, and not confirmed. */
        public readonly bool $mayArrive = false;
    }

    /** The connection could not be made, or broke. */
    class ConnectionException extends BrokerException
    {
    }

    /** The broker's server refused the credentials. */
    class AuthenticationException extends BrokerException
    {
    }

    /** The certificate or the handshake is bad. */
    class TlsException extends BrokerException
    {
    }

    /** No answer in time. */
    class TimeoutException extends BrokerException
    {
    }

    /** Larger than a limit allows. */
    class OverflowException extends BrokerException
    {
    }
}
