// What the page can do beyond being read. Without it every figure is still there: this only sorts, filters, folds and points.
"use strict";

const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const make = (name, properties, parent) => parent.appendChild(Object.assign(document.createElement(name), properties));

// Tooltips. A chart is one stop of the Tab key; arrows walk its marks, Escape closes what is said.
const tip = make("div", { id: "tip", className: "tip", hidden: true }, document.body);
tip.setAttribute("aria-hidden", "true"); // the mark itself carries the words

function point(mark) {
  tip.textContent = mark.getAttribute("aria-label");
  tip.hidden = false;
  const at = mark.getBoundingClientRect(), width = document.documentElement.clientWidth;
  const left = Math.min(Math.max(8, at.left + at.width / 2 - tip.offsetWidth / 2), width - tip.offsetWidth - 8);
  const above = at.top - tip.offsetHeight - 8;
  tip.style.left = `${left + scrollX}px`;
  tip.style.top = `${(above > 0 ? above : at.bottom + 8) + scrollY}px`;
}

const unpoint = () => { tip.hidden = true; };
const readsAlong = (one, two) => {
  const a = one.getBoundingClientRect(), b = two.getBoundingClientRect();
  return a.left - b.left || a.top - b.top;
};

function walkable(drawing) {
  // Only what is drawn: axes and titles say what the caption says.
  const marks = all('[aria-label][role="graphics-symbol"]', drawing).filter(mark => !mark.closest(".role-axis, .role-legend, .role-title"));
  if (!marks.length) return;
  let now = 0, sorted = null;
  const go = to => {
    sorted ??= marks.sort(readsAlong);
    sorted[now].setAttribute("tabindex", "-1");
    now = Math.min(Math.max(to, 0), sorted.length - 1);
    sorted[now].setAttribute("tabindex", "0");
    sorted[now].focus();
  };
  marks.forEach((mark, at) => mark.setAttribute("tabindex", at ? "-1" : "0"));
  drawing.addEventListener("keydown", event => {
    const steps = { ArrowRight: now + 1, ArrowDown: now + 1, ArrowLeft: now - 1, ArrowUp: now - 1, Home: 0, End: marks.length - 1 };
    if (event.key in steps) { event.preventDefault(); go(steps[event.key]); }
  });
  drawing.addEventListener("focusin", event => {
    const mark = event.target.closest("[tabindex]");
    if (mark) { sorted ??= marks.sort(readsAlong); now = sorted.indexOf(mark); point(mark); }
  });
  drawing.addEventListener("focusout", unpoint);
  drawing.addEventListener("mouseover", event => {
    const mark = event.target.closest('[aria-label][role="graphics-symbol"]');
    if (mark && marks.includes(mark)) point(mark);
  });
  drawing.addEventListener("mouseout", event => { if (event.relatedTarget !== tip) unpoint(); });
}
all(".drawing").forEach(walkable);
tip.addEventListener("mouseleave", unpoint);
addEventListener("keydown", event => { if (event.key === "Escape") unpoint(); });

// Tables that can be sorted. What is masked, withheld or missing stands last either way: it is not a small number.
const value = cell => {
  const text = cell.textContent.replace(/[\u00a0\s]+/g, " ").trim();
  if (!text || /^(masked|withheld|–)$/.test(text)) return null;
  const number = text.match(/^[a-z ]*?(-?[\d,]+(?:\.\d+)?)(?: %|–| to |$| and )/i);
  return number && !cell.matches("th, .text") ? Number(number[1].replaceAll(",", "")) : text.toLowerCase();
};
const compare = (one, two) => typeof one === "number" && typeof two === "number" ? one - two : String(one).localeCompare(String(two), "en", { numeric: true });

function sort(table, column, header) {
  const isDown = header.getAttribute("aria-sort") === "ascending";
  all("th[aria-sort]", table).forEach(other => other.removeAttribute("aria-sort"));
  header.setAttribute("aria-sort", isDown ? "descending" : "ascending");
  const body = table.tBodies[0], rows = [...body.rows].map(row => [value(row.cells[column]), row]);
  const known = rows.filter(([key]) => key !== null), unknown = rows.filter(([key]) => key === null);
  known.sort(([one], [two]) => (isDown ? -1 : 1) * compare(one, two));
  [...known, ...unknown].forEach(([, row]) => body.append(row));
}

all("table.sortable").forEach(table => {
  [...table.tHead.rows[0].cells].forEach((header, column) => {
    if (header.tagName !== "TH" || table.tBodies[0].rows.length < 3) return;
    const button = make("button", { type: "button", className: "sort" }, document.createDocumentFragment());
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => sort(table, column, header));
  });
});

// Long tables get a box that narrows them.
all("table.long").forEach((table, number) => {
  const rows = [...table.tBodies[0].rows];
  if (rows.length < 12) return;
  const bar = make("div", { className: "filter" }, document.createDocumentFragment());
  const label = make("label", { textContent: "Show rows with ", htmlFor: `filter-${number}` }, bar);
  const box = make("input", { type: "search", id: label.htmlFor, autocomplete: "off" }, bar);
  const told = make("span", { className: "small soft" }, bar);
  told.setAttribute("role", "status");
  box.addEventListener("input", () => {
    const wanted = box.value.trim().toLowerCase();
    rows.forEach(row => { row.hidden = !row.textContent.toLowerCase().includes(wanted); });
    told.textContent = wanted ? `${rows.filter(row => !row.hidden).length} of ${rows.length} rows` : "";
  });
  table.parentElement.before(bar);
});

// Folded parts: all at once, on paper too, and wherever a link leads into one.
const folds = all("details");
const toggle = document.getElementById("unfold");
toggle.hidden = false;
toggle.addEventListener("click", () => {
  const isOpen = toggle.getAttribute("aria-pressed") !== "true";
  folds.forEach(fold => { fold.open = isOpen; });
  toggle.setAttribute("aria-pressed", String(isOpen));
});
let folded = [];
addEventListener("beforeprint", () => {
  folded = folds.filter(fold => !fold.open && !fold.classList.contains("unprinted"));
  folded.forEach(fold => { fold.open = true; });
});
addEventListener("afterprint", () => { folded.forEach(fold => { fold.open = false; }); });
const unfoldTarget = () => {
  for (let el = location.hash && document.getElementById(location.hash.slice(1)); el; el = el.parentElement) if (el.tagName === "DETAILS") el.open = true;
};
addEventListener("hashchange", unfoldTarget);
unfoldTarget();

// Where one is on the page.
const links = new Map(all("nav a").map(link => [link.hash.slice(1), link]));
const watch = new IntersectionObserver(seen => seen.filter(one => one.isIntersecting).forEach(one => {
  links.forEach(link => link.removeAttribute("aria-current"));
  links.get(one.target.id).setAttribute("aria-current", "true");
}), { rootMargin: "-10% 0px -80% 0px" });
links.forEach((_, id) => watch.observe(document.getElementById(id)));

// What is wider than its place can be scrolled, and then the keyboard must get there too.
const reachable = () => all(".scroll, .drawing").forEach(place => {
  if (place.scrollWidth > place.clientWidth) place.setAttribute("tabindex", "0");
  else place.removeAttribute("tabindex");
});
addEventListener("resize", reachable);
all("details").forEach(fold => fold.addEventListener("toggle", reachable));
reachable();
