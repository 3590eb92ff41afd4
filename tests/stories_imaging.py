"""Imaging orders of a random patient: exams near every boundary, and what stands beside them."""

from datetime import timedelta

MAMMOGRAMS = ["CPT:77065", "CPT:77066", "HCPCS:G0279", "CPT:77062", "LOINC:72138-1", "CPT:77055"]
ULTRASOUNDS = ["CPT:76641", "CPT:76642", "ICD10PCS:BH41ZZZ"]
MRI = ["CPT:77048", "CPT:77049", "HCPCS:C8908", "HCPCS:C8905", "CPT:77058"]
POOR = ["CPT:78815", "CPT:78816", "CPT:78815", "CPT:77046", "CPT:77047", "HCPCS:S8080", "CPT:78800"]
UNRATED = ["CPT:76499", "CPT:19499", "LOCAL:xx.1", "LOCAL:XX1", "CPT:78812", "CPT:78814",
           "HCPCS:C8906", "CPT:0633T", "SNOMED:999999001", "CPT:78801", "LOINC:81555-5"]
UNCLEAR = ["LOINC:30794-2", "SNOMED:241615005"]
LOCALS = ["LOCAL:mg.dx", "LOCAL:USB", "LOCAL:PETL", "LOCAL:SCR", "LOCAL:ECHO", "LOCAL:BXG",
          "LOCAL:USAX"]
SCREENING = ["CPT:77067", "CPT:77063", "LOINC:42132-1"]
GUIDANCE = ["CPT:19083", "CPT:19281", "CPT:76098", "CPT:19000"]
AXILLARY = ["CPT:76882", "CPT:38505", "LOINC:72529-1", "LOINC:43509-9", "ICD10PCS:07953ZX"]
OTHER = ["CPT:78306", "CPT:93306", "CPT:77080", "CPT:71260", "LOINC:72254-6", "CPT:74177",
         "CPT:71046", "CPT:77051", "HCPCS:A9552"]
NOT_BREAST = ["CPT:99999", "HCPCS:Z0001", "CPT:73721", "CPT:19303"]
KINDS = [(MAMMOGRAMS, 9), (ULTRASOUNDS, 8), (MRI, 9), (POOR, 8), (UNRATED, 4), (UNCLEAR, 4),
         (LOCALS, 2), (SCREENING, 1), (GUIDANCE, 1), (AXILLARY, 5), (OTHER, 2), (NOT_BREAST, 1.5)]
CODE_MAP = [
    {"code_system": "LOCAL", "code": "MG.DX", "procedure": "mammography_diagnostic"},
    {"code_system": "local", "code": "usb", "procedure": "us_breast"},
    {"code_system": "LOCAL", "code": "PETL", "procedure": "fdg_pet_ct_whole_body"},
    {"code_system": "LOCAL", "code": "SCR", "procedure": "mammography_screening"},
    {"code_system": "LOCAL", "code": "ECHO", "procedure": "NOT_BREAST"},
    {"code_system": "LOCAL", "code": "BXG", "procedure": "image_guided_core_biopsy_breast"},
    {"code_system": "LOCAL", "code": "USAX", "procedure": "us_axilla"},
    {"code_system": "LOCAL", "code": "WIRE", "procedure": "localization_breast"},
    {"code_system": "LOCAL", "code": "CLIP", "procedure": "marker_placement_breast"},
    {"code_system": "LOCAL", "code": "NODE", "procedure": "us_guided_core_biopsy_axillary_node"},
]
CONTEXTS = [(None, 52), ("response_assessment", 16), ("progression_suspected", 2),
            ("discordant_findings", 2), ("metastasis_suspected", 3), ("axilla_evaluation", 3),
            ("screening", 1), ("mri_contraindication", 2), ("contrast_refused", 2), ("pregnancy", 1),
            ("patient_choice", 2), ("trial_protocol", 2), ("modality_unavailable", 1)]
REASONS = [(None, 60), ("C50.911", 8), ("C50.912;Z15.01", 3), ("Z12.31", 1), ("C79.51", 1.5), ("C79.5", 0.5), ("C77", 0.5),
           ("D05.11", 1), ("R92.8", 3)]
STATUSES = [("completed", 12), (None, 6), ("active", 2), ("scheduled", 2), ("cancelled", 1),
            ("entered_in_error", 0.5)]
BIOPSIES = ["CPT:19083", "LOCAL:BXG", "LOCAL:wire", "CPT:19281", "CPT:10005", "ICD10PCS:0HBT3ZX",
            "HCPCS:C1879", "CPT:38505"]
