"""The bench's question answered by a straightforward script, in pandas: python -m tests.bench.script_pandas DELIVERY OUT.csv

The same question, the same rules left out and the same answer as in script_polars.py; written as one writes pandas: read the
files, clean the columns, merge, filter, group.
"""

import sys
import tomllib
from pathlib import Path

import pandas as pd

RULES = Path(__file__).parents[2] / "rules"
GONE = ["cancelled", "entered_in_error"]
GRACE, START_MAX, COURSE_MAX, SURGERY_MAX, LEAD, BASELINE, LONG_COVER = 30, 180, 365, 180, 7, 14, 21
ADULT_FOR_SURE = 30  # years at the end of the delivery
KEY = ["code_system", "code"]


def answer(folder):
    """(order_id, is_appropriate) of each index order, and the patients it speaks for."""
    as_of = pd.Timestamp(tomllib.loads((folder / "audit.toml").read_text())["as_of"])
    diagnoses = read(folder, "diagnoses", ["diagnosed_on"], as_of)
    cancer = cancers(diagnoses)
    orders = read(folder, "orders", ["ordered_on", "scheduled_on", "performed_on"], as_of, cancer)
    therapies = read(folder, "therapies", ["started_on", "ended_on"], as_of, cancer)
    procedures = read(folder, "procedures", ["performed_on"], as_of, cancer)
    findings = read(folder, "findings", ["reported_on"], as_of, cancer)
    orders["performed_on"] = orders["performed_on"].where(orders["performed_on"] <= as_of)
    orders["event_on"] = orders["performed_on"].fillna(orders["scheduled_on"].where(orders["scheduled_on"] <= as_of)).fillna(orders["ordered_on"])
    orders["clock_on"] = orders["performed_on"].fillna(orders["scheduled_on"]).fillna(orders["ordered_on"])
    orders["modifier_side"] = modifier_side(orders["modifiers"])
    case = courses(cancer, therapies, surgeries(orders, procedures))
    exams = response_exams(orders, case)
    left_out = odd(folder, as_of, diagnoses, orders, therapies, procedures, findings, case, exams)
    plain = case.loc[is_plain(case) & ~case["patient_id"].isin(left_out), ["patient_id"]]
    return labels(exams[exams["patient_id"].isin(plain["patient_id"])]), plain


def read(folder, extract, dates, as_of, cancer=None):
    """Rows of cancer patients that can be read and happened by as_of, each once, with codes and words as the rules write them."""
    rows = table(folder, extract)
    if cancer is not None:
        rows = rows[rows["patient_id"].isin(cancer["patient_id"])]
    rows = rows.drop_duplicates().copy()
    for date in dates:
        read_as = pd.to_datetime(rows[date].str[:10], format="%Y-%m-%d", errors="coerce")
        rows = rows[rows[date].isna() | read_as.notna()].assign(**{date: read_as})
    rows = rows[rows[dates[0]] <= as_of].copy()
    for word in ("status", "laterality", "intent", "order_type"):
        if word in rows:
            rows[word] = rows[word].str.strip().str.lower()
    return coded(rows) if "code" in rows else rows


def table(folder, extract):
    path = folder / f"{extract}.parquet"
    rows = pd.read_parquet(path) if path.exists() else pd.read_csv(folder / f"{extract}.csv", dtype="str", on_bad_lines="skip", keep_default_na=False, na_values=[""])
    return rows.astype("str") if path.exists() else rows


def coded(rows):
    systems = pd.read_csv(RULES / "code_system.csv", dtype="str").set_index("written")["code_system"]
    system = rows["code_system"].str.strip().str.lower().map(systems)
    code = rows["code"].str.strip().str.upper()
    level = code.str.contains("^[A-Z][0-9]{4}$", na=False).map({True: "HCPCS", False: "CPT"})
    rows["code_system"] = system.where(~system.isin(["CPT", "HCPCS"]), level)
    rows["code"] = code.where(~system.str.startswith("ICD", na=False), code.str.replace(".", "", regex=False))
    return rows[rows["code_system"].notna()]


