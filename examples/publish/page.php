<?php
// SPDX-License-Identifier: Apache-2.0
// From a web request of any framework under php-fpm: the controller does its work, then tells the
// browsers. The link is made for this request and ends with it; a broker that is away must not take the
// page with it, nor make it wait for long.

use Viaduct\Broker\Exception\BrokerException;

$order = (int) ($_GET['order'] ?? 0);
// ... save the order ...
try {
    (require __DIR__ . '/broker.php')->publish('orders', ['id' => $order, 'status' => 'paid'], 'order', timeout: 1);
    $told = true;
} catch (BrokerException $e) {
    error_log('orders: ' . $e->getMessage()); // holds no secret
    $told = false;
}
header('Content-Type: application/json');
echo json_encode(['order' => $order, 'told' => $told]);