DOSES = ["HCPCS:A9552", "HCPCS:A9591", "HCPCS:A9500"]
BODY = [["CPT:71260", "CPT:74177"], ["CPT:71250", "CPT:74176"], ["CPT:71270", "CPT:74178"],
        ["CPT:71260", "CPT:74160", "CPT:72193"], ["CPT:71260", "CPT:74176"],
        ["CPT:71551", "CPT:74182", "CPT:72196"], ["LOINC:24627-2", "LOINC:44115-4"],
        ["LOINC:72254-6", "CPT:71260"], ["CPT:71550", "CPT:74181", "CPT:72195"]]
FINDINGS = [("response_progressive", 3), ("clinical_progression", 3), ("discordant", 4),
            ("response_complete", 1), ("response_partial", 1), ("response_stable", 1),
            ("response_indeterminate", 1), ("clip_seen", 1), ("tumor_board_review", 1)]
SITES = [None, None, "A", "a ", "B", " b", "10 o'clock"]


def days(n):
    return timedelta(days=n)


def anchors(story, diagnosed):
    """(day, weight): where an exam bends a rule."""
    found = [(diagnosed - days(90), 1), (diagnosed, 1), (diagnosed + days(5), 1)]
    if story.first:
        first, last = story.first, story.last
        found += [(first - days(90), 0.7), (last + days(56), 1.5), (first, 1.5), (first + days(14), 2.5), (first + days(28), 2), (last - days(7), 3),
                  (last + days(84), 2), (last + days(20), 7), (last, 1), (last + days(200), 0.5),
                  (first + (last - first) / 2, 3)]
    if story.surgery:
        found += [(story.surgery, 1.5), (story.surgery - days(42), 12 if story.is_short else 1.5), (story.surgery - days(5), 4),
                  (story.surgery - days(56), 1)]
    return [*found, (story.as_of, 0.5), (story.as_of - days(30), 0.3)]


def add_orders(story, diagnosed):
    spots = anchors(story, diagnosed)
    days_used = []
    for _ in range(story.rng.randint(1, 6)):
        # Often a day that is taken already: several orders, one index day.
        day = story.pick(days_used) if days_used and story.chance(0.3) else story.near(story.pick(spots))
        days_used.append(day)
        add_exam(story, day)
    if story.chance(0.1):
        days_used += add_axillary_exams(story, diagnosed)
    story.exams += days_used


def add_axillary_exams(story, diagnosed):
    """The axilla seen before therapy, sampled, and looked at again after it."""
    found = [story.near(diagnosed), diagnosed + days(3)]
    if story.last:
        found += [story.last + days(10), story.near(story.last + days(10))]
    for day in found:
        if story.chance(0.6):
            context = story.pick([None, "axilla_evaluation", "axilla_evaluation;response_assessment"])
            codes = MRI[:2] + ULTRASOUNDS if context and story.chance(0.5) else AXILLARY[:2] + AXILLARY
            add_line(story, story.pick(codes), {"ordered_on": day}, context=context)
    if story.chance(0.5):  # a suspicious node, and its biopsy on that day or soon after
        add_line(story, "CPT:76882", {"ordered_on": diagnosed}, context=None, status="completed")
        add_line(story, story.pick(["CPT:38505", "ICD10PCS:07953ZX"]), {"ordered_on": diagnosed + days(story.pick([0, 1, 3]))},
                 context=None)
    if story.chance(0.6):  # nodes are restated on the day of an exam
        story.add("diagnoses", "d", story.pick(["ICD10CM:C50.919", "ICD10CM:C77.3"]),
                  diagnosed_on=story.pick(found), nodal_status=story.pick([None, "negative", "negative", "positive"]))
    if story.chance(0.5):
        story.add("diagnoses", "d", "ICD10CM:C50.919", diagnosed_on=diagnosed,
                  nodal_status=story.pick(["positive", "negative"]))
    return found


def dates_of(story, day):
    """ordered, scheduled, performed: any of the last two may be missing."""
    ordered = day - days(story.pick([(0, 5), (1, 2), (7, 2), (14, 1), (29, 1), (30, 2), (31, 1), (60, 0.5)]))
    if story.first and story.chance(0.08):
        ordered = min(day, story.near(story.first))
    kind = story.pick([("performed", 6), ("scheduled", 2), ("both", 1), ("neither", 2), ("late", 0.3)])
    if kind == "neither":
        return {"ordered_on": day}
    if kind == "late":     # scheduled after as_of, or performed after it
        later = story.near(max(day, story.as_of))
        return {"ordered_on": ordered, story.pick(["scheduled_on", "performed_on"]): later}
    found = {"ordered_on": ordered}
    if kind in ("performed", "both"):
        found["performed_on"] = day
    if kind in ("scheduled", "both"):
        found["scheduled_on"] = day if kind == "scheduled" else day - days(3)
    return found


