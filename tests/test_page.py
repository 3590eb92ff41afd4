"""The published page of the small example in a real browser: what a reader sees, and that it is what was exported.

The pictures in docs/ are of the bundled example: SCREENSHOTS_OF=its out folder, and the test of the pictures makes them anew.
"""

import os
import shutil
import struct
from pathlib import Path

import polars as pl
import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import audit
from page_figures import AMOUNTS, BESIDE, COUNTS, SHARES, STATES, Page, disagreements, index, wrong_sums
from page_tables import multiverse
from playwright.sync_api import sync_playwright
from test_report import DISCLOSED, HEAD, made_up, released

from flows import ROOT
from flows.exports.catalog import EXPORTED
from flows.headline import headline_row
from flows.page import report

pytestmark = pytest.mark.browser
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
FIGURES = "els => els.map(el => ({table: el.dataset.table, key: el.dataset.key, column: el.dataset.column, text: el.textContent}))"
SUMS = "els => els.map(el => ({sum: el.dataset.sum, keys: el.dataset.keys, column: el.dataset.column, text: el.textContent}))"
# What is drawn twice, for the desk and for the phone, is there once.
SHOWN_CHARTS = ".drawing svg:visible"
WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}
# Controls smaller than 24 pixels either way; a link inside a sentence is as high as its line.
SMALL = """els => els.filter(el => { const box = el.getBoundingClientRect();
  return box.width && (box.width < 24 || box.height < 24) && !el.closest('p, li, figcaption, td'); }).map(el => el.outerHTML.slice(0, 80))"""
PICTURES = {"report": (1280, 1400, "screen"), "report-phone": (390, 1400, "screen"), "report-print": (695, 1009, "print")}  # print: A4 less its margins
# Every element with words of its own: its colour against the nearest background that is not transparent (WCAG 2.2).
FAINT = """() => {
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const light = text => { const [r, g, b] = rgb(text).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = el => { for (; el; el = el.parentElement) { const colour = getComputedStyle(el).backgroundColor; if (rgb(colour)[3] !== 0) return colour; } return 'rgb(255, 255, 255)'; };
  const words = [...document.querySelectorAll('body *')].filter(el => [...el.childNodes].some(node => node.nodeType === 3 && node.data.trim()));
  const ratios = words.map(el => {
    const style = getComputedStyle(el), pair = [light(el.closest('svg') ? style.fill : style.color), light(behind(el))].sort((a, b) => b - a);
    return [(pair[0] + 0.05) / (pair[1] + 0.05), el.tagName, el.className, el.textContent.slice(0, 30)];
  });
  return {n: ratios.length, faint: ratios.filter(([ratio]) => ratio < 4.5)};
}"""


