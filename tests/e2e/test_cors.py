# SPDX-License-Identifier: Apache-2.0
"""CORS by configuration: raw requests, and a page of one origin in a browser that calls another."""
import json
from urllib.parse import urlencode

from support.wait import until

APP = "https://app.example"
PLAIN = "/reply?" + urlencode({"header": "Content-Type: text/plain", "bytes": 10})


def ask(connection, target, origin=None, method="GET", **headers):
    fields = [("Origin", origin)] if origin else []
    return connection.request(method, target, headers=[*fields, *((k.replace("_", "-"), v) for k, v in headers.items())])


def values(answer, name):
    return [value for key, value in answer.headers if key.lower() == name.lower()]


def cors(answer):
    return {key.lower()[15:]: value for key, value in answer.headers if key.lower().startswith("access-control-")}


def preflight(connection, target, origin, method="PUT", headers="X-Mine"):
    return ask(connection, target, origin, "OPTIONS", Access_Control_Request_Method=method,
               Access_Control_Request_Headers=headers)


def test_without_configuration_there_is_none(start):
    with start(workers=1).connect() as connection:
        assert cors(ask(connection, "/hello", APP)) == {} and values(ask(connection, "/hello", APP), "Vary") == []
        assert preflight(connection, "/hello", APP).status == 405  # PHP's business


def test_answers_of_workers_and_of_the_gateway_have_the_lines(start):
    server = start(workers=1, cors_origins=f"https://other.example {APP}", cors_credentials=1)
    with server.connect() as connection:
        for target in ("/hello", "/big?bytes=100000", "/large?bytes=100000", "/nowhere"):
            answer = ask(connection, target, APP)
            assert cors(answer) == {"allow-origin": APP, "allow-credentials": "true"}, target
            assert "Origin" in values(answer, "Vary"), target
        for origin in (None, "https://app.example.evil", "http://app.example", "null", APP.upper(), APP + ":444"):
            answer = ask(connection, "/hello", origin)
            assert cors(answer) == {} and values(answer, "Vary") == ["Origin"] and answer.status == 200, origin
        assert cors(ask(connection, "/events?scope=a&scope=", APP, "HEAD"))["allow-origin"] == APP
        assert values(ask(connection, "/large?bytes=5000", APP), "Vary") == ["Origin", "Accept-Encoding"]
    with server.connect() as connection:
        connection.send(f"GET /events?scope=a HTTP/1.1\r\nHost: t\r\nOrigin: {APP}\r\n\r\n".encode())
        assert f"Access-Control-Allow-Origin: {APP}\r\n" in connection._until(b"\r\n\r\n").decode()
    with server.connect() as connection:  # refused by the gateway: the page may know why
        assert cors(connection.request("POST", "/echo", headers=[
            ("Origin", APP), ("Content-Length", 99999999999)]))["allow-origin"] == APP


def test_preflights_reach_no_worker(start):
    server = start(workers=1, cors_origins=APP, cors_headers="X-Mine, Content-Type", cors_max_age_s=77)
    before = server.busy_ticks(server.workers()[0])
    with server.connect() as connection:
        for target in ("/hello", "/nowhere", PLAIN):
            answer = preflight(connection, target, APP)
            assert answer.status == 204 and cors(answer) == {
                "allow-origin": APP, "allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
                "allow-headers": "X-Mine, Content-Type", "max-age": "77"}
            assert values(answer, "Vary") == ["Origin", "Access-Control-Request-Method, Access-Control-Request-Headers"]
        refused = preflight(connection, "/hello", "https://evil.example")
        assert refused.status == 403 and cors(refused) == {} and values(refused, "Vary") == ["Origin"]
        assert connection.get("/hello").status == 200
        # OPTIONS that is no preflight is the application's
        assert ask(connection, PLAIN, APP, "OPTIONS").status == 200
        assert ask(connection, PLAIN, None, "OPTIONS", Access_Control_Request_Method="PUT").status == 200
    assert server.busy_ticks(server.workers()[0]) - before < 50


def test_lists_can_be_a_star_or_none(start):
    with start(workers=1, cors_origins="*", cors_methods="*", cors_headers="-").connect() as connection:
        answer = preflight(connection, "/hello", "https://anyone.example")
        assert cors(answer) == {"allow-origin": "*", "allow-methods": "*", "max-age": "600"}
        for origin in (None, APP):
            answer = ask(connection, "/hello", origin)
            assert cors(answer) == {"allow-origin": "*"} and values(answer, "Vary") == []


def test_health_and_metrics_are_nobodys_business(start):
    with start(workers=1, cors_origins="*").connect() as connection:
        for target in ("/_health", "/_health/live", "/_health/ready", "/metrics"):
            assert cors(ask(connection, target, APP)) == {}
            assert cors(preflight(connection, target, APP)) == {}
        assert cors(ask(connection, "/hello", APP)) == {"allow-origin": "*"}


def test_a_handler_that_sets_its_own_has_its_way(start):
    with start(workers=1, cors_origins=APP).connect() as connection:
        for more in ({}, {"pieces": 2}):
            target = "/reply?" + urlencode({"header": "Access-Control-Allow-Origin: https://mine", "bytes": 10, **more})
            answer = ask(connection, target, APP)
            assert values(answer, "Access-Control-Allow-Origin") == ["https://mine"] and values(answer, "Vary") == []
        assert cors(ask(connection, "/hello", APP)) == {"allow-origin": APP}
        connection.send(b"NONSENSE\r\n\r\n")  # what the last request was allowed is not this one's
        assert cors(connection.answer()) == {}


def test_a_page_of_another_origin(start, browser):
    home = start(workers=1)
    origin = "http://%s:%s" % home.address
    friend, stranger = (start(workers=1, cors_origins=allowed, cors_credentials=1)
                        for allowed in (origin, "http://localhost:1"))
    base = {name: "http://%s:%s" % server.address for name, server in (("friend", friend), ("stranger", stranger))}
    browser.get(origin + "/reply?" + urlencode({"header": "Content-Type: text/html", "bytes": 10}))
    browser.execute_script("""
        const base = %s
        window.seen = {}
        window.events = []
        for (const [name, url] of Object.entries(base)) {
            const source = new EventSource(url + '/events?scope=a', {withCredentials: true})
            source.onopen = () => seen[name + ' stream'] = 'open'
            source.onerror = () => seen[name + ' stream'] ??= 'error'
            source.onmessage = event => events.push(name + ' ' + event.data)
            fetch(url + '/hello').then(response => response.text())
                .then(text => seen[name + ' get'] = text.trim(), () => seen[name + ' get'] = 'error')
            fetch(url + '/echo', {method: 'POST', body: 'sent', credentials: 'include',
                                  headers: {'Content-Type': 'application/json', Authorization: 'Bearer x'}})
                .then(response => response.text())
                .then(text => seen[name + ' post'] = text, () => seen[name + ' post'] = 'error')
        }""" % json.dumps(base))
    expected = {"friend stream": "open", "friend get": "Hello, world!", "friend post": "sent",
                "stranger stream": "error", "stranger get": "error", "stranger post": "error"}
    until(lambda: browser.execute_script("return seen") == expected,
          what=lambda: f"seen: {browser.execute_script('return seen')}")
    for server in (friend, stranger):
        server.publish("a", "hello")
    until(lambda: browser.execute_script("return events") == ["friend hello"])