def value_set(name):
    return pd.read_csv(RULES / "value_sets" / f"{name}.csv", dtype="str").drop_duplicates(KEY)


def modifier_side(modifiers):
    sides = pd.read_csv(RULES / "value_sets" / "modifier.csv", dtype="str").set_index("modifier")["laterality"].dropna()
    each = modifiers.dropna().str.upper().str.split(";").explode().str.strip().map(sides).dropna()
    return each.groupby(level=0).agg(lambda said: said.iloc[0] if said.nunique() == 1 else "bilateral").reindex(modifiers.index)


def cancers(diagnoses):
    codes = value_set("diagnosis").query("concept == 'invasive_breast_cancer'")[[*KEY, "laterality"]]
    rows = diagnoses.merge(codes, on=KEY, suffixes=("", "_of_code"))
    side = rows["laterality_of_code"].fillna(rows["laterality"])
    rows = rows.assign(is_left=side.isin(["left", "bilateral"]), is_right=side.isin(["right", "bilateral"]))
    return rows.groupby("patient_id", as_index=False).agg(diagnosed_on=("diagnosed_on", "min"), is_left=("is_left", "any"), is_right=("is_right", "any"))


def surgeries(orders, procedures):
    codes = value_set("surgery").query("definitive == 'yes'")[[*KEY, "laterality"]]
    done = procedures[~procedures["status"].isin(GONE)].assign(day=lambda rows: rows["performed_on"])
    ordered = orders[orders["status"] == "completed"].assign(
        day=lambda rows: rows["performed_on"].fillna(rows["ordered_on"]), laterality=lambda rows: rows["laterality"].fillna(rows["modifier_side"])
    )
    columns = ["patient_id", *KEY, "laterality", "day"]
    rows = pd.concat([done[columns], ordered[columns]]).merge(codes, on=KEY, suffixes=("", "_of_code"))
    return rows.assign(side=rows["laterality_of_code"].fillna(rows["laterality"]))[["patient_id", "day", "side"]]


def courses(cancer, therapies, surgery):
    """Per cancer: surgery, first and last dose of chemotherapy, last cover of any drug, and what makes a record less than plain."""
    drugs = value_set("therapy").query("is_counted == 'true'")[[*KEY, "therapy_class"]]
    events = therapies[~therapies["status"].isin(GONE)].merge(drugs, on=KEY).merge(cancer, on="patient_id")
    supplied = pd.to_timedelta(pd.to_numeric(events["days_supply"], errors="coerce").fillna(1) - 1, unit="D")
    events["ends_on"] = events["ended_on"].fillna(events["started_on"] + supplied).combine(events["started_on"], max)
    rows = surgery.merge(cancer, on="patient_id")
    other = ((rows["side"] == "left") & ~rows["is_left"] & rows["is_right"]) | ((rows["side"] == "right") & ~rows["is_right"] & rows["is_left"])
    rows = rows[(rows["day"] >= rows["diagnosed_on"] - days(GRACE)) & ~other]
    first = rows.groupby("patient_id", as_index=False).agg(surgery_on=("day", "min"))
    events = events.merge(first, on="patient_id")
    events["is_before"] = events["started_on"] < events["diagnosed_on"] - days(GRACE)
    start = events.groupby("patient_id", as_index=False).agg(start_on=("started_on", "min"), is_early=("is_before", "any"))
    course = events.merge(start[["patient_id", "start_on"]], on="patient_id")
    course = course[(course["started_on"] < course["surgery_on"]) & (course["started_on"] <= course["start_on"] + days(COURSE_MAX))].copy()
    course["ends_on"] = course["ends_on"].combine(course["surgery_on"] - days(1), min)
    course["cover"] = (course["ends_on"] - course["started_on"]).dt.days
    course["is_other"] = (
        course["therapy_class"].isin(["endocrine", "unspecified"]) | course["intent"].isin(["adjuvant", "palliative"]) | ((course["status"] == "active") & course["ended_on"].isna())
    )
    facts = course.groupby("patient_id", as_index=False).agg(last_cover_on=("ends_on", "max"), n_days=("started_on", "nunique"), longest=("cover", "max"), is_other=("is_other", "any"))
    doses = course[course["therapy_class"] == "chemotherapy"].groupby("patient_id", as_index=False).agg(first_dose_on=("started_on", "min"), last_dose_on=("ends_on", "max"))
    return cancer.merge(first, on="patient_id").merge(start, on="patient_id").merge(facts, on="patient_id").merge(doses, on="patient_id")


