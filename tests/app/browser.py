"""What the browser tests share: when a page has come to rest, and what is on it."""

from playwright.sync_api import BrowserContext, Locator, Page, expect

WISH = "I loved Get Out and It (2017), something scary"
PATIENCE = 60_000  # milliseconds: a page may have to import torch
PHONE = {"width": 390, "height": 844}
WIDE = {"width": 1280, "height": 800}

# Notes in which order the page asked for a run, and the server said that one began and ended: field 11 of Streamlit's
# BackMsg, fields 4 and 6 of its ForwardMsg. Until React draws, `data-test-script-state` still says what was before.
LISTEN = """
(() => {
  const runs = (window.scriptRuns = { asked: 0, begun: 0, ended: 0, clock: 0, frames: 0 });
  const fields = (bytes) => {
    const found = new Set();
    let at = 0;
    const number = () => {
      let value = 0;
      for (let scale = 1; ; scale *= 128) {
        const byte = bytes[at++];
        value += (byte & 127) * scale;
        if (!(byte & 128)) return value;
      }
    };
    while (at < bytes.length) {
      const tag = number();
      found.add(tag >> 3);
      const value = number();
      if (tag & 7) at += value;
    }
    return found;
  };
  const note = (name) => { runs[name] = ++runs.clock; runs.frames = 0; };
  window.WebSocket = class extends window.WebSocket {
    constructor(...args) {
      super(...args);
      this.addEventListener("message", ({ data }) => {
        const found = fields(new Uint8Array(data));
        if (found.has(4)) note("begun");
        if (found.has(6)) note("ended");
      });
    }
    send(data) {
      if (fields(new Uint8Array(data)).has(11)) note("asked");
      super.send(data);
    }
  };
})();
"""
# The last run that was asked for has begun and ended, and the page has been drawn ten times since. Streamlit sends
# what a click asks for a little after the click, so the drawings count from when the test begins to wait.
RESTS = """
() => {
  const runs = window.scriptRuns;
  const app = document.querySelector("[data-testid=stApp]");
  const done = runs.asked > 0 && runs.asked < runs.begun && runs.begun < runs.ended;
  runs.frames = done && app?.dataset.testScriptState === "notRunning" ? runs.frames + 1 : 0;
  return runs.frames > 10;
}
"""


def listen(context: BrowserContext) -> None:
    """Call this before the first page of a context is opened, for `at_rest`; the pages of the fixtures listen."""
    context.add_init_script(LISTEN)


def at_rest(page: Page) -> None:
    """Wait until nothing runs any more. Cannot pass before the run that a click asked for has begun."""
    page.evaluate("window.scriptRuns.frames = 0")
    page.wait_for_function(RESTS, polling="raf")


def send(page: Page, text: str) -> None:
    box = page.get_by_test_id("stChatInputTextArea")
    box.fill(text)
    box.press("Enter")


def rows(page: Page) -> Locator:
    """The title line of every ranked movie."""
    return page.get_by_test_id("stMarkdown").filter(has=page.locator("strong")).filter(has_text=". ")


def ranking(page: Page) -> list[str]:
    """Titles with years. Waits until ten are there and the page has come to rest."""
    expect(rows(page)).to_have_count(10)
    at_rest(page)
    return [" ".join(line.split(". ", 1)[1].split()) for line in rows(page).all_inner_texts()]


def chip(page: Page, words: str) -> Locator:
    """The chip that says this, icons aside."""
    return page.locator("[class*=st-key-chip-]").get_by_role("button").filter(has_text=words)


def width_of(page: Page) -> int:
    """How wide the page is, with all that sticks out of the window, in pixels."""
    width: int = page.evaluate("document.documentElement.scrollWidth")
    return width
