"""What a published result may not hold, whatever the delivery said: markup of others, formulas, half a release."""

import csv
import json
import re
from html.parser import HTMLParser

from flows import ROOT
from flows.publish import _is_whole

RUN = re.compile(r"^[=+\-@＝＋－＠\t\r\n]|[;\t\r\n][=+\-@＝＋－＠]")
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


class Markup(HTMLParser):
    """Every tag, and every attribute that could run something or reach out."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.active, self.scripts, self._is_script = set(), [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self._is_script = tag == "script"
        self.active += [
            f"{tag} {name}" for name, value in attributes
            if name.startswith("on") or (name in ("href", "src", "action", "srcdoc") and not (value or "").startswith("#"))
        ]  # fmt: skip

    def handle_endtag(self, tag):
        self._is_script = False

    def handle_data(self, data):
        self.scripts += [data] if self._is_script else []


SCRIPT = (ROOT / "reports" / "page.js").read_text(encoding="utf-8")
OURS = set(
    """
    html head meta title style body a div header nav main section footer h1 h2 h3 h4 p code ul ol li strong em b i span small dl dt dd br sup sub
    figure figcaption table caption thead tbody tr th td details summary button script svg g path line rect circle text tspan desc defs clippath
    """.split()  # noqa: SIM905
)


def wrong_files(out):
    """Why what was published may not be."""
    found = []
    manifest = json.loads((out / "current" / "manifest.json").read_text(encoding="utf-8"))
    if not _is_whole(out / "current", manifest):
        found.append("half a release")
    if list(out.glob(".work-*")):
        found.append("a work folder is left")
    for page in (out / "report.html", out / "protected" / "worklist.html"):
        markup = Markup(page.read_text(encoding="utf-8"))
        if "".join(markup.scripts).strip() not in ("", SCRIPT.strip()):
            found.append(f"{page.name}: a script that is not ours")
        found += [f"{page.name}: <{tag}>" for tag in sorted(markup.tags - OURS)] + [f"{page.name}: {each}" for each in markup.active]
    for path in sorted([*(out / "exports").glob("*.csv"), *(out / "protected").glob("*.csv")]):
        with path.open(encoding="utf-8", newline="") as lines:
            cells = {cell for row in csv.reader(lines) for cell in row if RUN.search(cell) and not NUMBER.fullmatch(cell)}
        found += [f"{path.name}: a formula"] if cells else []
    return found
