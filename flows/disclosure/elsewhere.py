"""Counts that other exported tables show too. What is hidden there stays hidden here, and what is shown there is known."""

import math

MEASURES = ("post_completion", "on_treatment")
OPERATED = ("operated_with_response_order", "operated_without_response_order")
CASES = (*OPERATED, "unoperated_with_response_order", "unoperated_without_response_order")
RESPONSE = ("index_post_completion", "index_on_treatment", "later_order")
# Questions of an order, and the steps of the funnel that count the orders with them; all others are asked before therapy.
REASONS = {
    "breast_response": RESPONSE, "clinical_worsening": ("progression",), "discordant_findings": ("discordance",),
    "suspected_metastasis": ("metastasis",), "axilla": ("axilla",),
}
STRATA = {"intent": "intent_tier", "edition": "edition", "procedure": "procedure"}
OF_EPISODES, OF_ORDERS = ("S4", "S8", "S10", "S14"), ("S3", "S12", "S13")


class Elsewhere:
    """The released rows of the compliance and of both funnels. None: some row shows such a count to nobody."""

    def __init__(self, rows, compliance):
        self.cases = {row["reason"]: row["n_cases"] for row in rows["case_attrition"]}
        self.orders = {column: {row["reason"]: row[column] for row in rows["attrition"]} for column in ("n_orders", "n_cases")}
        self.compliance = compliance
        self.drawn = {"S7": 0, "S9": 0}  # of the response orders, by both parts
        for row in rows["secondary_measure"]:
            if row["measure"] in self.drawn and row["period_grain"] == "all":
                self.drawn[row["measure"]] += row["denominator"]

    def row(self, measure, basis, stratum="all", value="all", grain="all", start=None):
        return self.compliance.rows.get((measure, basis, grain, start, stratum, value))

    def index(self, measure, basis):
        """Index orders or episodes; where only their rate is shown, and with it how many are rated, these: few are missing."""
        row = self.row(measure, basis)
        if row["n_index"] is None and row["rate"] is not None:
            return sum(self.compliance.outcomes(self.compliance.key(row))[:2])
        return row["n_index"]

    def in_period(self, measure, basis, grain="all", start=None):
        """As index, but only what is shown: parts that add up would tell of a whole that is not."""
        return self.row(measure, basis, grain=grain, start=start)["n_index"]

    def stratum(self, measure, aspect, kind):
        """The row of a stratum that counts the same index orders; None where there is none."""
        return self.row(measure, "order", STRATA[aspect], kind) if aspect in STRATA else None

    @staticmethod
    def reasons(question):
        return REASONS.get(question, ("before_therapy",))

    def asking(self, question, column="n_orders"):
        """Order lines (or cases with such) that ask a question."""
        return total(self.orders[column], self.reasons(question))

    def at_least_asking(self, question):
        """As many as are known of in any case."""
        shown = [self.orders["n_orders"][reason] for reason in self.reasons(question)]
        if question == "breast_response":
            shown += [self.index(measure, "order") for measure in MEASURES if self.orders["n_orders"][f"index_{measure}"] is None]
        return sum(filter(None, shown))

    def near(self, measure, part):
        """The count that the denominator of a secondary measure repeats or comes near to, or on which it draws."""
        of = part if part in MEASURES else "post_completion"
        if measure == "S1" or part == "last_dose_to_surgery":
            return total(self.cases, OPERATED)
        if measure == "S2":
            row = self.row(of, "order", "procedure", "us_breast")
            return row["n_index"] if row else 0
        if measure in self.drawn:
            return self.draw(measure)
        if measure == "S11":
            row = self.row(of, "order")
            return None if row["n_exception"] is None else row["n_not_appropriate"]
        if measure in OF_EPISODES:
            return self.index(of, "episode")
        return self.index(of, "order") if measure in OF_ORDERS else total(self.cases, CASES)

    def hides_other_side(self):
        """Orders on the other side than the cancer, which the funnel counts as well."""
        return self.orders["n_orders"]["contralateral"] is None

    def draw(self, measure):
        """No count is near; but where response orders are hidden, those drawn must not tell that there are more than are known."""
        is_loose = self.drawn[measure] + 2 * self.compliance.small <= self.at_least_asking("breast_response")
        return math.inf if self.asking("breast_response") is not None or is_loose else None


def total(counts, names):
    found = [counts[name] for name in names]
    return None if None in found else sum(found)
