<?php
// SPDX-License-Identifier: Apache-2.0
// The broker that all of these scripts use: VIADUCT_BROKER in the environment, such as redis://:PASSWORD@HOST:PORT or
// nats://TOKEN@HOST:PORT. It is that of the Viaduct server whose pages shall show what is published.

use function Viaduct\Broker\from_url;

return from_url(getenv('VIADUCT_BROKER') ?: 'redis://127.0.0.1:6379');