def is_plain(case):
    return (
        ~(case["is_left"] & case["is_right"]) & ~case["is_early"] & ~case["is_other"]
        & (case["start_on"] <= case["diagnosed_on"] + days(START_MAX)) & (case["surgery_on"] > case["start_on"])
        & (case["surgery_on"] <= case["last_cover_on"] + days(SURGERY_MAX)) & ((case["n_days"] >= 2) | (case["longest"] >= LONG_COVER))
    )


def odd(folder, as_of, diagnoses, orders, therapies, procedures, findings, case, exams):
    """Patients whose record asks for a rule that this script does not have."""
    concepts = value_set("diagnosis")[[*KEY, "concept"]]
    biopsies = value_set("biopsy").query("kind in ['biopsy', 'clip', 'localisation'] and target in ['breast', 'axilla']")[KEY]
    both = ["patient_id", *KEY, "status", "day"]
    done = pd.concat([procedures.assign(day=procedures["performed_on"])[both], orders.assign(day=orders["event_on"])[both]])
    done = done[~done["status"].isin(GONE)]
    irradiated = done.merge(value_set("radiation").query("role == 'delivery'")[KEY], on=KEY).merge(case, on="patient_id")
    beside = orders.merge(exams[["patient_id", "clock_on"]].drop_duplicates(), on=["patient_id", "clock_on"])
    reasons = beside[["patient_id", "reason_codes"]].dropna().assign(code=lambda rows: rows["reason_codes"].str.split(";")).explode("code")
    reasons["code"] = reasons["code"].str.strip().str.upper().str.replace(".", "", regex=False)
    told = concepts.query("code_system == 'ICD10CM' and concept in ['screening_encounter', 'distant_metastasis']")["code"]
    known = orders.merge(imaging_codes(), on=KEY, how="left").merge(case, on="patient_id")
    known = known[(known["clock_on"] >= known["last_dose_on"] - days(LEAD)) & (known["clock_on"] < known["surgery_on"])]
    hidden = (known["order_type"] == "imaging") & known["procedure"].isna() & ~known["code_system"].isin(["CPT", "HCPCS"])
    patients = table(folder, "patients")
    found = [
        diagnoses.merge(concepts.query("concept in ['distant_metastasis', 'acquired_absence', 'chemotherapy_encounter', 'immunotherapy_encounter']"), on=KEY),
        therapies[therapies["days_supply"].notna() & pd.to_numeric(therapies["days_supply"], errors="coerce").isna()],
        orders.merge(value_set("therapy").query("is_counted == 'true'")[KEY], on=KEY),
        irradiated[irradiated["day"] < irradiated["start_on"]],
        done.merge(biopsies, on=KEY).merge(exams, left_on=["patient_id", "day"], right_on=["patient_id", "event_on"]),
        reasons[reasons["code"].isin(told)],
        beside[beside["context"].notna() & ~beside["context"].str.strip().str.lower().isin(["", "response_assessment"])],
        known[known["is_read_by_more_than_its_code"].eq(True) | hidden],
        findings[findings["finding"].str.strip().str.lower().isin(["discordant", "response_progressive", "clinical_progression"])],
        patients[pd.to_numeric(patients["birth_year"], errors="coerce") > as_of.year - ADULT_FOR_SURE],
    ]
    return pd.concat([rows["patient_id"] for rows in found]).unique()