@pytest.fixture(scope="module")
def browser(chromium):
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def opened(browser, audited):
    """The page, and all it asked for or complained of on the way."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.heard = []
    page.on("console", lambda message: page.heard.append(message.text))
    page.on("pageerror", lambda error: page.heard.append(str(error)))
    page.on("request", lambda request: page.heard.append(request.url) if not request.url.startswith("file://") else None)
    page.goto((audited / "report.html").as_uri(), wait_until="load")
    return page


@pytest.fixture(scope="module", params=["csv", "parquet"])
def exports(request, audited):
    read = pl.read_parquet if request.param == "parquet" else read_csv
    return {name: read(audited / "exports" / f"{name}.{request.param}") for name in EXPORTED}


def read_csv(path):
    """Keys as written, counts, amounts and shares as numbers, what is true or false as such."""
    text = pl.read_csv(path, infer_schema=False)
    whole = [pl.col(name).cast(pl.Int64) for name in text.columns if name.startswith("n_") or name in COUNTS]
    parts = [pl.col(name).cast(pl.Float64) for name in (*SHARES, *AMOUNTS, "explains") if name in text.columns]
    states = [pl.col(name).replace_strict({"true": True, "false": False}, return_dtype=pl.Boolean) for name in text.columns if name in STATES or name.startswith("is_")]
    return text.with_columns(*whole, *parts, *states)


@pytest.fixture(scope="module")
def figures(opened):
    return opened.eval_on_selector_all("[data-table]", FIGURES)


def test_the_page_is_quiet_and_complete_in_itself(opened):
    opened.evaluate("document.querySelectorAll('details').forEach(el => el.open = true)")
    opened.wait_for_load_state("networkidle")
    assert opened.heard == []


def test_it_has_a_title_a_language_and_one_first_heading(opened):
    assert opened.title() == "First imaging order after neoadjuvant therapy (synthetic data)"
    assert opened.get_attribute("html", "lang") == "en"
    levels = opened.eval_on_selector_all("h1, h2, h3, h4", "els => els.map(el => Number(el.tagName[1]))")
    assert levels.count(1) == 1
    assert all(two - one <= 1 for one, two in zip(levels, levels[1:], strict=False))


def test_the_example_is_called_synthetic(opened):
    assert opened.inner_text(".banner").startswith("Synthetic data.")
    assert opened.locator(".banner").count() == 1


def test_a_delivery_that_does_not_call_itself_synthetic_is_not_called_so(browser, example, tmp_path):
    shutil.copytree(example, tmp_path / "delivery", ignore=shutil.ignore_patterns("SYNTHETIC.txt"))
    audit(tmp_path / "delivery", tmp_path / "out")
    page = browser.new_page()
    page.goto((tmp_path / "out" / "report.html").as_uri())
    assert page.title() == "First imaging order after neoadjuvant therapy"
    assert page.locator(".banner").count() == 0
    page.close()


def test_every_figure_on_the_page_is_a_published_cell(figures, exports):
    assert len(figures) > 200
    assert disagreements(figures, exports) == []


def test_every_table_beside_the_measure_stands_on_the_page(figures, exports):
    shown = {(figure["table"], figure["key"]) for figure in figures}
    for name in BESIDE:
        assert {key for table, key in shown if table == name} == {key for table, key in index(exports) if table == name}


def test_some_figures_are_shown_and_some_are_masked(figures):
    texts = [figure["text"].strip() for figure in figures if figure["column"].startswith("n_") or figure["column"] in COUNTS]
    assert any(text.replace(",", "").isdigit() and int(text.replace(",", "")) > 10 for text in texts)
    assert "masked" in texts
    assert not {str(number) for number in range(1, 10)} & set(texts)


def test_every_sum_on_the_page_is_that_of_its_cells(opened, exports):
    sums = opened.eval_on_selector_all("[data-sum]", SUMS)
    assert len(sums) >= 5
    assert wrong_sums(sums, exports) == []


def test_without_scripts_every_figure_is_there(browser, audited, figures):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((audited / "report.html").as_uri())
    assert page.locator("[data-table]").all_text_contents() == [figure["text"] for figure in figures]
    assert not page.locator("#unfold").is_visible()
    assert page.locator("input, th button").count() == 0
    page.locator("details:not([open]) summary").first.click()
    context.close()


def test_the_headline_is_that_of_the_exports(figures, exports):
    row = headline_row(exports["compliance"])
    said = {figure["column"]: figure["text"] for figure in figures if figure["key"] == HEAD}
    assert ("rate" in said) != (row.get("rate_band") is not None)
    assert disagreements([figure for figure in figures if figure["key"] == HEAD], exports) == []


def test_no_line_of_the_funnel_is_missing_and_none_is_more_than_the_whole(figures, exports):
    lines = {figure["key"]: figure["text"] for figure in figures if (figure["table"], figure["column"]) == ("attrition", "n_orders")}
    told = set(lines) | {row["reason"] for row in exports["attrition"].to_dicts() if row["n_orders"] == 0}
    assert told == set(exports["attrition"]["reason"])
    number = {key: int(text.replace(",", "")) for key, text in lines.items() if text != "masked"}
    whole = number.pop("input")
    assert sum(number.values()) <= whole
    assert sum(number.values()) == whole or "masked" in lines.values()


@pytest.fixture(scope="module")
def charted(browser, tmp_path_factory):
    """A page on which every chart of the exports is drawn: the example is too small for most of them."""
    path = tmp_path_factory.mktemp("charted") / "report.html"
    path.write_text(report.render(released(made_up()) | {"multiverse": multiverse()}), encoding="utf-8")
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.heard = []
    page.on("console", lambda message: page.heard.append(message.text))
    page.on("pageerror", lambda error: page.heard.append(str(error)))
    page.goto(path.as_uri())
    return page


@pytest.mark.parametrize("width", [360, 1280])
def test_charts_are_drawn_and_say_what_they_are(charted, width):
    charted.set_viewport_size({"width": width, "height": 900})
    opened, charts = charted, charted.locator(SHOWN_CHARTS)
    assert charts.count() == 6  # strip, two over time, two of sites, one of definitions
    assert charted.heard == []
    for chart in charts.all():
        box = chart.bounding_box()
        assert 200 < box["width"] < width
        assert box["height"] > 50
        assert len(chart.locator("title").text_content()) > 10
        assert len(chart.locator("desc").text_content()) > 20
    assert opened.locator("img:not([alt])").count() == 0
    assert opened.locator("svg:not([aria-hidden]):not([aria-labelledby])").count() == 0


def test_tables_have_captions_and_headers(opened):
    bare = "els => els.filter(el => !el.caption || !el.querySelector('thead th[scope=col]') || !el.querySelector('tbody th[scope=row]')).map(el => el.innerText.slice(0, 40))"
    assert opened.locator("table").count() > 8
    assert opened.eval_on_selector_all("table", bare) == []


def test_links_lead_somewhere(opened):
    dead = "els => els.filter(el => !document.querySelector(el.getAttribute('href'))).map(el => el.href)"
    assert opened.eval_on_selector_all("a", dead) == []


@pytest.mark.parametrize("width", [360, 390, 768, 1280])
def test_nothing_runs_out_of_the_page(opened, width):
    opened.set_viewport_size({"width": width, "height": 900})
    assert opened.evaluate("document.documentElement.scrollWidth") == width
    wide = f"els => els.filter(el => el.getBoundingClientRect().right > {width} && !el.closest('.scroll, .drawing, nav')).map(el => el.outerHTML.slice(0, 80))"
    assert opened.eval_on_selector_all("body *", wide) == []


def test_no_table_is_cut_off_on_a_desk(opened):
    opened.set_viewport_size({"width": 1280, "height": 900})
    opened.evaluate("document.querySelectorAll('details').forEach(el => el.open = true)")
    wide = "els => els.filter(el => el.scrollWidth > el.clientWidth).map(el => el.innerText.slice(0, 40))"
    assert opened.eval_on_selector_all(".scroll", wide) == []


def test_tables_beside_the_measure_need_no_scrolling_on_a_phone(opened):
    opened.set_viewport_size({"width": 390, "height": 900})
    opened.evaluate("document.querySelectorAll('details').forEach(el => el.open = true)")
    wide = "els => els.filter(el => el.parentElement.scrollWidth > el.parentElement.clientWidth).map(el => el.caption.innerText)"
    assert opened.locator("table.stack").count() > 6
    assert opened.eval_on_selector_all("table.stack", wide) == []


@pytest.mark.parametrize(("width", "media"), [(390, "screen"), (1280, "screen"), (1016, "print")])
def test_the_worklist_is_quiet_and_fits(browser, audited, width, media):
    page = browser.new_page(viewport={"width": width, "height": 900})
    heard = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("request", lambda request: heard.append(request.url) if not request.url.startswith("file://") else None)
    page.emulate_media(media=media)
    page.goto((audited / "protected" / "worklist.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(FAINT)["faint"] == []
    assert page.locator("tbody tr").count() == pl.read_parquet(audited / "protected" / "worklist.parquet").height
    assert heard == []
    page.close()


def test_words_stand_out_from_their_background(opened):
    found = opened.evaluate(FAINT)
    assert found["n"] > 300
    assert found["faint"] == []


def test_the_keyboard_reaches_the_result_first_and_opens_what_is_closed(browser, audited):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto((audited / "report.html").as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.locator(".skip").bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    n_open = page.locator("details[open]").count()
    page.locator("details:not([open]) summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details[open]").count() == n_open + 1
    page.close()


@pytest.mark.parametrize(("width", "media"), [(1280, "screen"), (390, "screen"), (695, "print")])
@pytest.mark.parametrize("name", ["opened", "charted"])
def test_axe_finds_nothing(request, name, width, media):
    opened = request.getfixturevalue(name)
    opened.set_viewport_size({"width": width, "height": 900})
    opened.emulate_media(media=media)
    opened.evaluate("document.querySelectorAll('details').forEach(el => el.open = true)")
    found = Axe().run(opened, options=WCAG)
    opened.emulate_media(media="screen")
    assert len(found.response["passes"]) > 20
    assert [(rule["id"], rule["nodes"][0]["html"][:120]) for rule in found.response["violations"]] == []


def test_controls_are_large_enough_for_a_finger(opened):
    opened.set_viewport_size({"width": 390, "height": 844})
    assert opened.eval_on_selector_all("button, input, summary, nav a", SMALL) == []


@pytest.fixture
def fresh(browser, audited):
    """The page as it is opened: what a test turns in it stays in the test."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto((audited / "report.html").as_uri())
    yield page
    page.close()


