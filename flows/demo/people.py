"""Who is in the example: invented persons, each with a site, a story and a background."""

import base64
import hashlib
import random
from types import SimpleNamespace

from flows.demo.figures import day, group, number, pick

FULL_SIZE = 2000  # the size to which the counts of people.* and special.* refer
PREFIX = {
    "patients": "p", "orders": "o", "diagnoses": "d", "therapies": "t", "procedures": "x",
    "findings": "f", "accession": "a", "provider": "k",
}
PROVIDERS_PER_SITE = 9
CANCER_FREE = ("screening", "benign", "incidental")


def short_hash(*parts):
    """Letters and few digits: nothing that a pattern could take for a telephone or record number."""
    digest = hashlib.blake2b(":".join(map(str, parts)).encode(), digest_size=8).digest()
    return base64.b32encode(digest).decode()[:10].lower()


def new_id(person, extract):
    person.n_ids += 1
    return PREFIX[extract] + short_hash(person.seed, person.index, extract, person.n_ids)


def provider(person):
    chosen = person.rng.randrange(PROVIDERS_PER_SITE)
    return PREFIX["provider"] + short_hash(person.seed, person.site, chosen)


def scaled(count, n_patients):
    return max(1, round(count * n_patients / FULL_SIZE))


def population(n_patients, seed):
    """Persons in shuffled order, so that neither ids nor row numbers give a story away."""
    rng = random.Random(f"{seed}:stories")
    stories = _stories(n_patients)
    rng.shuffle(stories)
    specials = iter(_specials(n_patients))
    people = []
    for index, story in enumerate(stories[:n_patients]):
        special = next(specials, "") if story == "neoadjuvant" else ""
        people.append(_person(index, story, special, seed))
    return people


def _stories(n_patients):
    stories = []
    for story, count in group("people").items():
        stories += [story] * scaled(int(count), n_patients)
    # Rounding leaves a few too few: screening is the common case and takes them.
    return stories + ["screening"] * (n_patients - len(stories))


def _specials(n_patients):
    specials = []
    for special, count in group("special").items():
        specials += [special] * scaled(int(count), n_patients)
    return specials


def _person(index, story, special, seed):
    rng = random.Random(f"{seed}:{index}")
    person = SimpleNamespace(
        index=index, seed=seed, rng=rng, story=story, special=special, n_ids=0, rows={},
        site=pick(rng, "site"), payer=pick(rng, "payer"), covered_to=day("as_of"), observed_to=None,
        orders_from=day("data_from"), habit=rng.random(),
    )
    person.sex, person.gender_identity = _sex_and_gender(person)
    person.birth_year = _birth_year(person)
    person.id = new_id(person, "patients")
    return person


def _sex_and_gender(person):
    gender = _word(pick(person.rng, "gender_identity"))
    if gender in ("transgender_woman", "transgender_man", "nonbinary"):
        return person.rng.choice(("female", "male", "unknown")), gender
    if gender:
        return {"woman": "female", "man": "male"}[gender], gender
    return pick(person.rng, "sex"), ""


def _birth_year(person):
    mean = number("age.neoadjuvant_mean" if person.story.startswith("neoadjuvant") else "age.other_mean")
    age = person.rng.gauss(mean, number("age.deviation"))
    return 2024 - round(min(max(age, 24), 88))


def _word(drawn):
    return "" if drawn == "not_recorded" else drawn


def describe(person):
    """The person's own row. Written last: a story may have changed the year of birth or the coverage."""
    rng = person.rng
    return {
        "patient_id": person.id, "birth_year": str(person.birth_year), "sex": person.sex,
        "gender_identity": person.gender_identity, "race": _word(pick(rng, "race")),
        "ethnicity": _word(pick(rng, "ethnicity")),
        "breast_density": "" if person.story in CANCER_FREE and rng.random() < 0.3 else pick(rng, "density"),
        "observed_to": person.observed_to,
    }
