"""The bench's question answered by a script of a good analyst, in Polars: python -m tests.bench.script_polars DELIVERY OUT.csv

The question (docs/performance.md): for women and men whose record is plain, which exam was the first to assess the response
after chemotherapy and before surgery, and was it usually appropriate? It is a part of the audit's: whoever's record asks for
a rule that is not written here is left out and counted, which makes the script shorter and faster than the whole would be.
"""

import sys
import tomllib
from pathlib import Path

import polars as pl

RULES = Path(__file__).parents[2] / "rules"
GONE = ["cancelled", "entered_in_error"]
GRACE, START_MAX, COURSE_MAX, SURGERY_MAX, LEAD, BASELINE, LONG_COVER = 30, 180, 365, 180, 7, 14, 21
ADULT_FOR_SURE = 30  # years at the end of the delivery
KEY = ["code_system", "code"]
col = pl.col


def answer(folder):
    """(order_id, is_appropriate) of each index order, and the patients it speaks for."""
    as_of = tomllib.loads((folder / "audit.toml").read_text())["as_of"]
    diagnoses = read(folder, "diagnoses", ["diagnosed_on"], as_of).collect(engine="streaming")
    cancer = cancers(diagnoses)
    mine = cancer.select("patient_id").lazy()
    orders, therapies, procedures, findings = (
        read(folder, extract, dates, as_of, mine).collect(engine="streaming")
        for extract, dates in (
            ("orders", ["ordered_on", "scheduled_on", "performed_on"]), ("therapies", ["started_on", "ended_on"]),
            ("procedures", ["performed_on"]), ("findings", ["reported_on"]),
        )
    )
    orders = orders.with_columns(
        performed_on=pl.when(col("performed_on") <= as_of).then("performed_on"),
        modifier_side=modifier_side(),
    ).with_columns(
        event_on=pl.coalesce("performed_on", pl.when(col("scheduled_on") <= as_of).then("scheduled_on"), "ordered_on"),
        clock_on=pl.coalesce("performed_on", "scheduled_on", "ordered_on"),
    )
    case = courses(cancer, therapies, surgeries(orders, procedures))
    exams = response_exams(orders, case)
    plain = case.filter(is_plain(case)).join(odd(folder, as_of, diagnoses, orders, therapies, procedures, findings, case, exams), on="patient_id", how="anti")
    return labels(exams.join(plain.select("patient_id"), on="patient_id", how="semi")), plain.select("patient_id")


def read(folder, extract, dates, as_of, mine=None):
    """Rows of my patients that can be read and happened by as_of, each once, with codes and words as the rules write them."""
    path = folder / f"{extract}.parquet"
    rows = pl.scan_parquet(path) if path.exists() else pl.scan_csv(folder / f"{extract}.csv", infer_schema=False, ignore_errors=True, truncate_ragged_lines=True)
    if mine is not None:
        rows = rows.join(mine, on="patient_id", how="semi")
    there = rows.collect_schema().names()
    rows = rows.unique().with_columns(col(dates).str.head(10).str.to_date(strict=False).name.suffix("_day"))
    rows = rows.filter(*(col(date).is_null() | col(f"{date}_day").is_not_null() for date in dates), col(f"{dates[0]}_day") <= as_of)
    rows = rows.drop(dates).rename({f"{date}_day": date for date in dates})
    for word in {"status", "laterality", "intent", "order_type"} & set(there):
        rows = rows.with_columns(col(word).str.strip_chars().str.to_lowercase())
    return coded(rows) if "code" in there else rows


def coded(rows):
    systems = pl.scan_csv(RULES / "code_system.csv", infer_schema=False).rename({"written": "system_written", "code_system": "system"})
    code = col("code").str.strip_chars().str.to_uppercase()
    rows = rows.with_columns(system_written=col("code_system").str.strip_chars().str.to_lowercase(), code=code)
    rows = rows.join(systems.select("system_written", "system"), on="system_written")
    level = pl.when(col("code").str.contains("^[A-Z][0-9]{4}$")).then(pl.lit("HCPCS")).otherwise(pl.lit("CPT"))
    return rows.with_columns(
        code_system=pl.when(col("system").is_in(["CPT", "HCPCS"])).then(level).otherwise("system"),
        code=pl.when(col("system").str.starts_with("ICD")).then(col("code").str.replace_all(".", "", literal=True)).otherwise("code"),
    ).drop("system", "system_written")


