"""What stands around the exams of a random patient: biopsies and clips before the therapy, results and what
follows them, comparisons, repeats, and the search for metastases. Each lies near the day on which a rule bends.
"""

from datetime import date, timedelta

from stories_imaging import MAMMOGRAMS, MRI, STATUSES, ULTRASOUNDS, add_line, report

BIOPSIES = [("CPT:19083", 9), ("CPT:19081", 3), ("CPT:19100", 4), ("CPT:19295", 2), ("CPT:19281", 1.5),
            ("ICD10PCS:0HBT3ZX", 1), ("ICD10PCS:0HBU3ZX", 1), ("ICD10PCS:0HBV3ZX", 0.5), ("ICD10PCS:0HHT3YZ", 1),
            ("LOINC:26293-1", 0.5), ("CPT:38505", 1), ("CPT:10035", 0.7), ("HCPCS:A4648", 0.7), ("CPT:19499", 0.5),
            ("LOCAL:bxg", 0.7), ("LOCAL:WIRE", 0.5), ("LOCAL:CLIP", 0.7), ("LOCAL:NODE", 0.5), ("LOCAL:XX1", 0.3)]
SAMPLED = [(None, 2), ("A", 3), ("a ", 2), ("B", 3), (" b", 2), ("10 o'clock", 1)]
WORRIES = [("response_stable", 8), ("discordant", 2), ("response_progressive", 1), ("clinical_progression", 1)]
STAGING = [(["CPT:78306"], 5), (["CPT:71260", "CPT:74177"], 5), (["CPT:78815"], 3), (["CPT:78816"], 1),
           (["CPT:71250", "CPT:74176"], 1), (["CPT:71260"], 0.5), (["CPT:78814"], 0.5), (["CPT:78803"], 0.5)]
CURRENT_EDITION = date(2023, 1, 1)
OTHER = {"left": "right", "right": "left"}


def days(n):
    return timedelta(days=n)


# ---- before the therapy ------------------------------------------------------------------

def add_biopsies(story, diagnosed):
    """One to four samples, between the first day of the work-up and the days after the first dose."""
    first = story.first or diagnosed
    spots = [(diagnosed - days(90), 1.5), (diagnosed, 3), (first, 2), (first - days(10), 2)]
    is_both = story.chance(0.35)
    if is_both and story.chance(0.6):
        # Both breasts, if the other one is found in time.
        story.add("diagnoses", "d", "ICD10CM:C50.919", diagnosed_on=story.near(diagnosed + days(10)),
                  laterality=OTHER[story.cancer_side])
    for n in range(story.pick([(1, 3), (2, 5), (3, 2), (4, 1)])):
        side = [story.cancer_side, OTHER[story.cancer_side]][n % 2] if is_both else story.side(story.cancer_side)
        day, code = story.near(story.pick(spots)), story.pick(BIOPSIES)
        if story.chance(0.88):
            story.add("procedures", "b", code, performed_on=day, laterality=side, site_label=story.pick(SAMPLED),
                      status=story.pick(STATUSES))
        else:
            done = story.pick([{}, {"performed_on": day}, {"scheduled_on": day}])
            story.add("orders", "b", code, ordered_on=day - days(5 if done else 0), laterality=side,
                      order_type="procedure", status=story.pick(STATUSES), **done)
    if story.chance(0.25):
        day = story.near(story.pick([diagnosed - days(90), first, first, first + days(40)]))
        report(story, "clip_seen", day, None)
    if story.first and story.chance(0.6):
        add_site_reports(story)


def add_site_reports(story):
    """Reports that name a site: around the first dose, after the last one, around surgery."""
    labels = {row["site_label"] for row in story.rows["procedures"] if row.get("site_label")}
    spots = [(story.first, 1), (story.last + days(15), 4), (story.surgery or story.last, 1)]
    for label in sorted(labels):
        if story.chance(0.9):
            day = story.near(story.pick(spots))
            report(story, story.pick(["response_partial", "response_complete", "clip_seen"]), day, None,
                   site_label=story.pick([label, label, label.strip().upper()]))


# ---- around one exam ---------------------------------------------------------------------

def add_around(story, code, id, codes, day):
    if story.chance(0.35 if is_during_response(story, day) else 0.04):
        add_indeterminate(story, id, day)
    if story.chance(0.18 if is_during_response(story, day) else 0.04):
        add_worry(story, id, day)
    if codes is ULTRASOUNDS and story.chance(0.6):
        add_mammogram(story, day + days(story.pick([-8, -7, -6, 6, 7, 8, 0, 3])))
    if story.chance(0.15 if is_during_response(story, day) else 0.03):
        again = day + days(story.pick([29, 30, 31, 1]))
        add_line(story, story.pick([code, story.pick(codes)]), dates_after(story, again), context=None)
    if story.chance(0.25 if is_during_response(story, day) else 0):
        add_baseline(story, code, codes)