def context_of(story):
    word = story.pick(CONTEXTS)
    if word and story.chance(0.2):
        word = ";".join([word, story.pick(CONTEXTS) or " "])
    return word


def add_line(story, code, dates, **columns):
    line = {
        "order_type": story.pick([("imaging", 12), (None, 1), ("other", 0.5)]),
        "status": story.pick(STATUSES),
        "laterality": story.side(story.cancer_side),
        "modifiers": story.pick([(None, 8), ("RT", 1), ("LT", 1), ("RT;LT", 0.5), ("50", 0.5), ("26;LT", 0.3)]),
        "context": context_of(story),
        "reason_codes": story.pick(REASONS),
        "site_id": story.pick(["north", "south"]), "payer": story.pick(["public", None]),
        "ordering_provider_id": story.pick(["dr1", "dr2"]),
        "accession_id": None,
    }
    return story.add("orders", "o", code, **{**line, **dates, **columns})


def add_exam(story, day):
    dates = dates_of(story, day)
    if story.chance(0.05):
        for code in story.pick(BODY):
            add_line(story, code, dates, context=story.pick([None, "metastasis_suspected"]))
        return
    codes = story.pick(KINDS)
    code = story.pick(codes)
    id = add_line(story, code, dates)
    add_companions(story, codes, day, dates)
    story.told.append((code, id, codes, day))
    if story.chance(0.25):
        add_finding(story, dates["ordered_on"], id)
    if story.chance(0.02):
        story.add("diagnoses", "d", "ICD10CM:C79.51", diagnosed_on=story.near(dates["ordered_on"]))
    if story.chance(0.05):
        done = story.pick([day, day, dates["ordered_on"]])
        story.add("procedures", "b", story.pick(BIOPSIES), performed_on=done,
                  laterality=story.side(story.cancer_side), status=story.pick(STATUSES))


def add_companions(story, codes, day, dates):
    """Lines of the same exam or day: add-ons, the other side, a tracer, a pair."""
    if codes is MAMMOGRAMS and story.chance(0.4):
        add_line(story, story.pick(["HCPCS:G0279", "CPT:77061", "CPT:77063"]), dates)
    if codes is ULTRASOUNDS and story.chance(0.4):
        ordered = {**dates, "ordered_on": dates["ordered_on"] - days(story.pick([0, 0, 2]))}
        add_line(story, "CPT:76642", ordered, laterality=story.pick(["left", "right"]))
    if codes is GUIDANCE and story.chance(0.5):
        add_line(story, "CPT:19083", dates)
        add_line(story, "CPT:19083", dates)
    if codes is MRI and story.chance(0.25):
        add_line(story, story.pick(["HCPCS:C8906", "CPT:77047", "CPT:77049"]), dates)
    if codes is POOR and story.chance(0.15):    # the reason stands on the other line of the exam
        add_line(story, "CPT:78815", dates, context=story.pick(["patient_choice", "trial_protocol", None]))
    if codes in (POOR, UNRATED) and story.chance(0.1):
        add_line(story, "CPT:78801", dates, context=None, reason_codes=story.pick(["D05.11", "C50.911", None]))
    if codes in (POOR, UNRATED) and story.chance(0.35):
        extract = story.pick(["orders", "procedures"])
        column = "ordered_on" if extract == "orders" else "performed_on"
        for dose in story.rng.sample(DOSES, story.pick([1, 1, 2])):
            story.add(extract, "x", dose, status=story.pick(STATUSES), **{column: day})
    if story.chance(0.08):  # a different exam of the same day: mixed verdicts
        add_line(story, story.pick(POOR + ULTRASOUNDS), dates, context=story.pick(CONTEXTS))


def add_finding(story, ordered, order_id):
    day = story.near(story.pick([ordered, ordered, ordered - days(30), ordered - days(30),
                                 story.first or ordered]))
    named = story.pick([(None, 5), (order_id, 2), ("elsewhere", 1)])
    report(story, story.pick(FINDINGS), day, named)


def report(story, word, day, order_id, **columns):
    usual = {"site_label": story.pick(SITES), "laterality": story.side(story.cancer_side)}
    story.add("findings", "f", None, reported_on=day, finding=word, order_id=order_id, **{**usual, **columns})
