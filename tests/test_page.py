"""The published page of the small example in a real browser: what a reader sees, and that it is what was exported."""

import shutil

import polars as pl
import pytest
from conftest import audit
from page_figures import AMOUNTS, BESIDE, COUNTS, SHARES, STATES, Page, disagreements, index
from playwright.sync_api import sync_playwright
from test_report import DISCLOSED, HEAD

from flows.headline import headline_row
from flows.publish import EXPORTED

pytestmark = pytest.mark.browser
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
FIGURES = "els => els.map(el => ({table: el.dataset.table, key: el.dataset.key, column: el.dataset.column, text: el.textContent}))"
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
    parts = [pl.col(name).cast(pl.Float64) for name in (*SHARES, *AMOUNTS) if name in text.columns]
    states = [pl.col(name).replace_strict({"true": True, "false": False}, return_dtype=pl.Boolean) for name in STATES if name in text.columns]
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


def test_charts_are_drawn_and_say_what_they_are(opened):
    charts = opened.locator("svg")
    assert charts.count() >= 1
    for chart in charts.all():
        box = chart.bounding_box()
        assert box["width"] > 200
        assert box["height"] > 50
        assert chart.get_attribute("role") == "img"
        assert len(chart.get_attribute("aria-label")) > 20
    assert opened.locator("img:not([alt])").count() == 0


def test_tables_have_captions_and_headers(opened):
    bare = "els => els.filter(el => !el.caption || !el.querySelector('thead th[scope=col]') || !el.querySelector('tbody th[scope=row]')).map(el => el.innerText.slice(0, 40))"
    assert opened.locator("table").count() > 8
    assert opened.eval_on_selector_all("table", bare) == []


def test_links_lead_somewhere(opened):
    dead = "els => els.filter(el => !document.querySelector(el.getAttribute('href'))).map(el => el.href)"
    assert opened.eval_on_selector_all("a", dead) == []


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_nothing_runs_out_of_the_page(opened, width):
    opened.set_viewport_size({"width": width, "height": 900})
    assert opened.evaluate("document.documentElement.scrollWidth") == width
    wide = f"els => els.filter(el => el.getBoundingClientRect().right > {width} && !el.closest('.scroll')).map(el => el.outerHTML.slice(0, 80))"
    assert opened.eval_on_selector_all("main *", wide) == []


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
    heights = opened.eval_on_selector_all("details:not(.long) table", "els => els.map(el => el.getBoundingClientRect().height)")
    opened.emulate_media(media="screen")
    assert all(height > 30 for height in heights)


def test_it_is_small_and_says_its_limits(audited):
    content = (audited / "report.html").read_text(encoding="utf-8")
    assert len(content.encode()) < 3_000_000
    text = Page(content).text
    assert [words for words in DISCLOSED if words not in text] == []