def add_mammogram(story, day):
    """Beside an ultrasound: of one side or both, a screening one now and then, or the one after a clip."""
    for _ in range(story.pick([1, 1, 2])):
        add_line(story, story.pick([*MAMMOGRAMS, "CPT:77067"]), {"ordered_on": day}, context=None,
                 status=story.pick(["completed", None]))
    if story.chance(0.25):
        story.add("procedures", "b", story.pick(["CPT:19083", "CPT:19295"]), performed_on=day)


def is_during_response(story, day):
    return bool(story.first) and story.first + days(14) < day < (story.surgery or story.as_of)


def dates_after(story, day):
    return story.pick([{"ordered_on": day}, {"ordered_on": day - days(3), "performed_on": day}])


def add_baseline(story, code, codes):
    """The same exam before the therapy, to compare with."""
    spot = story.pick([story.first - days(90), story.first - days(90), story.first + days(14), story.first - days(7)])
    before = story.near(spot)
    codes = [*codes, "CPT:77067"] if codes is MAMMOGRAMS else codes
    ordered = before - days(story.pick([0, 0, 20]))
    add_line(story, story.pick([code, story.pick(codes)]), {"ordered_on": ordered, "performed_on": before}, context=None)


def named_order(story, id):
    return story.pick([(None, 4), (id, 5), ("elsewhere", 0.5)])


def add_indeterminate(story, id, day):
    """A result that does not say, and perhaps a contrast MRI within two weeks."""
    reported = day + days(story.pick([(0, 3), (1, 3), (story.rng.randint(29, 31), 1.5), (-1, 0.5)]))
    report(story, "response_indeterminate", reported, named_order(story, id))
    if story.chance(0.3):
        report(story, "response_indeterminate", reported + days(story.pick([1, 5])), id)
    if story.chance(0.7):
        ordered = reported + days(story.pick([(story.rng.randint(13, 15), 3), (0, 1), (-1, 0.5), (5, 1)]))
        done = story.pick([{}, {"performed_on": ordered + days(story.pick([0, 3, 20]))}])
        code = story.pick(["CPT:77049", "CPT:77048", "CPT:77048", "CPT:77046"])
        add_line(story, code, {"ordered_on": ordered, **done}, context=None)


def add_worry(story, id, day):
    """A finding that asks for a second opinion, and perhaps one within two weeks."""
    reported = story.near(story.pick([day, day, story.first or day, story.surgery or day]))
    named = story.pick([named_order(story, id), other_order(story)])
    report(story, story.pick(WORRIES), reported, named)
    later = reported + days(story.pick([(story.rng.randint(13, 15), 4), (0, 1), (-1, 0.5), (6, 1)]))
    kind = story.pick([("board", 3), ("biopsy", 3), ("exam", 4), ("nothing", 2)])
    if kind == "board":
        report(story, "tumor_board_review", later, story.pick([None, id]))
    if kind == "biopsy":
        story.add("procedures", "b", story.pick(["CPT:19083", "CPT:38505", "ICD10PCS:0HBT3ZX", "CPT:10005", "CPT:19281"]),
                  performed_on=later, laterality=story.side(story.cancer_side), status=story.pick(STATUSES))
    if kind == "exam":
        code = story.pick(MAMMOGRAMS[:3] + ULTRASOUNDS[:2] + MRI[:2] + ["CPT:76882", "CPT:19083"])
        add_line(story, code, {"ordered_on": later}, context=None)


def other_order(story):
    """Any order of the patient: a drug's or an operation's, perhaps."""
    return story.pick([row["order_id"] for row in story.rows["orders"]])


# ---- the search for metastases -----------------------------------------------------------

def add_staging(story):
    """Bone scan, CT of the body and PET/CT around a first day on which metastases are suspected."""
    day = story.near(story.pick([story.first + days(30), story.last + days(12), story.first]))
    is_current = day > CURRENT_EDITION - days(5)
    if not story.chance(0.4 if is_current else 0.05):
        return []
    used = []
    for n in range(story.pick([(1, 2), (2, 4), (3, 3)])):
        offset = story.pick([(0, 3), (story.rng.randint(29, 31), 2), (-story.rng.randint(29, 31), 1), (10, 1)]) if n else 0
        context = "metastasis_suspected" if n == 0 else story.pick([None, None, "metastasis_suspected"])
        dates = dates_after(story, day + days(offset))
        status = story.pick([("completed", 8), (None, 4), ("cancelled", 1)])
        for code in story.pick(STAGING):
            add_line(story, code, dates, context=context, status=status, order_type="imaging", reason_codes=None)
        used.append(day + days(offset))
    return used
