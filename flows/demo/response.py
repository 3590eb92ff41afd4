"""Imaging to see whether a course works: under treatment, at its end, and the orders that ask something else."""

from flows.demo.figures import chance, day, group, number, pick
from flows.demo.imaging import OTHER_SIDE, exam, mammogram, mri, us
from flows.demo.rows import add

# What each rare situation orders at the end of treatment, and the words that the order carries.
SPECIAL_EXAM = {
    "mri_contraindication": ("mri_without", "response_assessment;mri_contraindication"),
    "contrast_refused": ("mri_without", "contrast_refused"),
    "pregnancy": ("mri_without", "pregnancy"),
    "patient_choice": ("mbi", "patient_choice"),
    "trial_protocol": ("pet", "response_assessment;trial_protocol"),
    "modality_unavailable": ("pet", "modality_unavailable"),
    "fluoroestradiol": ("pet_fluoroestradiol", ""),
    "untraced_scan": ("untraced_scan", ""),
    "retired_mri": ("mri_retired", "response_assessment"),
    "screening_context": ("mammogram", "screening"),
}
# Work-ups of a suspected metastasis that do not keep to the either/or, or do more than it asks.
STAGED = {
    "staged_by_ct": ("ct_body",),
    "staged_by_bone_scan": ("bone_scan",),
    "staged_by_pet_and_ct": ("pet", "ct_body"),
    "staged_by_pet_and_bone_scan": ("pet", "bone_scan"),
    "staged_by_all": ("pet", "bone_scan", "ct_body"),
}
STAGED_OTHERWISE = (("ct_body", "bone_scan"), ("pet",), ("pet_whole",), ("ct_body_without",), ("mri_brain",))
ESCALATED = ("discordant", "response_stable", "response_progressive")


def during(person, case):
    """Exams under treatment: mostly none, some at mid-course, some too early to judge a response."""
    rng, first, last = person.rng, case.first_dose_on, case.last_dose_on
    if chance(rng, "too_early"):
        exam(person, us(person), first + rng.randint(10, 24), case.side, ordered=first + rng.randint(1, 9))
    if person.special == "early_exam_in_context":
        exam(person, "us", first + 21, case.side, ordered=first + 9, context="response_assessment")
    if last - first > 50 and chance(rng, "mid_course"):
        _mid_course(person, case, first + rng.randint(35, last - first - 9))
    if chance(rng, "progression"):
        _worsening(person, case)
    if person.special in STAGED or chance(rng, "metastasis"):
        _suspected_metastasis(person, case)
    if chance(rng, "other_purpose"):
        exam(person, rng.choice(("echo", "echo", "echo", "bone_density", "ct_chest", "ct_angiogram", "chest_film")),
             first + rng.randint(30, 150))
    if chance(rng, "not_breast"):
        exam(person, rng.choice(("knee_film", "ankle_film")), first + rng.randint(5, 200))


def _mid_course(person, case, on):
    rng, context = person.rng, _context(person)
    name = mri(person) if rng.random() < 0.12 else us(person)
    if rng.random() < number(f"not_appropriate.{person.site}.first"):
        name = "pet"
    order_id = exam(person, name, on, case.side, context=context)
    if name.startswith("us") and chance(rng, "mid_course_mammogram"):
        exam(person, mammogram(person), on, case.side, context=context)
    if chance(rng, "reported"):
        _result(person, case, [name], order_id, on)


def _worsening(person, case):
    rng = person.rng
    on = case.first_dose_on + rng.randint(30, max(case.last_dose_on - case.first_dose_on + 15, 31))
    if rng.random() < 0.5:
        add(person, "findings", finding="clinical_progression", reported_on=on - 12, laterality=case.side)
        context = ""
    else:
        context = "progression_suspected"
    exam(person, rng.choice((us(person), mri(person), "pet")), on, case.side, ordered=on - 4, context=context)


def _suspected_metastasis(person, case):
    rng = person.rng
    on = case.first_dose_on + rng.randint(20, max(case.last_dose_on - case.first_dose_on, 21))
    how = rng.choice(({"context": "metastasis_suspected"}, {"reason_codes": "C79.51"}))
    for name in STAGED.get(person.special) or rng.choice(STAGED_OTHERWISE):
        exam(person, name, on, ordered=on - 5, **how)


def _context(person):
    return "response_assessment" if chance(person.rng, "stated_context") else ""


def at_the_end(person, case):
    """The exams that the headline measure judges, and their neighbours."""
    rng = person.rng
    on = _index_day(person, case)
    _neighbours(person, case, on)
    if person.special in SPECIAL_EXAM:
        name, context = SPECIAL_EXAM[person.special]
        exam(person, name, on, case.side, context=context)
    elif person.special == "other_breast":
        exam(person, "mammogram_one", on, OTHER_SIDE[case.side])
    elif person.special or chance(rng, "any_response_imaging"):
        _index_exams(person, case, on)


