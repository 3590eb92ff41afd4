"""What the attacker of tests/attacker.py makes of the tables beside the measure: how they are rounded, and how they hang together.

    tables_beside(book, released, truth)    adds their cells, what is shown of each, and every relation to the exact tables
"""

TABLES = ("secondary_measure", "scenario_compliance", "edition_change", "staging_summary", "radiation", "maturity", "label_basis")
KEYS = {
    "secondary_measure": ("measure", "part"), "scenario_compliance": ("scenario", "basis"),
    "edition_change": ("question", "answer_then", "answer_now"), "staging_summary": ("workup",),
    "radiation": ("procedure", "radiation_level"), "maturity": ("measure", "period_grain", "period_start"),
    "label_basis": ("measure", "aspect", "kind"),
}
MEASURES = ("post_completion", "on_treatment")
KEPT = [f"{kind}_{has}_response_order" for kind in ("operated", "unoperated") for has in ("with", "without")]
REASONS = {"clinical_worsening": "progression", "discordant_findings": "discordance", "suspected_metastasis": "metastasis", "axilla": "axilla"}
RESPONSE = ("index_post_completion", "index_on_treatment", "later_order")
BANDS = {"below_80": (0, 80), "80_to_90": (80, 90), "90_to_95": (90, 95), "95_and_above": (95, 100)}
FINER = {"all": "year", "year": "quarter"}
REACH = 20  # how near a count is to another one whose tens stand for it


def tables_beside(book, released, truth):
    Beside(book, released, truth)


