"""The tables beside the measure for the made-up people of out_tables: invented answers, counted so that they hang together as in a run."""

import csv
import random

import polars as pl

from flows import ROOT

MEASURES = ("post_completion", "on_treatment")
SCENARIOS = {"progression": "clinical_worsening", "discordance": "discordant_findings", "metastasis": "suspected_metastasis", "axilla": "axilla"}
ANSWERS = {
    "appropriate": "usually_appropriate", "not_appropriate": "usually_not_appropriate", "unrated": "not_rated_in_variant",
    "indeterminate": "contrast_unspecified",
}
BANDS = {"fdg": (4, 10, 30), "sestamibi": (3, 1, 10), "mammography": (2, 0.1, 1), "dbt": (2, 0.1, 1), "us": (0, 0, 0), "mri": (0, 0, 0)}
OUTCOMES = ("appropriate", "mixed", "may_be", "not_appropriate", "unrated", "indeterminate")


def rules(name):
    with (ROOT / "rules" / f"{name}.csv").open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def later_orders(orders, seed):
    """Orders of the same question after the index day."""
    dice = Dice(seed)
    index = [order for order in orders if order["kind"] == "index"]
    return [order | {"kind": "later", "reason": "later_order"} for order in index if dice.falls("later")]


class Dice:
    """Chances that differ from one delivery to the next, so that some counts are nearly all and others nearly none."""

    def __init__(self, seed):
        self.rng, self.chances = random.Random(f"beside {seed}"), {}

    def falls(self, what, *choices):
        chance = self.chances.setdefault(what, self.rng.choice(choices or (0, 0.02, 0.1, 0.3)))
        return self.rng.random() < chance

    def pick(self, what, words):
        """One of the words, the first ones oftener than the last."""
        share = self.chances.setdefault(what, self.rng.choice((0.3, 0.1, 0.03)))
        return self.rng.choices(words, [share**at for at in range(len(words))])[0]


def tables_beside(orders, later, n_cases, seed, is_operated, wilson):
    """The eight tables; is_operated(case id), wilson(hits, total)."""
    return Made(orders, later, n_cases, Dice(f"{seed} counts"), is_operated, wilson).tables()