def test_a_column_sorts_and_what_is_masked_stays_last(charted):
    table = charted.locator("table", has=charted.locator("caption", has_text="Procedures that radiate"))
    button = table.locator("thead button", has_text="Exams").first
    orders = {}
    for direction in ("ascending", "descending"):
        button.click()
        assert table.locator("th[aria-sort]").get_attribute("aria-sort") == direction
        orders[direction] = table.locator("tbody tr").evaluate_all("rows => rows.map(row => row.cells[2].textContent.trim())")
    for direction, texts in orders.items():
        numbers = [int(text.replace(",", "")) for text in texts if text != "masked"]
        assert len(numbers) > 1
        assert numbers == sorted(numbers, reverse=direction == "descending")
        assert texts[len(numbers) :] == ["masked"] * (len(texts) - len(numbers))


def test_a_long_table_is_narrowed_to_what_is_asked_for(fresh):
    fresh.locator("summary", has_text="All checks").click()
    details = fresh.locator("details", has=fresh.locator("caption", has_text="Every check that was made"))
    n_all = details.locator("tbody tr").count()
    details.get_by_role("searchbox").fill("out.attrition")
    n_left = details.locator("tbody tr:visible").count()
    assert 0 < n_left < n_all
    assert details.get_by_role("status").text_content() == f"{n_left} of {n_all} rows"
    details.get_by_role("searchbox").fill("")
    assert details.locator("tbody tr:visible").count() == n_all


