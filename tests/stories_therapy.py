"""The drugs of a random patient: courses whose lengths and gaps lie where the rules bend."""

from datetime import timedelta

STATUSES = [("completed", 10), (None, 6), ("active", 2), ("scheduled", 2), ("cancelled", 1),
            ("entered_in_error", 1)]
CHEMO = ["HCPCS:J9000", "HCPCS:J9171", "HCPCS:J9264", "HCPCS:J9045", "RXNORM:56946",
         "SNOMED:367336001"]
TARGETED = ["HCPCS:J9355", "HCPCS:Q5112", "HCPCS:J9306"]
IMMUNO = ["HCPCS:J9271", "ICD9PROC:99.28"]
ORAL = ["RXNORM:72965", "RXNORM:10324", "HCPCS:J9395", "CPT:96402"]
OTHER_TARGETED = ["RXNORM:1601374", "RXNORM:1946825"]
INFUSION = ["CPT:96413", "CPT:96409", "ICD10PCS:3E03305"]
UNCOUNTED = ["HCPCS:J9260", "HCPCS:J0897", "HCPCS:J9202", "HCPCS:J2505", "CPT:96365"]
# What a patient's therapy looks like, and how often.
COURSES = [("chemo", 44), ("combined", 14), ("oral", 16), ("oral_targeted", 5), ("targeted", 5),
           ("infusion", 8), ("encounters", 4), ("single", 16), ("year", 4), ("none", 4)]


def days(n):
    return timedelta(days=n)


def add_dose(story, code, day, **columns):
    """A row of therapies, or an order of the drug."""
    if story.chance(0.12):
        done = story.pick([{}, {"performed_on": day}, {"scheduled_on": day}])
        if story.chance(0.1):  # planned after as_of: the order's own day stands
            done, day = {"scheduled_on": story.as_of + days(5)}, day + days(3)
        ordered = day if not done else day - days(story.pick([0, 3, 10]))
        story.add("orders", "m", code, ordered_on=ordered, order_type=story.pick(["medication", None]),
                  status=story.pick(STATUSES), **done)
        return
    status = story.pick([(None, 8), ("completed", 8), ("cancelled", 1), ("entered_in_error", 1),
                         ("scheduled", 1)])
    story.add("therapies", "t", code, started_on=day, **{"status": status, **columns})


def start_day(story, diagnosed):
    choices = [(diagnosed + days(story.rng.randint(5, 60)), 12),
               (story.near(diagnosed + days(180)), 1), (story.near(diagnosed - days(30)), 1),
               (diagnosed + days(story.rng.randint(150, 300)), 0.5)]
    observed = story.near(story.data_from + days(90))   # from here on the baseline is in the data
    if diagnosed <= observed < diagnosed + days(150):
        choices.append((observed, 8))
    return story.pick(choices)


def stated_intent(story):
    """One intent a row: none, all the same, or conflicting ones."""
    kind = story.pick([("none", 60), ("neoadjuvant", 16), ("adjuvant", 9), ("other", 3),
                       ("palliative", 3), ("mixed", 9)])
    if kind == "mixed":
        words = story.pick([["adjuvant", "neoadjuvant"], ["adjuvant", "palliative"],
                            [None, "adjuvant"], ["other", "neoadjuvant"], ["other", "adjuvant"]])
        return lambda: story.pick(words)
    word = None if kind == "none" else kind
    return lambda: word


def add_course(story, kind, start):
    intent = stated_intent(story)
    story.first, story.last = start, start
    story.is_short = kind in ("oral", "single")
    if kind in ("chemo", "combined", "targeted", "infusion", "encounters"):
        add_cycles(story, kind, start, intent)
    if kind in ("oral", "oral_targeted"):
        add_oral(story, kind, start, intent)
    if kind == "single":
        add_single(story, start, intent)
    if kind == "year":
        add_year(story, start, intent)
    if kind == "combined" and story.chance(0.35):   # another drug goes on after the chemotherapy
        for n in range(1, story.pick([3, 6, 9])):
            add_dose(story, "HCPCS:J9355", story.last + days(21 * n), intent=intent())
        if story.chance(0.5):
            story.last += days(21 * n)
    if kind == "combined" and story.chance(0.3):
        add_oral(story, "oral", start, intent)
    if story.chance(0.1):   # a late event, where the chain or the year ends
        day = story.near(story.pick([start + days(365), story.last + days(60), story.last + days(120)]))
        add_dose(story, story.pick(CHEMO + ORAL), day, intent=intent())
    if story.chance(0.05):  # a cover that outlasts the doses after it, then one last dose
        end = story.last + days(story.pick([20, 70]))
        add_dose(story, story.pick(TARGETED), start, ended_on=end, intent=intent())
        add_dose(story, story.pick(CHEMO), story.near(end + days(60)), intent=intent())
    if story.chance(0.25):
        add_dose(story, story.pick(UNCOUNTED), story.pick([start, story.last, start + days(21)]))