def value_set(name, *columns):
    return pl.read_csv(RULES / "value_sets" / f"{name}.csv", infer_schema=False).select(*KEY, *columns).unique(KEY)


def modifier_side():
    """Left where a modifier says so, right likewise, both where two do."""
    sides = pl.read_csv(RULES / "value_sets" / "modifier.csv", infer_schema=False)
    says = {
        side: col("modifiers").str.to_uppercase().str.split(";").list.eval(pl.element().str.strip_chars().is_in(sides.filter(col("laterality").is_in([side, "bilateral"]))["modifier"].to_list())).list.any().fill_null(False)
        for side in ("left", "right")
    }
    return pl.when(says["left"] & says["right"]).then(pl.lit("bilateral")).when(says["left"]).then(pl.lit("left")).when(says["right"]).then(pl.lit("right"))


def cancers(diagnoses):
    invasive = value_set("diagnosis", "concept", col("laterality").alias("side")).filter(col("concept") == "invasive_breast_cancer")
    rows = diagnoses.join(invasive, on=KEY).with_columns(side=pl.coalesce("side", "laterality"))
    return rows.group_by("patient_id").agg(
        diagnosed_on=col("diagnosed_on").min(),
        is_left=col("side").is_in(["left", "bilateral"]).any(),
        is_right=col("side").is_in(["right", "bilateral"]).any(),
    )


def surgeries(orders, procedures):
    definitive = value_set("surgery", "definitive", col("laterality").alias("side")).filter(col("definitive") == "yes")
    done = pl.concat([
        procedures.filter(~col("status").is_in(GONE).fill_null(False)).select("patient_id", *KEY, "laterality", day="performed_on"),
        orders.filter(col("status") == "completed").select("patient_id", *KEY, pl.coalesce("laterality", "modifier_side").alias("laterality"), day=pl.coalesce("performed_on", "ordered_on")),
    ])
    return done.join(definitive, on=KEY).select("patient_id", "day", side=pl.coalesce("side", "laterality"))


def courses(cancer, therapies, surgery):
    """Per cancer: surgery, first and last dose of chemotherapy, last cover of any drug, and what makes a record less than plain."""
    drug = value_set("therapy", "therapy_class", "is_counted").filter(col("is_counted") == "true")
    events = therapies.filter(~col("status").is_in(GONE).fill_null(False)).join(drug, on=KEY).join(cancer, on="patient_id")
    events = events.with_columns(ends_on=pl.max_horizontal("started_on", pl.coalesce("ended_on", col("started_on") + pl.duration(days=pl.coalesce(col("days_supply").cast(pl.Int64, strict=False), 1) - 1))))
    same_side = ~(((col("side") == "left") & ~col("is_left") & col("is_right")) | ((col("side") == "right") & ~col("is_right") & col("is_left"))).fill_null(False)
    first = surgery.join(cancer, on="patient_id").filter(col("day") >= col("diagnosed_on") - pl.duration(days=GRACE), same_side).group_by("patient_id").agg(surgery_on=col("day").min())
    events = events.join(first, on="patient_id")
    start = events.group_by("patient_id").agg(start_on=col("started_on").min(), is_early=(col("started_on") < col("diagnosed_on") - pl.duration(days=GRACE)).any())
    course = events.join(start, on="patient_id").filter(col("started_on") < col("surgery_on"), col("started_on") <= col("start_on") + pl.duration(days=COURSE_MAX))
    course = course.with_columns(ends_on=pl.min_horizontal("ends_on", col("surgery_on") - pl.duration(days=1)))
    chemotherapy = col("therapy_class") == "chemotherapy"
    facts = course.group_by("patient_id").agg(
        first_dose_on=col("started_on").filter(chemotherapy).min(), last_dose_on=col("ends_on").filter(chemotherapy).max(), last_cover_on=col("ends_on").max(),
        n_days=col("started_on").n_unique(), longest=(col("ends_on") - col("started_on")).dt.total_days().max(),
        is_other=col("therapy_class").is_in(["endocrine", "unspecified"]).any() | col("intent").is_in(["adjuvant", "palliative"]).fill_null(False).any() | ((col("status") == "active").fill_null(False) & col("ended_on").is_null()).any(),
    )
    return cancer.join(first, on="patient_id").join(start, on="patient_id").join(facts, on="patient_id")


