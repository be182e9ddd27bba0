# SPDX-License-Identifier: Apache-2.0
"""The chat in a real Chromium: two tabs, two workers, and what a person sees when it breaks."""
import os
import signal

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from support.wait import until

CHAT = "examples/chat/app.php"


class Tab:
    def __init__(self, browser, server, name, first=False):
        self.browser = browser
        if not first:
            browser.switch_to.new_window("tab")
        self.handle = browser.current_window_handle
        host, port = server.address
        browser.get(f"http://{host}:{port}/#lobby")
        self.look()
        self.wait_live()
        field = self.find("name")
        field.clear()
        field.send_keys(name, Keys.TAB)

    def look(self):
        self.browser.switch_to.window(self.handle)
        return self

    def find(self, id_):
        return self.browser.find_element(By.ID, id_)

    def status(self):
        return self.look().find("status").text

    def wait_live(self):
        until(lambda: self.status() == "Live", what="the page is live")

    def say(self, text):
        self.look().find("text").send_keys(text, Keys.ENTER)

    def lines(self):
        """[(name, text, worker)] as the page shows them."""
        return self.look().browser.execute_script(
            "return [...document.querySelectorAll('.line')].map(line => "
            "[line.querySelector('bdi').textContent, line.querySelector('.text').textContent, line.dataset.worker])")

    def here(self):
        return self.look().browser.execute_script(
            "return [...document.querySelectorAll('#here bdi')].map(node => node.textContent).sort()")


def complaints(browser):
    return [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def test_two_tabs_on_different_workers_chat(start, browser, artifacts):
    server = start(CHAT, workers=2)
    ada = Tab(browser, server, "Ada", first=True)
    bob = Tab(browser, server, "Bob")
    said = []

    def different_workers():
        """A line of Ada's through one worker and one of Bob's through another."""
        tab, name = ((ada, "Ada"), (bob, "Bob"))[len(said) % 2]
        said.append((name, f"line {len(said)} of {name}"))
        tab.say(said[-1][1])
        until(lambda: any(line[1] == said[-1][1] for line in tab.lines()), what=said[-1][1])
        workers = {who: {line[2] for line in tab.lines() if line[0] == who} for who in ("Ada", "Bob")}
        return len(said) >= 6 and len(workers["Ada"] | workers["Bob"]) == 2

    until(different_workers, what="both workers took lines")
    for tab in (ada, bob):
        until(lambda: [(name, text) for name, text, _ in tab.lines()] == said, what="all lines in order, once")
        until(lambda: tab.here() == ["Ada", "Bob"], what="both are here")
    evil = '<img src=x onerror="document.title=\'owned\'">'
    ada.say(evil)
    until(lambda: bob.lines()[-1][1] == evil, what="markup arrives as text")
    assert bob.look().browser.title == "#lobby · Viaduct chat"
    browser.save_screenshot(str(artifacts / "two-tabs-bob.png"))
    ada.look().browser.save_screenshot(str(artifacts / "two-tabs-ada.png"))
    assert not complaints(browser)


def test_a_tab_lives_through_a_killed_gateway(start, browser, artifacts):
    server = start(CHAT, workers=2)
    ada = Tab(browser, server, "Ada", first=True)
    ada.say("before")
    until(lambda: len(ada.lines()) == 1)
    os.kill(server.gateway(), signal.SIGKILL)
    until(lambda: server.post("/say", room="lobby", name="Bob", text="while you were away").status == 204)
    until(lambda: [line[1] for line in ada.lines()] == ["before", "while you were away"], what="caught up")
    ada.wait_live()
    ada.say("after")
    until(lambda: len(ada.lines()) == 3)


def test_rooms_and_a_small_dark_screen(start, browser, artifacts):
    server = start(CHAT, workers=2)
    ada = Tab(browser, server, "Ada", first=True)
    ada.say("in the lobby")
    until(lambda: len(ada.lines()) == 1)
    browser.find_element(By.CSS_SELECTOR, "#rooms a[href='#tea']").click()
    until(lambda: ada.lines() == [] and ada.status() == "Live", what="an empty room")
    ada.say("in the tea room")
    until(lambda: [line[1] for line in ada.lines()] == ["in the tea room"])
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                            {"width": 320, "height": 640, "deviceScaleFactor": 2, "mobile": True})
    browser.save_screenshot(str(artifacts / "small-dark.png"))
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 320
    browser.find_element(By.CSS_SELECTOR, "#rooms a[href='#lobby']").click()
    until(lambda: [line[1] for line in ada.lines()] == ["in the lobby"], what="history of the lobby")
    browser.execute_script("location.hash = 'no such room!'")
    until(lambda: ada.find("room-title").text == "no-such-room-" and ada.status() == "Live", what="a room's name made fit")