class Beside:
    def __init__(self, book, released, truth):
        self.book, self.released = book, {name: released[name].to_dicts() for name in released}
        self.rows = {}
        for name in TABLES:
            real = {tuple(row[column] for column in KEYS[name]): row for row in truth[name].to_dicts() if is_exported(name, row)}
            for row in self.released[name]:
                key = tuple(row[column] for column in KEYS[name])
                self.rows[name, *key] = row, real.pop(key)
            assert not real, (name, "rows left out", real)
        self.places()
        for table, say in (("secondary_measure", self.secondary), ("scenario_compliance", self.scenario), ("edition_change", self.change),
                           ("staging_summary", self.staging), ("radiation", self.radiation), ("maturity", self.maturity), ("label_basis", self.label)):
            for (name, *key), (row, real) in self.rows.items():
                if name == table:
                    say(key, row, real)
        self.periods_add_up()
        self.kinds_add_up()
        self.questions_add_up()
        self.avoidable_adds_up()
        self.measures_hang_together()
        self.alarms_say()

    # --- cells -------------------------------------------------------------------------------------------------------

    def places(self):
        """Rows of the exact tables by their keys."""
        self.compliance = {
            (row["measure"], row["basis"], row["period_grain"], row["period_start"], row["stratum"], row["stratum_value"]): at
            for at, row in enumerate(self.released["compliance"])}
        self.orders = {row["reason"]: at for at, row in enumerate(self.released["attrition"])}
        self.cases = {row["reason"]: at for at, row in enumerate(self.released["case_attrition"])}

    def count(self, column, measure, basis, stratum="all", value="all", grain="all", start=None):
        """A cell of compliance; none where there is no such row, and then it counts nothing."""
        at = self.compliance.get((measure, basis, grain, start, stratum, value))
        return [] if at is None else [("compliance", at, column)]

    def of_orders(self, reasons, column="n_orders"):
        return [("attrition", self.orders[reason], column) for reason in reasons]

    def of_cases(self, reasons):
        return [("case_attrition", self.cases[reason], "n_cases") for reason in reasons]

    def shown(self, cells):
        """Their sum, as far as the exact tables give it, in tens or to the last unit."""
        found = [self.book.given[cell] for cell in cells]
        return None if None in found else sum(found)

    def index(self, measure, basis):
        """What is known of the index orders or episodes: how many, or how many were rated where only the rate is shown."""
        cells = self.count("n_index", measure, basis)
        row = self.released["compliance"][cells[0][1]]
        if row["n_index"] is None and row["rate"] is not None:
            return self.book.true[self.book.place["compliance", cells[0][1], "rated"]]  # rate and interval give it
        return row["n_index"]

    # --- what is shown ------------------------------------------------------------------------------------------------

    def in_tens(self, cell, n, near=None, is_hidden=False):
        """is_hidden: nothing is shown, not even that there is none."""
        if n is None:
            self.book.relate([cell], [], 0 if is_hidden else 1, float("inf"))
        elif n == 0:
            self.book.equal([cell])
        else:
            low, high = 11 if n == 20 else n - 5, n + 4
            if near is not None and rounded(near) == n:
                low, high = min(low, max(11, near - REACH)), max(high, near + REACH)
            self.book.relate([cell], [], low, high)

    def share(self, part, whole, share, count):
        """A share in so many steps; halves go to the middle."""
        if share in (0, 1):
            self.book.equal([part], [whole] if share else [])
            return
        at = round(share * count)
        self.book.at_most([(2 * at - 1, whole)], [(2 * count, part)], -1 if 2 * at > count else 0)
        self.book.at_most([(2 * count, part)], [(2 * at + 1, whole)], -1 if 2 * at < count else 0)
        self.book.relate([part], [], 11, float("inf"))
        self.book.relate([whole], [part], 11, float("inf"))

    def closed(self, part, whole, n, band, is_small=True):
        if n is not None and is_small:  # neither nothing nor all
            self.book.relate([part], [], 1, float("inf"))
            self.book.relate([whole], [part], 1, float("inf"))
        if band:
            low, high = BANDS[band]
            self.book.at_most([(low, whole)], [(100, part)])
            self.book.at_most([(100, part)], [(high, whole)], -1)

    def less(self, name, left, right):
        """A difference that is a count in its own right."""
        true = sum(self.book.true[self.book.place[cell]] for cell in left) - sum(self.book.true[self.book.place[cell]] for cell in right)
        cell = ("difference", name, "n")
        self.book.add(cell, None, true)
        self.book.equal([cell, *right], left)
        return cell

    # --- the tables ---------------------------------------------------------------------------------------------------

    def secondary(self, key, row, real):
        part, whole = (("secondary_measure", "|".join(key), column) for column in ("numerator", "denominator"))
        self.book.add(part, None, real["numerator"])
        self.book.add(whole, None, real["denominator"])
        self.less(("rest", *key), [whole], [part])
        near = self.near(*key)
        self.in_tens(whole, row["denominator"], near, near is None)
        if row["rate"] is not None:
            self.share(part, whole, row["rate"], round(1 / row["rate_step"]))
        else:
            is_part_free = key[0] == "S9" and self.shown(self.of_orders(["contralateral"])) is None  # hidden even if there is none
            self.closed(part, whole, row["denominator"], row["rate_band"], row["denominator"] != 0 and not is_part_free)

    def near(self, measure, part):
        of = part if part in MEASURES else "post_completion"
        if measure == "S1" or part == "last_dose_to_surgery":
            return self.shown(self.of_cases(KEPT[:2]))
        if measure in ("S5", "S6"):
            return self.shown(self.of_cases(KEPT))
        if measure in ("S4", "S8", "S10", "S14"):
            return self.index(of, "episode")
        if measure in ("S3", "S12", "S13"):
            return self.index(of, "order")
        if measure == "S2":
            return self.shown(self.count("n_index", of, "order", "procedure", "us_breast"))
        if measure == "S11":
            return self.shown(self.count("n_not_appropriate", of, "order"))
        return None

    def scenario(self, key, row, real):
        cells = {name: ("scenario_compliance", "|".join(key), name) for name in ("n_index", "n_appropriate", "rated", "undecided")}
        rated = sum(real[name] for name in ("n_appropriate", "n_mixed", "n_may_be", "n_not_appropriate"))
        true = {"n_index": real["n_index"], "n_appropriate": real["n_appropriate"], "rated": rated, "undecided": real["n_index"] - rated}
        for name, cell in cells.items():
            self.book.add(cell, None, true[name])
        self.less(("bad", *key), [cells["rated"]], [cells["n_appropriate"]])
        self.book.equal([cells["n_index"]], [cells["rated"], cells["undecided"]])
        column = {"order": "n_orders", "episode": "n_cases"}[key[1]]
        near = self.shown(self.asking(key[0], column))
        self.in_tens(cells["n_index"], row["n_index"], near, near is None)
        if row["is_withheld"] is not None:
            more, less = [(100, cells["undecided"])], [(15, cells["n_index"])]
            self.book.at_most(*((less, more, -1) if row["is_withheld"] else (more, less)))
        if row["rate"] is not None:
            end = row["ci_low"] if 0 < row["ci_low"] < 1 else row["ci_high"]
            n = round(1.959963984540054**2 * end * (1 - end) / (row["rate"] - end) ** 2)
            assert n % 10 == 0, "the interval is that of the shown figures"
            self.in_tens(cells["rated"], n)
            self.share(cells["n_appropriate"], cells["rated"], row["rate"], round(1 / row["rate_step"]))
        elif row["rate_band"]:
            self.closed(cells["n_appropriate"], cells["rated"], 0, row["rate_band"])
        elif not row["suppressed"] and row["is_withheld"] is False:
            self.book.equal([cells["rated"]])

    def has_unresolved(self):
        return any(key[4:] == ("intent_tier", "unresolved") for key in self.compliance)

    def asking(self, question, column="n_orders"):
        return self.of_orders(RESPONSE if question == "breast_response" else [REASONS.get(question, "before_therapy")], column)

    def change(self, key, row, real):
        for column in ("n_orders", "n_cases"):
            cell = ("edition_change", "|".join(key), column)
            self.book.add(cell, None, real[column])
            self.in_tens(cell, row[column])
        self.less(("further orders", *key), [("edition_change", "|".join(key), "n_orders")], [("edition_change", "|".join(key), "n_cases")])
        self.book.relate([("difference", ("further orders", *key), "n")], [], 0, float("inf"))

    def staging(self, key, row, real):
        self.book.add(("staging_summary", key[0], "n_cases"), None, real["n_cases"])
        self.in_tens(("staging_summary", key[0], "n_cases"), row["n_cases"], is_hidden=self.shown(self.asking("suspected_metastasis")) is None)

    def radiation(self, key, row, real):
        name = "|".join(map(str, key))
        for column in ("n_exams", "n_cases", "n_avoidable"):
            self.book.add(("radiation", name, column), None, real[column])
            self.in_tens(("radiation", name, column), row[column])
        self.less(("further exams", name), [("radiation", name, "n_exams")], [("radiation", name, "n_cases")])
        self.book.at_most([("radiation", name, "n_avoidable")], [("radiation", name, "n_exams")])

    def maturity(self, key, row, real):
        cell, (whole,) = ("maturity", "|".join(map(str, key)), "n_settled"), self.count("n_index", key[0], "episode", grain=key[1], start=key[2])
        self.book.add(cell, None, real["n_settled"])
        self.less(("unsettled", *key), [whole], [cell])
        if row["settled_share"] is not None:
            self.share(cell, whole, row["settled_share"], steps(rounded(self.shown([whole]))))
        if row["is_immature"] is True:
            self.book.at_most([(100, cell)], [(90, whole)], -1)
        if row["is_immature"] is False:
            self.book.at_most([(90, whole)], [(100, cell)])

    def label(self, key, row, real):
        cell, (whole,) = ("label_basis", "|".join(key), "n_index"), self.count("n_index", key[0], "order")
        self.book.add(cell, None, real["n_index"])
        self.book.relate([cell], [], 1, float("inf"))
        if row["share"] is not None:
            self.share(cell, whole, row["share"], steps(rounded(self.index(key[0], "order"))))
        else:
            self.closed(cell, whole, None, row["share_band"])

    # --- how they hang together ---------------------------------------------------------------------------------------

    def periods_add_up(self):
        for _, *key in [found for found in self.rows if found[0] == "maturity" and found[2] in FINER]:
            finer = [other for other in self.rows if other[0] == "maturity" and other[1] == key[0] and other[2] == FINER[key[1]]
                     and (key[1] == "all" or other[3].year == key[2].year)]
            if finer:
                cells = [("maturity", "|".join(map(str, other[1:])), "n_settled") for other in finer]
                self.book.equal([("maturity", "|".join(map(str, key)), "n_settled")], cells)

    def kinds_add_up(self):
        kinds = [key for name, *key in self.rows if name == "label_basis"]
        for measure, aspect in sorted({(key[0], key[1]) for key in kinds}):
            cells = {key[2]: ("label_basis", "|".join(key), "n_index") for key in kinds if key[:2] == [measure, aspect]}
            self.book.equal(self.count("n_index", measure, "order"), list(cells.values()))
            for kind, cell in cells.items():
                stratum = {"intent": "intent_tier", "edition": "edition"}.get(aspect, "procedure" if kind == "unmapped" else None)
                if stratum:
                    self.book.equal([cell], self.count("n_index", measure, "order", stratum, kind))
            if aspect == "purpose":
                self.assumed(measure, cells)
            if aspect == "surgery" and measure == "post_completion":
                operated = ("secondary_measure", "S8|index_to_surgery", "denominator")
                if operated in self.book.place:
                    self.book.at_most(self.count("n_index", measure, "episode"), [operated, *([cells["none"]] if "none" in cells else [])])
                    self.book.at_most([operated], [cell for kind, cell in cells.items() if kind != "none"])

    def assumed(self, measure, cells):
        """Rated index orders whose purpose is assumed: another reading counts them as indeterminate."""
        at = {row["reading"]: number for number, row in enumerate(self.released["sensitivity"]) if (row["measure"], row["basis"]) == (measure, "order")}
        names = [("sensitivity", at[name], "n_indeterminate") for name in ("assumed_pet_indeterminate", "as_defined") if name in at]
        if len(names) == 2:
            self.book.at_most([names[0]], [names[1], *([cells["assumed"]] if "assumed" in cells else [])])

    def questions_add_up(self):
        rows = [key for name, *key in self.rows if name == "edition_change"]
        for question in sorted({key[0] for key in rows}):
            cells = {tuple(key[1:]): ("edition_change", "|".join(key), "n_orders") for key in rows if key[0] == question}
            if question == "breast_response" or question in REASONS:
                self.book.equal(self.asking(question), list(cells.values()))
            if question == "breast_response":
                self.answers_then(cells)
        baseline = [("edition_change", "|".join(key), "n_orders") for key in rows if key[0].startswith("baseline")]
        self.book.at_most(baseline, self.asking("baseline_breast"))
        for key in [key for name, *key in self.rows if name == "scenario_compliance"]:
            of = ("scenario_compliance", "|".join(key), "n_index")
            column = {"order": "n_orders", "episode": "n_cases"}[key[1]]
            self.book.relate([self.less(("later orders", *key), self.asking(key[0], column), [of])], [], 0, float("inf"))
            if key[1] == "order":
                self.book.at_most([("scenario_compliance", f"{key[0]}|episode", "n_index")], [of])
                asked = [("edition_change", "|".join(other), "n_orders") for other in rows if other[0] == key[0]]
                self.book.at_most([of], asked)
                good = [cell for cell in asked if "|usually_appropriate|" in cell[1]]
                self.book.at_most([("scenario_compliance", "|".join(key), "n_appropriate")], good)
        rerouted = [("scenario_compliance", f"{scenario}|order", "n_index") for scenario in REASONS]
        self.book.at_most([cell for cell in rerouted if cell in self.book.place], [cell for measure in MEASURES for cell in self.count("n_rerouted", measure, "order")])
        staged = [("staging_summary", key[0], "n_cases") for name, *key in self.rows if name == "staging_summary"]
        self.book.at_most(staged, self.asking("suspected_metastasis", "n_cases"))

    def answers_then(self, cells):
        """Each answer of index orders was also given to all orders of that question; as was each answer of today."""
        for answer, column in (("usually_appropriate", "n_appropriate"), ("usually_not_appropriate", "n_not_appropriate")):
            index = [cell for measure in MEASURES for value in (("all", "all"), ("intent_tier", "unresolved")) for cell in self.count(column, measure, "order", *value)]
            self.book.at_most(index, [cell for key, cell in cells.items() if key[0] == answer])
            today = [("sensitivity", at, column) for at, row in enumerate(self.released["sensitivity"])
                     if (row["basis"], row["reading"]) == ("order", "current_edition")]
            self.book.at_most(today, [cell for key, cell in cells.items() if key[1] == answer])
        unmapped = [cell for measure in MEASURES for cell in self.count("n_index", measure, "order", "procedure", "unmapped")]
        if any(key[0] == "unmapped_code" for key in cells):
            self.book.at_most(unmapped, [cell for key, cell in cells.items() if key[0] == "unmapped_code"])

    def avoidable_adds_up(self):
        """S7 leaves cases of the tier unresolved out; without a row of that tier there are none with such exams."""
        by_procedure = [("radiation", "|".join(map(str, key)), "n_avoidable") for name, *key in self.rows if name == "radiation"]
        by_measure = [("secondary_measure", f"S7|{measure}", "numerator") for measure in MEASURES]
        unresolved = self.less(("avoidable", "unresolved"), by_procedure, by_measure)
        if self.has_unresolved():
            self.book.relate([unresolved], [], 0, float("inf"))
        else:
            self.book.equal([unresolved])

    def measures_hang_together(self):
        def of(measure, column="denominator"):
            return ("secondary_measure", measure, column)

        book = self.book
        book.equal([of("S1|all")], self.of_cases(KEPT[:2]))
        book.equal([of("S1|all", "numerator")], self.of_cases(KEPT[:1]))
        book.equal([of("S5|certain")], [of("S5|possible")])
        book.relate([self.less("possible clips", [of("S5|possible", "numerator")], [of("S5|certain", "numerator")])], [], 0, float("inf"))
        self.within("S5|certain", self.of_cases(KEPT))
        self.within("S6|all", self.of_cases(KEPT))
        self.within("S8|last_dose_to_surgery", self.of_cases(KEPT[:2]))
        self.within("S8|index_to_surgery", [of("S8|last_dose_to_surgery")])
        book.equal([of("S8|last_dose_to_index")], self.count("n_index", "post_completion", "episode"))
        settled = ("maturity", "post_completion|all|None", "n_settled")
        if settled in book.place:
            book.at_most([of("S8|index_to_surgery")], [settled])
        for part in ("S8|index_to_surgery", "S14|sides", "S14|sites"):
            self.within(part, self.count("n_index", "post_completion", "episode"))
        for measure in MEASURES:
            orders, episodes = (self.count("n_index", measure, basis) for basis in ("order", "episode"))
            book.equal([of(f"S10|{measure}")], episodes)
            book.equal([of(f"S2|{measure}")], self.count("n_index", measure, "order", "procedure", "us_breast"))
            book.equal([of(f"S11|{measure}")], self.count("n_not_appropriate", measure, "order"))
            book.equal([of(f"S11|{measure}", "numerator")], self.count("n_exception", measure, "order"))
            book.equal([of(f"S12|{measure}"), *self.count("n_index", measure, "order", "procedure", "unmapped")], orders)
            self.within(f"S3|{measure}", [of(f"S12|{measure}")])
            self.within(f"S13|{measure}", orders)
            self.within(f"S4|{measure}", episodes)
            mri = [cell for key in self.compliance if key[:2] == (measure, "episode") and key[4] == "procedure" and key[5].startswith("mri_breast")
                   for cell in self.count("n_index", measure, "episode", "procedure", key[5])]
            book.relate([self.less(("further MRI", measure), [of(f"S10|{measure}", "numerator")], mri)], [], 0, float("inf"))
        for name in ("S7", "S9"):
            book.at_most([of(f"{name}|{measure}", "denominator" if name == "S7" else "numerator") for measure in MEASURES], self.of_orders(RESPONSE))
        sides = [of(f"S9|{measure}") for measure in MEASURES]
        met = [of(f"S9|{measure}", "numerator") for measure in MEASURES]
        book.relate([self.less("other contralateral", [*self.of_orders(["contralateral"]), *met], sides)], [], 0, float("inf"))

    def within(self, part, cells):
        self.book.relate([self.less(("outside", part), cells, [("secondary_measure", part, "denominator")])], [], 0, float("inf"))

    def alarms_say(self):
        for row in self.released["validity"]:
            name = {"laterality": "S9", "response_imaging": "S1"}.get(row["alarm"])
            if name and row["is_alarm"] is not None:
                part, whole = (("secondary_measure", f"{name}|{row['measure']}", column) for column in ("numerator", "denominator"))
                limit = round(100 * (1 - row["threshold"] if name == "S9" else row["threshold"]))
                if row["is_alarm"]:  # a share at the limit may pass it by a rounding of the machine
                    self.book.at_most([(100, part)], [(limit, whole)])
                else:
                    self.book.at_most([(limit, whole)], [(100, part)])


def is_exported(name, row):
    return name != "secondary_measure" or row["period_grain"] == "all"


def rounded(number):
    return max(20, (number + 5) // 10 * 10)


def steps(n):
    """Each step is at least five units wide, whatever whole the tens may stand for."""
    least = max(11, n - 5 - REACH)
    return next((count for count in (100, 50, 20) if least >= 5 * count), 10)