def is_plain(case):
    return (
        ~(col("is_left") & col("is_right")) & ~col("is_early") & ~col("is_other") & col("first_dose_on").is_not_null()
        & (col("start_on") <= col("diagnosed_on") + pl.duration(days=START_MAX)) & (col("surgery_on") > col("start_on"))
        & (col("surgery_on") <= col("last_cover_on") + pl.duration(days=SURGERY_MAX)) & ((col("n_days") >= 2) | (col("longest") >= LONG_COVER))
    )


def odd(folder, as_of, diagnoses, orders, therapies, procedures, findings, case, exams):
    """Patients whose record asks for a rule that this script does not have."""
    concept = value_set("diagnosis", "concept")
    imaging = imaging_codes()
    beside = orders.join(exams, on=["patient_id", "clock_on"], how="semi")
    known = orders.join(imaging, on=KEY, how="left").join(case, on="patient_id").filter(col("clock_on") >= col("last_dose_on") - pl.duration(days=LEAD), col("clock_on") < col("surgery_on"))
    drug = value_set("therapy", "is_counted").filter(col("is_counted") == "true")
    radiation = value_set("radiation", "role").filter(col("role") == "delivery")
    biopsy = value_set("biopsy", "kind", "target").filter(col("kind").is_in(["biopsy", "clip", "localisation"]), col("target").is_in(["breast", "axilla"]))
    done = pl.concat([procedures.select("patient_id", *KEY, "status", day="performed_on"), orders.select("patient_id", *KEY, "status", day="event_on")]).filter(~col("status").is_in(GONE).fill_null(False))
    reasons = beside.select("patient_id", code=col("reason_codes").str.split(";")).explode("code").with_columns(code_system=pl.lit("ICD10CM"), code=col("code").str.strip_chars().str.to_uppercase().str.replace_all(".", "", literal=True))
    patients = folder / "patients.parquet"
    patients = pl.scan_parquet(patients) if patients.exists() else pl.scan_csv(folder / "patients.csv", infer_schema=False)
    found = [
        diagnoses.join(concept.filter(col("concept").is_in(["distant_metastasis", "acquired_absence", "chemotherapy_encounter", "immunotherapy_encounter"])), on=KEY, how="semi"),
        therapies.filter(col("days_supply").is_not_null() & col("days_supply").cast(pl.Int64, strict=False).is_null()),
        orders.join(drug, on=KEY, how="semi"),
        done.join(radiation, on=KEY).join(case, on="patient_id").filter(col("day") < col("start_on")),
        done.join(biopsy, on=KEY, how="semi").join(exams, left_on=["patient_id", "day"], right_on=["patient_id", "event_on"], how="semi"),
        reasons.join(concept.filter(col("concept").is_in(["screening_encounter", "distant_metastasis"])), on=KEY, how="semi"),
        beside.filter(~col("context").str.strip_chars().str.to_lowercase().is_in(["", "response_assessment"])),
        known.filter(col("is_read_by_more_than_its_code") | ((col("order_type") == "imaging") & col("procedure").is_null() & ~col("code_system").is_in(["CPT", "HCPCS"]))),
        findings.filter(col("finding").str.strip_chars().str.to_lowercase().is_in(["discordant", "response_progressive", "clinical_progression"])),
        patients.filter(col("birth_year").str.strip_chars().cast(pl.Int32, strict=False) > as_of.year - ADULT_FOR_SURE).collect(engine="streaming"),
    ]
    return pl.concat([rows.select("patient_id") for rows in found]).unique()