def add_cycles(story, kind, start, intent):
    drug = story.pick({"targeted": TARGETED + OTHER_TARGETED}.get(kind, CHEMO))
    second = story.pick(TARGETED + IMMUNO) if kind == "combined" else None
    day = start
    for n in range(story.pick([(1, 2), (2, 2), (4, 4), (6, 4), (8, 2)])):
        if n:
            day += days(story.pick([(21, 8), (14, 3), (story.rng.randint(58, 62), 0.5)]))
        if kind == "infusion":
            add_dose(story, story.pick(INFUSION), day, intent=intent())
            if story.chance(0.2):
                add_dose(story, story.pick(CHEMO + UNCOUNTED), day)
        elif kind == "encounters":
            story.add("diagnoses", "d", story.pick(["ICD10CM:Z51.11", "ICD10CM:Z51.12"]),
                      diagnosed_on=day)
        else:
            add_dose(story, drug, day, intent=intent())
        if second:
            add_dose(story, second, day, intent=intent())
        if kind == "chemo" and story.chance(0.15):
            add_dose(story, story.pick(INFUSION), day)
    story.last = day
    if story.chance(0.12):  # one long row instead: its end is the question
        end = day + days(story.pick([19, 20, 21, 22, 60, -3]))
        add_dose(story, drug, day, ended_on=end, intent=intent())
        story.last = max(day, end)


def add_oral(story, kind, start, intent):
    drug, shape = story.pick(ORAL), story.pick(["ended", "supply", "refills", "active", "bare"])
    length = story.pick([30, 88, 89, 90, 91, 150, 180])
    if shape == "ended":
        add_dose(story, drug, start, ended_on=start + days(length), intent=intent())
    if shape == "supply":
        supply = story.pick([length, length + 1, 0])
        add_dose(story, drug, start, days_supply=str(supply), intent=intent())
    if shape == "active":
        add_dose(story, drug, start, status="active", intent=intent())
    if shape in ("refills", "bare"):
        n, gap = story.pick([2, 3, 4]), story.pick([30, 60, 90, 148, 149, 150, 151])
        for each in range(n):
            add_dose(story, drug, start + days(each * gap), intent=intent())
        length = gap * (n - 1) + 29
    if kind == "oral_targeted":
        add_dose(story, story.pick(OTHER_TARGETED * 2 + TARGETED), start + days(14), days_supply="28", intent=intent())
    story.last = max(story.last, start + days(length))


def add_single(story, start, intent):
    """One row, whose length decides whether it was a course at all."""
    is_oral = story.chance(0.4)
    span = story.pick([90, 90, 400] if is_oral else [21, 21, 21, 60]) + story.rng.randint(-2, 2)
    cover = story.pick([{"ended_on": start + days(span)}, {"days_supply": str(span + 1)}])
    story.add("therapies", "t", story.pick(ORAL if is_oral else CHEMO), started_on=start,
              intent=intent(), **cover)
    story.last = start + days(span)


def add_year(story, start, intent):
    """A long chain, up to the day on which no further event belongs to the course."""
    drug, day = story.pick(CHEMO + ORAL + TARGETED), start
    while day < start + days(340):
        add_dose(story, drug, day, intent=intent())
        day += days(story.pick([21, 28, 45]))
    story.last = story.near(start + days(365))
    add_dose(story, drug, story.last, intent=intent())


def add_earlier_therapy(story, diagnosed):
    """The same drug before the grace days: a continuation, or long over."""
    floor = diagnosed - days(30)
    drugs = [row for row in story.rows["therapies"] if row.get("code")]
    code = story.pick(CHEMO + ORAL)
    if drugs and story.chance(0.75):
        code = f"{drugs[0]['code_system']}:{drugs[0]['code']}"
    day = story.pick([story.near(floor - days(180)), story.near(floor), floor - days(90)])
    end = story.near(floor - days(180))
    add_dose(story, code, min(day, end), ended_on=story.pick([None, end, end]))
    if story.chance(0.3):
        add_dose(story, code, day)