def imaging_codes():
    """Codes of breast exams; one whose meaning changed, or that a tracer or a site's list must explain, is marked."""
    rows = pd.read_csv(RULES / "value_sets" / "imaging.csv", dtype="str")
    meanings = rows.drop_duplicates([*KEY, "procedure", "purpose", "laterality", "support", "requires"]).groupby(KEY, as_index=False).size()
    procedures = pd.read_csv(RULES / "procedure.csv", dtype="str")[["procedure", "response_pool", "is_axillary", "exam_family", "specificity"]]
    rows = rows.drop_duplicates(KEY).merge(meanings, on=KEY).merge(procedures, on="procedure", how="left")
    rows["is_read_by_more_than_its_code"] = (rows["size"] > 1) | (rows["requires"].notna() & (rows["requires"] != "fdg_tracer")) | rows["support"].isin(["unlisted", "other_pet_dose"])
    rows["specificity"] = rows["specificity"].astype(float)
    columns = ["procedure", "purpose", "exam_family", "response_pool", "is_axillary", "specificity", "is_read_by_more_than_its_code"]
    return rows.assign(code_side=rows["laterality"])[[*KEY, *columns, "code_side"]]


def response_exams(orders, case):
    """One row per exam of the breast between the last dose and surgery; its lines are one, its sides their union."""
    lines = orders[~orders["status"].isin(GONE)].merge(imaging_codes(), on=KEY)
    lines = lines[(lines["purpose"] == "diagnostic") & (lines["response_pool"] == "true") & (lines["is_axillary"] != "true")]
    side = lines["code_side"].fillna(lines["laterality"]).fillna(lines["modifier_side"])
    lines = lines.assign(on_left=side.isin(["left", "bilateral"]), on_right=side.isin(["right", "bilateral"]), family=lines["exam_family"].fillna(lines["procedure"]))
    lines = lines.sort_values(["specificity", "ordered_on", "order_id"], ascending=[False, True, True])
    exams = lines.groupby(["patient_id", "clock_on", "family"], as_index=False).agg(
        order_id=("order_id", "first"), ordered_on=("ordered_on", "first"), procedure=("procedure", "first"), event_on=("event_on", "first"), on_left=("on_left", "any"), on_right=("on_right", "any")
    ).merge(case, on="patient_id")
    other = (exams["on_left"] & ~exams["on_right"] & exams["is_right"] & ~exams["is_left"]) | (exams["on_right"] & ~exams["on_left"] & exams["is_left"] & ~exams["is_right"])
    is_baseline = (exams["clock_on"] < exams["first_dose_on"]) | ((exams["ordered_on"] < exams["first_dose_on"]) & (exams["clock_on"] <= exams["first_dose_on"] + days(BASELINE)))
    is_after = (exams["clock_on"] >= exams["last_dose_on"] - days(LEAD)) & (exams["clock_on"] < exams["surgery_on"])
    return exams[~other & ~is_baseline & is_after]


def labels(exams):
    index = exams[exams["clock_on"] == exams.groupby("patient_id")["clock_on"].transform("min")]
    editions = pd.read_csv(RULES / "edition.csv", dtype={"edition": "str"}, parse_dates=["effective_from"])[["edition", "effective_from"]]
    index = pd.merge_asof(index.sort_values("ordered_on"), editions.sort_values("effective_from"), left_on="ordered_on", right_on="effective_from")
    alias = pd.read_csv(RULES / "procedure_alias.csv", dtype="str")[["edition", "procedure", "rated_as"]]
    rating = pd.read_csv(RULES / "rating.csv", dtype="str").query("variant == '2'")[["edition", "procedure", "rating"]]
    index = index.merge(alias, on=["edition", "procedure"], how="left")
    rated = index.assign(procedure=index["rated_as"].fillna(index["procedure"])).merge(rating, on=["edition", "procedure"], how="left")
    verdict = rated["rating"].map({"usually_appropriate": True, "usually_not_appropriate": False}).astype("boolean")
    return rated.assign(is_appropriate=verdict)[["order_id", "is_appropriate"]].sort_values("order_id", ignore_index=True)


def days(number):
    return pd.Timedelta(days=number)


if __name__ == "__main__":
    found, plain = answer(Path(sys.argv[1]))
    found.to_csv(sys.argv[2], index=False)
    plain.to_csv(Path(sys.argv[2]).with_suffix(".patients.csv"), index=False)
    print(f"{len(found)} index orders of {len(plain)} plain patients, {int(found['is_appropriate'].sum())} of them appropriate")