def imaging_codes():
    """Codes of breast exams; one whose meaning changed, or that a tracer or a site's list must explain, is marked."""
    rows = pl.read_csv(RULES / "value_sets" / "imaging.csv", infer_schema=False)
    meanings = rows.group_by(KEY).agg(n=pl.struct("procedure", "purpose", "laterality", "support", "requires").n_unique())
    procedures = pl.read_csv(RULES / "procedure.csv", infer_schema=False).select("procedure", "response_pool", "is_axillary", "exam_family", "specificity")
    rows = rows.unique(KEY).join(meanings, on=KEY).join(procedures, on="procedure", how="left")
    odd = (col("n") > 1) | (col("requires") != "fdg_tracer").fill_null(False) | col("support").is_in(["unlisted", "other_pet_dose"]).fill_null(False)
    return rows.select(*KEY, "procedure", "purpose", "exam_family", "response_pool", "is_axillary", col("specificity").cast(pl.Float64), code_side="laterality", is_read_by_more_than_its_code=odd)


def response_exams(orders, case):
    """One row per exam of the breast between the last dose and surgery; its lines are one, its sides their union."""
    lines = orders.filter(~col("status").is_in(GONE).fill_null(False)).join(imaging_codes(), on=KEY)
    lines = lines.filter(col("purpose") == "diagnostic", col("response_pool") == "true", col("is_axillary") != "true").with_columns(side=pl.coalesce("code_side", "laterality", "modifier_side"))
    exam = lines.sort(["specificity", "ordered_on", "order_id"], descending=[True, False, False]).group_by("patient_id", "clock_on", pl.coalesce("exam_family", "procedure"), maintain_order=True).agg(
        col("order_id", "ordered_on", "procedure", "event_on").first(),
        on_left=col("side").is_in(["left", "bilateral"]).any(), on_right=col("side").is_in(["right", "bilateral"]).any(),
    )
    other_breast = (col("on_left") & ~col("on_right") & col("is_right") & ~col("is_left")) | (col("on_right") & ~col("on_left") & col("is_left") & ~col("is_right"))
    return exam.join(case, on="patient_id").filter(
        ~other_breast, col("clock_on") < col("surgery_on"), col("clock_on") >= col("last_dose_on") - pl.duration(days=LEAD),
        (col("clock_on") >= col("first_dose_on")) & ((col("ordered_on") >= col("first_dose_on")) | (col("clock_on") > col("first_dose_on") + pl.duration(days=BASELINE))),
    )


def labels(exams):
    index = exams.filter(col("clock_on") == col("clock_on").min().over("patient_id"))
    editions = pl.read_csv(RULES / "edition.csv", infer_schema=False).select("edition", ordered_on=col("effective_from").str.to_date()).sort("ordered_on")
    rating = pl.read_csv(RULES / "rating.csv", infer_schema=False).filter(col("variant") == "2").select("edition", "rating", named="procedure")
    alias = pl.read_csv(RULES / "procedure_alias.csv", infer_schema=False).select("edition", "procedure", "rated_as")
    dated = index.sort("ordered_on").join_asof(editions, on="ordered_on").join(alias, on=["edition", "procedure"], how="left")
    rated = dated.with_columns(named=pl.coalesce("rated_as", "procedure")).join(rating, on=["edition", "named"], how="left")
    verdict = pl.when(col("rating") == "usually_appropriate").then(True).when(col("rating") == "usually_not_appropriate").then(False)
    return rated.select("order_id", is_appropriate=verdict).sort("order_id")


if __name__ == "__main__":
    found, plain = answer(Path(sys.argv[1]))
    found.write_csv(sys.argv[2])
    plain.write_csv(Path(sys.argv[2]).with_suffix(".patients.csv"))
    print(f"{len(found)} index orders of {len(plain)} plain patients, {int(found['is_appropriate'].sum())} of them appropriate")