class Made:
    def __init__(self, orders, later, n_cases, dice, is_operated, wilson):
        self.dice, self.is_operated, self.wilson = dice, is_operated, wilson
        self.index = [order for order in orders if order["kind"] == "index"]
        self.around = [order for order in orders if order["kind"] != "index"]
        self.response = [self.answered(order) for order in self.index + later]
        self.with_index = {order["case_id"] for order in self.index}
        self.n_cases, self.rest = n_cases, n_cases - len(self.with_index)
        self.unresolved = {order["case_id"] for order in self.index if order["intent_tier"] == "unresolved"}

    def answered(self, order):
        """An order of the measure, performed or not, with the answers of both editions."""
        then = "unmapped_code" if order["procedure"] == "unmapped" else ANSWERS[order["result"]]
        now = self.dice.pick("moved", (then, "not_rated_in_variant", "usually_appropriate"))
        is_rated = order["result"] in ("appropriate", "not_appropriate")
        return order | {"then": then, "now": now, "is_performed": self.dice.falls("performed", 1, 0.98, 0.7), "is_rated": is_rated}

    def tables(self):
        secondary, scenarios = self.secondary(), self.scenario_orders()
        return {
            "secondary_measure": secondary, "scenario_compliance": self.scenario_compliance(scenarios), "edition_change": self.edition_change(scenarios),
            "staging_summary": self.staging(scenarios), "radiation": self.radiation(), "maturity": self.maturity(), "label_basis": self.label_basis(),
            "validity": self.validity(secondary),
        }  # fmt: skip

    def counted(self, measure):
        return [order for order in self.index if order["measure"] == measure and order["case_id"] not in self.unresolved]

    def secondary(self):
        """Of each part the units, each with whether it is what the measure looks for."""
        units = {("S1", "all"): [True] * len({case for case in self.with_index if self.is_operated(case)}) + [False] * (self.rest * 2 // 3)}
        clips = [self.dice.pick("clip", ("certain", "none", "possible")) for _ in range(self.n_cases - len(self.unresolved))]
        units["S5", "certain"] = [clip == "certain" for clip in clips]
        units["S5", "possible"] = [clip != "none" for clip in clips]
        units["S6", "all"] = [self.dice.falls("board", 0.9, 0.5, 0.02) for _ in clips if self.dice.falls("flagged", 0.99, 0.4, 0.1)]
        operated = sum(self.is_operated(case) for case in self.with_index - self.unresolved) + self.rest * 2 // 3
        units["S8", "last_dose_to_surgery"] = [self.dice.falls("timely", 0.97, 0.9, 0.6) for _ in range(operated)]
        for measure in MEASURES:
            units |= {(name, measure): met for name, met in self.of_orders(measure).items()}
            units |= {(name, measure): met for name, met in self.of_response(measure).items()}
        units |= self.of_episodes()
        days = {part: self.days(met) for part, met in units.items() if part[0] == "S8"}
        return self.frame([self.row(told, units[told["measure"], told["part"]], days.get((told["measure"], told["part"]), {})) for told in rules("secondary_measure")],
                          {"period_start": pl.Date, "n_unknown_band": pl.Int64, "position": pl.Int32, **dict.fromkeys(("median_days", "q1_days", "q3_days", "msv_low", "msv_high"), pl.Float64)})

    def of_orders(self, measure):
        orders = self.counted(measure)
        mapped = [order for order in orders if order["procedure"] != "unmapped"]
        return {
            "S2": [self.dice.falls("companion") for order in orders if order["procedure"] == "us_breast"],
            "S3": [self.dice.falls("baseline", 0.95, 0.5) for _ in mapped if self.dice.falls("covered", 1, 0.98, 0.7)],
            "S11": [order["exception"] for order in orders if order["result"] == "not_appropriate"],
            "S12": [self.dice.falls("repeat") for _ in mapped],
            "S13": [self.dice.falls("in time", 0.97, 0.8) for _ in orders if self.dice.falls("open", 1, 0.98, 0.7)],
        }

    def of_response(self, measure):
        orders = [order for order in self.response if order["measure"] == measure and order["case_id"] not in self.unresolved]
        other = [order for order in self.around if order["measure"] == measure and order["reason"] == "contralateral" and order["intent_tier"] != "unresolved"]
        return {
            "S7": [order["result"] == "not_appropriate" for order in orders if order["is_rated"] and order["is_performed"]],
            "S9": [True for _ in orders if self.dice.falls("sided", 1, 0.9)] + [False for _ in other if self.dice.falls("in phase", 1, 0.9)],
        }

    def of_episodes(self):
        units = {}
        for measure in MEASURES:
            episodes = {}
            for order in self.counted(measure):
                episodes.setdefault(order["case_id"], []).append(order["procedure"].startswith("mri_breast"))
            units["S10", measure] = [any(mri) or self.dice.falls("later MRI") for mri in episodes.values()]
            units["S4", measure] = [self.dice.falls("escalated", 0.6, 0.9) for mri in episodes.values() if not any(mri) and self.dice.falls("unclear")]
            if measure == "post_completion":
                units["S8", "last_dose_to_index"] = [self.dice.falls("early", 1, 0.9) for _ in episodes]
                units["S8", "index_to_surgery"] = [self.dice.falls("timely") for case in episodes if self.is_operated(case)]
                units["S14", "sides"] = [self.dice.falls("both", 0.9) for _ in episodes if self.dice.falls("both breasts")]
                units["S14", "sites"] = [self.dice.falls("told", 0.9) for _ in episodes if self.dice.falls("two sites")]
        return units

    def days(self, met):
        found = sorted(self.dice.rng.randrange(0, 57) if hit else self.dice.rng.randrange(57, 120) for hit in met)
        at = {"q1_days": 0.25, "median_days": 0.5, "q3_days": 0.75}
        return {name: pl.Series(found).quantile(share, "linear") for name, share in at.items()} if found else {}

    def row(self, told, met, days):
        hits, whole = sum(met), len(met)
        low, high = self.wilson(hits, whole)
        doses = dict.fromkeys(("msv_low", "msv_high", "n_unknown_band"))
        if told["measure"] == "S7":
            bad = [order for order in self.response if order["measure"] == told["part"] and order["case_id"] not in self.unresolved
                   and order["result"] == "not_appropriate" and order["is_performed"]]
            doses = {name: float(sum(band_of(order["procedure"])[at] for order in bad)) for at, name in ((1, "msv_low"), (2, "msv_high"))} | {"n_unknown_band": 0}
        return {
            "measure": told["measure"], "part": told["part"], "period_grain": "all", "period_start": None, "name": told["name"], "label": told["label"],
            "unit": told["unit"], "better": told["better"], "sanity_note": told["sanity_note"], "numerator": hits, "denominator": whole, "rate": hits / whole if whole else None, "ci_low": low, "ci_high": high,
            **(dict.fromkeys(("median_days", "q1_days", "q3_days")) | days), **doses, "is_computable": True, "position": int(told["position"]), "suppressed": False,
        }  # fmt: skip

    def scenario_orders(self):
        """Orders with another question, each with its answers."""
        found = []
        for order in self.around:
            scenario = SCENARIOS.get(order["reason"]) or (self.dice.pick("baseline", ("baseline_breast", "baseline_axilla")) if order["reason"] == "before_therapy" else None)
            if scenario:
                then = self.dice.pick(scenario, ("usually_appropriate", "no_matching_variant", "usually_not_appropriate", "nodal_status_unknown"))
                found.append(order | {"scenario": scenario, "then": then, "now": self.dice.pick("moved", (then, "no_matching_variant"))})
        return found

    def scenario_compliance(self, orders):
        """The orders of the first day of each case; nodal status unknown is indeterminate."""
        words = {"usually_appropriate": "appropriate", "usually_not_appropriate": "not_appropriate", "nodal_status_unknown": "indeterminate"}
        labels = {row["scenario"]: row["label"] for row in rules("scenario")}
        rows = []
        for scenario in sorted({*SCENARIOS.values(), "baseline_breast", "baseline_axilla", "baseline_axillary_biopsy"}):
            cases = {}
            for order in sorted((order for order in orders if order["scenario"] == scenario and order["intent_tier"] != "unresolved"), key=lambda order: order["day"]):
                first = cases.setdefault(order["case_id"], [order])
                first += [order] if order["day"] == first[0]["day"] and order is not first[0] else []
            outcomes = {"order": [words.get(order["then"], "unrated") for first in cases.values() for order in first],
                        "episode": [verdict({words.get(order["then"], "unrated") for order in first}) for first in cases.values()]}
            rows += [{"scenario": scenario, "label": labels.get(scenario), "basis": basis} | self.rated(outcomes[basis]) for basis in outcomes]
        return self.frame(rows, {})

    def rated(self, outcomes):
        count = {f"n_{name}": outcomes.count(name) for name in OUTCOMES}
        rated, whole, good = sum(count[f"n_{name}"] for name in OUTCOMES[:4]), len(outcomes), count["n_appropriate"]
        is_withheld = bool(whole) and (whole - rated) / whole > 0.15
        low, high = (None, None) if is_withheld else self.wilson(good, rated)
        rate = {"rate": None if is_withheld or not rated else good / rated, "ci_low": low, "ci_high": high}
        bounds = {"bound_low": good / whole if whole else None, "bound_high": (whole - rated + good) / whole if whole else None}
        return {"n_index": whole} | count | rate | bounds | {"is_withheld": is_withheld}

    def edition_change(self, scenarios):
        cells = {}
        for order in [order | {"scenario": "breast_response"} for order in self.response] + scenarios:
            cells.setdefault((order["scenario"], order["then"], order["now"]), []).append(order["case_id"])
        rows = [{"question": question, "answer_then": then, "answer_now": now, "is_moved": then != now, "n_orders": len(cases), "n_cases": len(set(cases))}
                for (question, then, now), cases in sorted(cells.items())]
        return pl.DataFrame(rows, schema={"question": pl.String, "answer_then": pl.String, "answer_now": pl.String, "is_moved": pl.Boolean, "n_orders": pl.Int64, "n_cases": pl.Int64})

    def staging(self, scenarios):
        words = [row["workup"] for row in rules("staging_workup")]
        cases = sorted({order["case_id"] for order in scenarios if order["scenario"] == "suspected_metastasis"})
        found = [self.dice.pick("workup", words) for _ in cases if self.dice.falls("staged", 1, 0.5)]
        truth = {"true": True, "false": False, "": None}
        return self.frame([{"workup": row["workup"], "follows_either_or": truth[row["follows_either_or"]], "is_all_three": truth[row["is_all_three"]],
                            "n_cases": found.count(row["workup"])} for row in rules("staging_workup")], {})

    def radiation(self):
        """Of the measure and beside it."""
        exams = {}
        for order in [order for order in self.response if order["is_performed"]] + [order for order in self.around if self.dice.falls("done", 0.9)]:
            exams.setdefault(order["procedure"], []).append(order)
        rows = []
        for procedure, found in sorted(exams.items()):
            level, low, high = band_of(procedure)
            avoidable = sum(order.get("is_rated", False) and order["result"] == "not_appropriate" for order in found)
            rows.append({
                "procedure": procedure, "radiation_level": level, "n_exams": len(found), "n_cases": len({order["case_id"] for order in found}),
                "msv_low": None if level is None else low * len(found), "msv_high": None if level is None else high * len(found), "n_avoidable": avoidable,
                "avoidable_msv_low": float(low * avoidable), "avoidable_msv_high": float(high * avoidable)})  # fmt: skip
        return self.frame(rows, {"radiation_level": pl.Int32, "msv_low": pl.Float64, "msv_high": pl.Float64})

    def maturity(self):
        """An operated case is settled, and most others are once they are old enough."""
        cells = {}
        for measure in MEASURES:
            days = {}
            for order in self.counted(measure):
                days.setdefault(order["case_id"], order["day"])
            last = max(days.values(), default=None)
            for case, day in days.items():
                is_settled = self.is_operated(case) and self.dice.falls("settled", 1, 0.97) or (last - day).days > 400
                is_settled = is_settled or self.is_operated(case) and measure == "post_completion"
                for grain, start in (("all", None), ("year", day.replace(month=1, day=1)), ("quarter", day.replace(month=(day.month + 2) // 3 * 3 - 2, day=1))):
                    cells.setdefault((measure, grain, start), []).append(is_settled)
        rows = [dict(zip(("measure", "period_grain", "period_start"), key, strict=True)) | {
            "n_index": len(found), "n_settled": sum(found), "settled_share": sum(found) / len(found), "is_immature": sum(found) / len(found) < 0.9} for key, found in cells.items()]
        return self.frame(rows, {"period_start": pl.Date})

    def label_basis(self):
        cells = {}
        for measure in MEASURES:
            for order in self.counted(measure):
                kinds = {
                    "intent": order["intent_tier"], "first_dose": self.dice.pick("dose", ("therapies", "orders", "diagnoses")), "side": self.dice.pick("side", ("known", "unknown")),
                    "surgery": self.dice.pick("surgery", ("procedures", "orders", "diagnoses")) if self.is_operated(order["case_id"]) else "none",
                    "purpose": "assumed" if order["assumed"] else self.dice.pick("purpose", ("code", "stated")),
                    "procedure": "unmapped" if order["procedure"] == "unmapped" else self.dice.pick("named", ("code", "alias", "contrast_assumed")),
                }  # fmt: skip
                for aspect, kind in kinds.items():
                    cells[measure, aspect, kind] = cells.get((measure, aspect, kind), 0) + 1
        total = {measure: len(self.counted(measure)) for measure in MEASURES}
        rows = [{"measure": key[0], "aspect": key[1], "kind": key[2], "n_index": count, "share": count / total[key[0]]} for key, count in sorted(cells.items())]
        return self.frame(rows, {})

    def validity(self, secondary):
        rows = [
            {"alarm": {"S1": "response_imaging", "S9": "laterality"}[row["measure"]], "measure": row["part"], "n": row["denominator"], "threshold": {"S1": 0.6, "S9": 0.02}[row["measure"]],
             "value": row["rate"] if row["measure"] == "S1" or row["rate"] is None else 1 - row["rate"]}
            for row in secondary.to_dicts() if row["measure"] in ("S1", "S9")
        ]  # fmt: skip
        words = {row["alarm"]: {name: row[name] for name in ("label", "next_step")} for row in rules("alarm")}
        for row in rows:
            is_off = row["value"] is not None and (row["value"] < row["threshold"] if row["measure"] == "all" else row["value"] > row["threshold"])
            row["is_alarm"] = None if row["value"] is None else is_off and row["n"] > 10
        names = ("alarm", "measure", "value", "threshold", "n", "is_alarm")
        return self.frame([{name: row[name] for name in names} | words[row["alarm"]] for row in rows], {"value": pl.Float64})

    @staticmethod
    def frame(rows, kinds):
        return pl.DataFrame(rows, schema_overrides=kinds, infer_schema_length=None)


def band_of(procedure):
    return BANDS.get(procedure.split("_")[0], (None, 0, 0))


def verdict(outcomes):
    if {"appropriate", "not_appropriate"} <= outcomes:
        return "mixed"
    return next(name for name in OUTCOMES if name in outcomes)