def test_everything_unfolds_and_folds_at_once(fresh):
    button = fresh.locator("#unfold")
    button.click()
    assert fresh.locator("details:not([open])").count() == 0
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    assert fresh.locator("details[open]").count() == 0


def test_marks_speak_on_hover_and_on_the_keyboard(charted):
    fresh = charted
    fresh.set_viewport_size({"width": 1280, "height": 900})
    tip, mark = fresh.locator("#tip"), "[aria-label][role=graphics-symbol]"
    drawing = fresh.locator("#trend .drawing:visible", has=fresh.locator(mark)).first
    said = drawing.locator(mark).evaluate_all("els => els.map(el => el.getAttribute('aria-label'))")
    drawing.locator(mark).first.hover(force=True)
    assert tip.text_content() in said
    fresh.mouse.move(1, 1)
    assert not tip.is_visible()
    stop = drawing.locator("[tabindex='0']")
    assert stop.count() == 1
    stop.focus()
    assert tip.is_visible()
    first = tip.text_content()
    assert first in said
    fresh.keyboard.press("ArrowRight")
    assert tip.text_content() in set(said) - {first}
    fresh.keyboard.press("Home")
    assert tip.text_content() == first
    assert drawing.locator("[tabindex='0']").count() == 1
    fresh.keyboard.press("Escape")
    assert not tip.is_visible()