def _index_day(person, case):
    rng = person.rng
    if case.surgery_on is None or person.special == "delayed_surgery":
        return case.last_dose_on + rng.choice((rng.randint(10, 40), rng.randint(95, 130)))
    if not case.any_chemotherapy:
        return case.surgery_on - rng.randint(5, 35)
    gap = case.surgery_on - case.last_dose_on
    return case.last_dose_on + min(max(round(gap * rng.uniform(0.2, 0.75)), 3), gap - 2)


def _index_exams(person, case, on):
    rng, context = person.rng, _context(person)
    names = _choose(person, case, on)
    ids = [(exam(person, names[0], on, case.side, context=context), on)]
    for name in names[1:]:
        later = on if chance(rng, "same_day_second_exam") else on + rng.randint(1, 7)
        if case.surgery_on is None or later < case.surgery_on - 1:
            ids.append((exam(person, name, later, case.side, context=context), later))
    if chance(rng, "repeated_exam"):
        exam(person, names[0], on + rng.randint(8, 25), case.side)
    if chance(rng, "reported"):
        _result(person, case, names, *ids[0])


def _choose(person, case, on):
    """The exams of the index day: an appropriate bundle, or one of the rarer kinds at the site's own rate."""
    rng, site = person.rng, person.site
    drawn = rng.random() - _not_appropriate_share(site, on)
    if drawn < 0:
        name = _own_or_general(rng, "not_appropriate_exam", site)
        name = _variant_of(rng, name)
        return [name, _plain(person, case)[0]] if chance(rng, "beside_appropriate") else [name]
    drawn -= number(f"unrated.{site}")
    if drawn < 0:
        return [_variant_of(rng, _own_or_general(rng, "unrated_exam", site))]
    if drawn < number("share.indeterminate"):
        return [rng.choice(("mri_unspecified", "mri_unspecified_both"))]
    return _plain(person, case)


def _not_appropriate_share(site, on):
    """One site mends its ways over the three years: its share moves in a straight line."""
    first, last = (number(f"not_appropriate.{site}.{end}") for end in ("first", "last"))
    progress = (on - day("data_from")) / (day("as_of") - day("data_from"))
    return first + (last - first) * min(max(progress, 0), 1)


def _own_or_general(rng, prefix, site):
    own = f"{prefix}_{site}"
    return pick(rng, own if group(own) else prefix)


def _variant_of(rng, name):
    other = {"pet": "pet_whole", "mbi": "mbi_one", "breast_ct": "breast_ct_one"}.get(name)
    return other if other and rng.random() < 0.2 else name


def _plain(person, case):
    rng = person.rng
    if chance(rng, "mri.lumpectomy" if case.conserving else "mri.mastectomy"):
        bundle = pick(rng, "with_mri")
    else:
        bundle = pick(rng, "without_mri")
    makers = {"mri": mri, "us": us, "mammogram": mammogram}
    return [makers[part](person) for part in bundle.split("_")]


def _neighbours(person, case, on):
    """Orders near the index exam that ask another question."""
    rng = person.rng
    near = on + rng.randint(-2, 6)
    if chance(rng, "axilla"):
        exam(person, "us_axilla", near, case.side)
    if chance(rng, "axilla_context"):
        exam(person, "us", near, case.side, context="axilla_evaluation")
    if chance(rng, "screening"):
        exam(person, "screening", near, reason_codes="Z12.31")
    if chance(rng, "contralateral"):
        exam(person, "mammogram_one", near, OTHER_SIDE[case.side])
    if chance(rng, "discordance"):
        exam(person, mri(person), near + 3, case.side, context="discordant_findings")


def report(person, case, order_id, on, finding):
    """A result a day or two later; on each tumour where there are several."""
    if finding == "none" or not order_id or on > person.covered_to:
        return
    for tumour in case.tumours:
        add(person, "findings", finding=finding, reported_on=on + 1, order_id=order_id, laterality=case.side,
            site_label=tumour, size_mm=_size(person, finding))
    if finding in ESCALATED and chance(person.rng, "tumor_board"):
        add(person, "findings", finding="tumor_board_review", reported_on=on + person.rng.randint(3, 12))


def _size(person, finding):
    if finding == "response_complete":
        return "0"
    return str(person.rng.randint(4, 45)) if person.rng.random() < 0.8 else ""


def _result(person, case, names, order_id, on):
    rng = person.rng
    has_mri = any(name.startswith("mri") for name in names)
    finding = pick(rng, "finding_with_mri" if has_mri else "finding_without_mri")
    report(person, case, order_id, on, finding)
    if case.has_clip and order_id and chance(rng, "clip_seen"):
        add(person, "findings", finding="clip_seen", reported_on=on + 1, order_id=order_id, laterality=case.side)
    if finding == "response_indeterminate" and not has_mri and chance(rng, "mri_after_indeterminate"):
        exam(person, mri(person), on + rng.randint(4, 11), case.side, ordered=on + 2, context="response_assessment")
