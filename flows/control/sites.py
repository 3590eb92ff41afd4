"""The funnel between sites: about each site only whether it lies outside what chance does, never a rank."""

from flows.control import spc_sites
from flows.drawings import beside_each_other
from flows.drawings.canvas import PHONE, WIDTH, as_given, percent
from flows.drawings.slots import rated

LOOK_AT_SITE = "Look at its unmapped codes and its worklist before anything else; the funnel does not say why."
UNKNOWN = "unknown"  # stands for orders that name no site
STEPS = 90  # places at which a limit is drawn


def site_chart(compliance, measure, words, given):
    """Sites that show a rate, against exact limits about the rate of all; a band is drawn, and judged by nobody.

    How much more sites differ than chance is told, and drawn beside the limits. It excuses no site: among few sites,
    one that is far off makes the spread by itself.
    """
    place = (measure, "episode", "all")
    rows = [row for row in compliance if (row["measure"], row["basis"], row["period_grain"]) == place]
    (whole,) = [row for row in rows if row["stratum"] == "all"]
    sites = [_site(row) for row in sorted(rows, key=lambda row: str(row["stratum_value"])) if _is_site(row)]
    shown = [site for site in sites if site["value"] is not None and site["n"]]
    center = whole["rate"] if whole["rate"] is not None and 0 < whole["rate"] < 1 else None
    title, key = f"{words}: sites beside each other", f"funnel-{measure}"
    why = _why_not(sites, shown, center)
    points = [(round(site["value"] * site["n"]), site["n"]) for site in shown]
    spread = spc_sites.dispersion(points, center, given["funnel_winsorised"], given["funnel_least_sites"])
    signals = [] if why else _signals(shown, center, spread.tau, given)
    chart = {"key": key, "measure": measure, "title": title, "kind": "funnel", "is_frozen": False, "signals": signals}
    chart |= {"cannot_tell": bool(why), "says": f"Cannot tell: {why}." if why else _says(signals, spread.tau)}
    chart |= {"limits_say": _limits_say(center, spread, given), "svg": None, "svg_phone": None}
    if center is not None and any(site["value"] is not None or site["band"] for site in sites):
        curves = _curves(sites, center, spread.tau, given)
        for name, own, width in (("svg", key, WIDTH), ("svg_phone", f"{key}-phone", PHONE)):
            chart[name] = beside_each_other.funnel(sites, curves, center, own, title, chart["says"], width)
    return chart | smallest(shown, center, given) | {"table": [site | {"center": center} for site in sites]}


def _is_site(row):
    return row["stratum"] == "site" and row["stratum_value"] != UNKNOWN and row["n_index"] != 0


def _site(row):
    band = row.get("rate_band") if row["rate"] is None else None
    return {
        "label": row["stratum_value"],
        "n": rated(row),
        "n_index": row["n_index"],
        "value": row["rate"],
        "band": band,
        "low": None,
        "high": None,
        "is_signal": False,
    }


def _why_not(sites, shown, center):
    if not sites:
        return "no order names its site"
    if center is None:
        return "the rate of all sites together is not shown, or is 0 or 100 %, and limits need it"
    if len(shown) < 2:
        return f"{len(shown)} of {len(sites)} sites show a rate; the others are small, or would give a small one away"
    return None


def _signals(shown, center, tau, given):
    found = []
    for site in shown:
        site["low"], site["high"] = spc_sites.funnel_limits(center, site["n"], given["funnel_outer"])
        side = _side(site["value"], site["low"], site["high"])
        if side:
            site["is_signal"] = True
            span = f"{100 * site['low']:.1f} to {percent(site['high'])}"
            words = f"{site['label']}: {percent(site['value'])} of {site['n']} lies {side} what chance does ({span})"
            if tau:
                wide = spc_sites.funnel_limits(center, site["n"], given["funnel_outer"], tau)
                words += ", and beyond" if _side(site["value"], *wide) else ", though within"
                words += " the spread that the sites show"
            found.append({"kind": f"{side}_limit", "site": site["label"], "sentence": words + "."})
    return found


def _side(value, low, high):
    if low is None:
        return None
    return "below" if value < low - 1e-9 else "above" if value > high + 1e-9 else None


def _says(signals, tau):
    if signals:
        more = f" ({len(signals)} signals in all)" if len(signals) > 1 else ""
        return f"Signal: {signals[0]['sentence'][:-1]}{more}. {LOOK_AT_SITE}"
    if tau:
        words = "No signal: no site stands out, yet together they differ more than chance would have them"
        return f"{words}. Compare how they map, refer and schedule; an order among them says nothing."
    return "No signal: the sites that show a rate differ as chance lets them; an order among them says nothing."


def _limits_say(center, spread, given):
    if center is None:
        return ""
    ends = f"{100 * given['funnel_inner']:g} and {100 * given['funnel_outer']:g} %"
    words = f"Exact binomial limits about {as_given(center)}, at {ends}."
    if spread.phi is None:
        least = f"Fewer than {given['funnel_least_sites']:g} sites show a rate"
        return f"{words} {least}: whether they differ more than chance cannot be told."
    if not spread.tau:
        return f"{words} No sign that sites differ more than chance (phi {spread.phi:.2f})."
    told = f"Sites differ more than chance (phi {spread.phi:.2f})"
    told += f", as if their true rates spread by {100 * spread.tau:.1f} points"
    return f"{words} {told}; the outermost line allows for that."


def _curves(sites, center, tau, given):
    most = int(1.12 * max(site["n"] or site["n_index"] or 1 for site in sites)) or 1
    places = sorted({*range(1, most, max(1, most // STEPS)), most})
    covers = [(given["funnel_inner"], 0.0, [2, 3], ""), (given["funnel_outer"], 0.0, [6, 3], "")]
    covers += [(given["funnel_outer"], tau, [10, 3, 2, 3], " + spread")] if tau else []
    return [
        {"name": f"limit of {100 * cover:g} %{more}", "short": f"{100 * cover:g} %{more}", "dash": dash,
         "ends": [(n, *spc_sites.funnel_limits(center, n, cover, wide)) for n in places]}
        for cover, wide, dash, more in covers
    ]


def smallest(shown, center, given):
    """How far below the centre the true rate of a site of the usual size must lie to be probably seen."""
    sizes = sorted(site["n"] for site in shown)
    if not sizes or center is None:
        return {"smallest_change": None, "smallest_says": "No site shows its rate, so none could be seen to differ."}
    usual, outer, power = sizes[len(sizes) // 2], given["funnel_outer"], given["change_power"]
    words = f"A site of the usual size ({usual} rated episodes)"
    rate = spc_sites.rate_flagged_with(power, usual, center, outer)
    if rate is None:
        return {"smallest_change": None, "smallest_says": f"{words} could not be seen to differ, whatever its rate."}
    chance = spc_sites.flagged_below(usual, center, given["funnel_low_rate"], outer)
    words += f" would probably be seen if its true rate were {percent(rate, 0)} or lower"
    if given["funnel_low_rate"] < center:
        words += f"; at {percent(given['funnel_low_rate'], 0)} it would be seen {100 * chance:.0f} times in 100"
    return {"smallest_change": 100 * (center - rate), "smallest_says": words + "."}