def test_a_link_into_a_folded_part_opens_it(fresh):
    fresh.evaluate("document.querySelector('details:not([open]) table').id = 'folded'; location.hash = 'folded'")
    fresh.wait_for_function("document.getElementById('folded').closest('details').open")
    assert fresh.locator("#folded").is_visible()


def test_the_first_screen_answers_the_four_questions(fresh):
    seen = fresh.evaluate("""() => [...document.querySelectorAll('.answer')].filter(el => el.getBoundingClientRect().bottom <= innerHeight).map(el => el.innerText)""")
    assert [text.split("\n")[0] for text in seen] == ["What is the rate?", "How sure are we?", "What moved it?", "What should we do next?"]
    assert all(len(text) > 60 for text in seen)


def test_it_prints(opened, tmp_path):
    opened.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True)
    content = (tmp_path / "page.pdf").read_bytes()
    assert content.startswith(b"%PDF-")
    assert len(content) > 50_000


def test_paper_is_as_wide_as_the_page_and_shows_what_is_folded(opened):
    opened.set_viewport_size({"width": 688, "height": 970})
    opened.emulate_media(media="print")
    assert opened.evaluate("document.documentElement.scrollWidth") == 688
    opened.evaluate("document.querySelectorAll('details').forEach(el => el.open = false)")
    heights = opened.eval_on_selector_all("details:not(.unprinted) table", "els => els.map(el => el.getBoundingClientRect().height)")
    opened.emulate_media(media="screen")
    assert all(height > 30 for height in heights)


def test_it_is_small_and_says_its_limits(audited):
    content = (audited / "report.html").read_text(encoding="utf-8")
    assert len(content.encode()) < 3_000_000
    text = Page(content).text
    assert [words for words in DISCLOSED if words not in text] == []


def test_it_opens_quickly_enough_to_be_measured(fresh, audited):
    """The machine's speed is not ours to assert; the size is, and that nothing is waited for."""
    times = fresh.evaluate("(([one]) => [one.domContentLoadedEventEnd, one.loadEventEnd])(performance.getEntriesByType('navigation'))")
    print(f"DOMContentLoaded {times[0]:.0f} ms, load {times[1]:.0f} ms, {(audited / 'report.html').stat().st_size:,} bytes")
    assert 0 < times[0] <= times[1]
    assert fresh.evaluate("performance.getEntriesByType('resource').length") == 0


@pytest.mark.parametrize("name", PICTURES)
def test_the_pictures_in_docs_are_of_this_page(browser, audited, name, tmp_path):
    width, height, media = PICTURES[name]
    of, kept = os.environ.get("SCREENSHOTS_OF"), ROOT / "docs" / f"{name}.png"
    picture = kept if of else tmp_path / f"{name}.png"
    page = browser.new_page(viewport={"width": width, "height": height})
    page.emulate_media(media=media)
    page.goto(((Path(of) if of else audited) / "report.html").resolve().as_uri())
    page.screenshot(path=picture)
    page.close()
    assert size(picture) == size(kept) == (width, height)


def size(picture):
    return struct.unpack(">II", picture.read_bytes()[16:24])
