# SPDX-License-Identifier: Apache-2.0
"""The chat on two nodes in a real Chromium: a tab of each, and a broker that goes away and comes back."""
from test_browser import CHAT, Tab, complaints

from support.command import run
from support.nodes import until_connected, until_degraded
from support.wait import until


def chat_on(start, broker, count=2):
    servers = [start(CHAT, workers=2, viaduct_broker=broker.url()) for _ in range(count)]
    until_connected(*servers)
    return servers


def texts(tab):
    return [text for _, text, _ in tab.lines()]


def test_tabs_of_two_nodes_chat_through_a_restart_of_the_broker(broker, start, browser, artifacts):
    one, two = chat_on(start, broker)
    ada = Tab(browser, one, "Ada", first=True)
    bob = Tab(browser, two, "Bob")
    ada.say("from the first node")
    until(lambda: texts(bob) == ["from the first node"], what="it reached the second node")
    bob.say("from the second node")
    until(lambda: texts(ada) == ["from the first node", "from the second node"])
    for tab in (ada, bob):
        until(lambda: tab.here() == ["Ada", "Bob"], what="both are here")
    browser.save_screenshot(str(artifacts / f"two-nodes-{broker.driver}.png"))
    broker.kill()
    until_degraded(one)
    until_degraded(two)
    for tab, line in ((ada, "Ada, cut off"), (bob, "Bob, cut off")):
        tab.say(line)
        until(lambda: texts(tab)[-1] == line, what="each node goes on")
    assert ada.status() == bob.status() == "Live"
    broker.start()
    until_connected(one, two)
    ada.say("together again")
    everything = ["from the first node", "from the second node", "Ada, cut off", "Bob, cut off", "together again"]
    for tab in (ada, bob):
        until(lambda: texts(tab)[-1] == "together again" and len(texts(tab)) == 5, what="all lines, once")
        assert texts(tab) == everything, "in order"
    assert not complaints(browser)
    # A tab that comes later sees the same, whichever node it asks.
    for server in (one, two):
        until(lambda: [line["text"] for line in server.get("/history", room="lobby").json()] == everything, what="the history is whole")


def test_a_terminal_talks_to_the_tabs(broker, start, browser):
    one, two = chat_on(start, broker)
    ada = Tab(browser, one, "Ada", first=True)
    bob = Tab(browser, two, "Bob")
    run("pub", "room:lobby", "not JSON", broker=broker)
    run("pub", "room:lobby", '{"no":"text"}', broker=broker)
    run("pub", "room:*", '{"text":"<b>to every room</b>"}', broker=broker)
    for tab in (ada, bob):
        until(lambda tab=tab: tab.lines() == [["viaduct", "<b>to every room</b>", ""]], what="the text is shown")
    ada.say("thanks")
    until(lambda: texts(bob) == ["<b>to every room</b>", "thanks"], what="the chat goes on")
    assert not complaints(browser)


def test_a_program_of_another_kind_on_the_broker_does_no_harm(broker, start, streams):
    one, two = chat_on(start, broker)
    for scope in ("room:lobby", "here:lobby"):
        for data in ("plain", "[]", '{"text":"hello"}', '{"id":[],"room":{},"text":1,"name":null,"time":0,"tab":[]}', "null", ""):
            run("pub", scope, data, broker=broker)
    with broker.raw() as raw:
        raw.publish(b'{"scope":"room:lobby","nodeId":"php-via-1"}')
        raw.publish(b'{"scope":"*","nodeId":"php-via-1"}')
    some = streams(two)
    [stream] = some.open("/events?room=lobby")
    assert one.post("/say", room="lobby", name="Ada", text="hello").status == 204
    some.pump(lambda: stream.data())
    for server in (one, two):
        until(lambda: [line["text"] for line in server.get("/history", room="lobby").json()] == ["hello"], what="the history has it")
        log = server.log()
        assert "handler_failed" not in log and "Warning" not in log and "Deprecated" not in log, log
        assert server.get("/here", room="lobby").json() == []
