<?php
// SPDX-License-Identifier: Apache-2.0
// The broker that all of these scripts use, from the environment: BROKER (redis or nats), BROKER_HOST,
// BROKER_PORT, BROKER_PASSWORD. It is that of the Viaduct server whose pages shall show what is published.

use Viaduct\Broker\{NatsBroker, NetworkBroker, RedisBroker};

return (function (): NetworkBroker {
    $host = getenv('BROKER_HOST') ?: '127.0.0.1';
    $port = (int) getenv('BROKER_PORT');
    $secret = getenv('BROKER_PASSWORD') ?: null;

    return getenv('BROKER') === 'nats'
        ? new NatsBroker($host, $port ?: 4222, authToken: $secret)
        : new RedisBroker($host, $port ?: 6379, password: $secret);
})();
