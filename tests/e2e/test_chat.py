# SPDX-License-Identifier: Apache-2.0
"""examples/chat, over HTTP."""
import json

import pytest

from support.wait import until

CHAT = "examples/chat/app.php"


@pytest.fixture
def chat(start):
    return start(CHAT, workers=2)


def test_a_line_reaches_the_room_and_nobody_else(chat, streams):
    some = streams(chat)
    lobby = some.open("/events?room=lobby", count=5)
    [tea] = some.open("/events?room=tea")
    assert chat.post("/say", room="lobby", name="Ada", text="<b>hello</b> & ünïcode 🚀").status == 204
    some.pump(lambda: all(stream.data() for stream in lobby))
    for stream in lobby:
        [event] = stream.events
        line = json.loads(event.data)
        assert (line["room"], line["name"], line["text"]) == ("lobby", "Ada", "<b>hello</b> & ünïcode 🚀")
        assert line["worker"] in (0, 1) and line["time"]
    assert chat.post("/say", room="tea", name="Bob", text="milk").status == 204
    some.pump(lambda: tea.data())
    assert [json.loads(data)["text"] for data in tea.data()] == ["milk"]


def test_every_worker_knows_the_history(chat):
    for n in range(120):
        assert chat.post("/say", room="lobby", name="Ada", text=f"line {n}").status == 204

    def complete():
        lines = chat.get("/history", room="lobby").json()
        return [line["text"] for line in lines] == [f"line {n}" for n in range(20, 120)]

    for _ in range(20):
        until(complete, what="the last 100 lines")
    assert chat.get("/history", room="empty").json() == []


def test_who_is_here(chat, streams):
    some = streams(chat)
    [stream] = some.open("/events?room=lobby")
    chat.post("/here", room="lobby", name="Ada", tab="t1", left="")
    chat.post("/here", room="lobby", name="Bob", tab="t2", left="")
    some.pump(lambda: len(stream.data("here")) == 2)
    until(lambda: sorted(one["name"] for one in chat.get("/here", room="lobby").json()) == ["Ada", "Bob"])
    chat.post("/here", room="lobby", name="Ada", tab="t1", left="yes")
    until(lambda: [one["name"] for one in chat.get("/here", room="lobby").json()] == ["Bob"])


@pytest.mark.parametrize("form", [
    {"room": "", "name": "a", "text": "b"},
    {"room": "*", "name": "a", "text": "b"},
    {"room": "a b", "name": "a", "text": "b"},
    {"room": "lobby", "name": " ", "text": "b"},
    {"room": "lobby", "name": "x" * 41, "text": "b"},
    {"room": "lobby", "name": "a", "text": ""},
    {"room": "lobby", "name": "a", "text": "x" * 2001},
    {"room": "lobby", "name": "a", "text": b"\xff\xfe"},
    {"room": "lobby", "name": "a"},
    {"room[]": "lobby", "name": "a", "text": "b"},
])
def test_a_bad_field_is_refused_in_words(chat, form):
    answer = chat.post("/say", **form)
    assert answer.status == 422
    assert any(field in answer.text for field in ("room", "name", "text"))
    assert answer.header("Content-Type") == "text/plain; charset=utf-8"


def test_streams_of_no_room_or_all_rooms_are_refused(chat):
    for room in ("", "*", "lobby,tea"):
        assert chat.get("/events", room=room).status == 422


def test_the_page_and_its_parts(chat):
    page = chat.get("/")
    assert page.status == 200 and page.header("Content-Type") == "text/html; charset=utf-8"
    assert "default-src 'self'" in page.header("Content-Security-Policy")
    assert chat.get("/chat.js").header("Content-Type").startswith("text/javascript")
    assert chat.get("/chat.css").header("Content-Type").startswith("text/css")
    assert chat.get("/nothing").status == 404
