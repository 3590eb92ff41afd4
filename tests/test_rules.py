"""The rules load as the contract says, hold what the criteria say, and every broken invariant is seen."""

import csv
import shutil
from datetime import date
from types import SimpleNamespace

import duckdb
import pytest

from flows import ROOT
from flows.check_rules import CHECKS, HEADER, check_rules, run_check, write_manifest
from flows.errors import RulesError, SettingsError
from flows.rules import RULES, load_rules
from flows.settings import load_settings

SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="module")
def loaded():
    con = duckdb.connect()
    load_rules(con)
    yield con
    con.close()


@pytest.fixture
def con(loaded):
    """The bundled rules; what a test plants in them is gone after it."""
    loaded.execute("begin")
    yield loaded
    loaded.execute("rollback")


def rows(con, query):
    return con.execute(query).fetchall()


def one(con, query):
    return rows(con, query)[0]


def errors(con):
    return [finding for finding in check_rules(con) if finding.severity == "error"]


def imaging(con, code):
    columns = "procedure, purpose, laterality, support, requires"
    found = rows(con, f"select {columns} from rule.imaging where code = '{code}'")
    assert len(found) == 1, code
    return found[0]


# --- loading


def test_every_file_is_a_table_with_its_rows(con):
    for path in RULES.rglob("*.csv"):
        table = path.stem
        if rows(con, f"select 1 from duckdb_tables() where schema_name = 'rule' and table_name = '{table}'"):
            with path.open(encoding="utf-8", newline="") as text:
                assert one(con, f"select count(*) from rule.{table}") == (sum(1 for _ in csv.DictReader(text)),), table


def test_every_table_and_column_carries_a_comment(con):
    assert rows(con, "select table_name from duckdb_tables() where schema_name = 'rule' and comment is null") == []
    bare = "select table_name, column_name from duckdb_columns() where schema_name = 'rule' and comment is null"
    assert rows(con, bare) == []


def test_cells_have_their_types_and_empty_ones_are_null(con):
    typed = dict(rows(con, "select column_name, data_type from duckdb_columns() where table_name = 'imaging'"))
    assert typed["valid_from"] == "DATE"
    assert typed["contrast_assumed"] == "BOOLEAN"
    assert typed["code"] == "VARCHAR"
    assert one(con, "select count(*) from rule.imaging where procedure = '' or laterality = ''") == (0,)
    assert one(con, "select rating_score + 1 from rule.rating limit 1")[0] in range(2, 11)
    assert rows(con, "select distinct origin from rule.therapy") == [("bundled",)]


def test_leading_zeros_stay_and_icd_dots_go(con):
    assert one(con, "select count(*) from rule.biopsy where code = '0HBT3ZX'") == (1,)
    assert imaging(con, "0633T")[0] == "ct_breast"
    assert imaging(con, "8737")[0] == "mammography_diagnostic"
    dotted = "select count(*) from rule.diagnosis where code_system like 'ICD%' and code like '%.%'"
    assert one(con, dotted) == (0,)


def test_one_run_row_even_without_settings(con):
    query = "select count(*), max(run_id), bool_or(all_orders_after_first_edition) from rule.run"
    assert one(con, query) == (1, None, False)


def test_run_holds_the_settings(tmp_path):
    con = duckdb.connect()
    settings = SimpleNamespace(as_of=date(2025, 9, 30), deid_mode="limited_data_set", edition_override="2017")
    load_rules(con, settings, "r1")
    found = one(con, "select run_id, as_of, deid_mode, edition_override from rule.run")
    assert found == ("r1", date(2025, 9, 30), "limited_data_set", "2017")


# --- ratings


def test_both_editions_are_whole(con):
    counted = rows(con, "select edition, count(*) from rule.rating group by all order by all")
    assert counted == [("2017", 37), ("2022", 60)]
    assert rows(con, "select edition, effective_from from rule.edition order by all") == [
        ("2017", date(2017, 11, 1)),
        ("2022", date(2023, 1, 1)),
    ]


def test_the_breast_response_variant(con):
    """US, mammography, DBT and MRI without and with contrast are usually appropriate; PET/CT is not."""
    query = "select procedure, rating_score from rule.rating where edition = '{}' and variant = '2' order by all"
    assert rows(con, query.format(2022)) == [
        ("dbt_diagnostic", 7),
        ("fdg_pet_ct_skull_base_to_mid_thigh", 1),
        ("mammography_diagnostic", 7),
        ("mri_breast_without_and_with_contrast", 9),
        ("mri_breast_without_contrast", 1),
        ("sestamibi_mbi", 1),
        ("us_breast", 8),
    ]
    assert rows(con, query.format(2017)) == [
        ("dbt_diagnostic", 7),
        ("fdg_pem", 1),
        ("fdg_pet_ct_whole_body", 1),
        ("mammography_diagnostic", 7),
        ("mri_breast_without_and_with_contrast", 9),
        ("mri_breast_without_contrast", 1),
        ("sestamibi_mbi", 2),
        ("us_breast", 8),
    ]


@pytest.mark.shared
def test_all_97_ratings_are_those_of_the_source(con):
    with (SHARED / "acr" / "ratings.csv").open(encoding="utf-8", newline="") as text:
        source = list(csv.DictReader(text))
    ours = rows(con, "select edition, variant, rating, rating_score, radiation_level, radiation_msv from rule.rating")
    theirs = [
        (row["edition"], row["variant"], row["category"], int(row["rating_1_9"]),
         int(row["adult_rrl_symbols"]) if row["adult_rrl_symbols"] else None, row["adult_rrl_msv"])
        for row in source
    ]
    assert len(theirs) == 97
    assert sorted(map(str, ours)) == sorted(map(str, theirs))


@pytest.mark.shared
def test_each_rated_name_is_one_slug(con):
    """Per edition and variant the slugs are as many as the names, so no two names fell into one."""
    with (SHARED / "acr" / "ratings.csv").open(encoding="utf-8", newline="") as text:
        names = {(row["edition"], row["variant"], row["procedure"]) for row in csv.DictReader(text)}
    assert one(con, "select count(distinct (edition, variant, procedure)) from rule.rating") == (len(names),)


# --- value sets


def test_us_and_mammography_codes(con):
    assert imaging(con, "76641") == ("us_breast", "diagnostic", None, None, None)
    assert imaging(con, "77065") == ("mammography_diagnostic", "diagnostic", None, None, None)
    assert imaging(con, "77066")[2] == "bilateral"
    assert imaging(con, "77067") == ("mammography_screening", "screening", "bilateral", None, None)
    assert imaging(con, "26347-5")[2] == "left"


@pytest.mark.parametrize("code", ["G0279", "77061", "77062"])
def test_diagnostic_dbt_is_an_add_on(con, code):
    assert imaging(con, code)[:2] == ("dbt_diagnostic", "diagnostic")
    assert imaging(con, code)[3] == "add_on"


def test_screening_dbt_is_an_add_on(con):
    assert imaging(con, "77063") == ("dbt_screening", "screening", "bilateral", "add_on", None)


@pytest.mark.parametrize("code", ["77058", "77059", "76093", "76094"])
def test_retired_mri_codes_assume_contrast(con, code):
    assert imaging(con, code)[0] == "mri_breast_without_and_with_contrast"
    assert one(con, f"select contrast_assumed from rule.imaging where code = '{code}'") == (True,)


@pytest.mark.parametrize(
    ("code", "procedure"),
    [
        ("78815", "fdg_pet_ct_skull_base_to_mid_thigh"),
        ("78816", "fdg_pet_ct_whole_body"),
        ("78814", "fdg_pet_ct_limited"),
        ("78811", "fdg_pet_limited"),
        ("G0252", "fdg_pet_breast"),
        ("G0235", "fdg_pet_site_unspecified"),
    ],
)
def test_pet_codes_need_their_tracer(con, code, procedure):
    assert imaging(con, code) == (procedure, "diagnostic", None, None, "fdg_tracer")
    pool = f"select response_pool, is_fdg_pet from rule.procedure where procedure = '{procedure}'"
    assert one(con, pool) == (True, True)


def test_a_code_that_names_fdg_needs_no_dose(con):
    assert imaging(con, "81555-5") == ("fdg_pet_ct_whole_body", "diagnostic", None, None, None)


def test_pet_outside_the_pool(con):
    assert imaging(con, "G0219")[1] == "other"
    for procedure in ("pet_other_tracer", "pet_whole_body_melanoma"):
        assert one(con, f"select response_pool from rule.procedure where procedure = '{procedure}'") == (False,)


def test_tracer_doses(con):
    doses = {code: imaging(con, code)[3] for code in ("A9552", "A9580", "A9591", "A9595", "C9060", "A9500")}
    others = dict.fromkeys(("A9580", "A9591", "A9595", "C9060"), "other_pet_dose")
    assert doses == {"A9552": "fdg_dose", "A9500": "sestamibi_dose", **others}


@pytest.mark.parametrize("code", ["78800", "78801", "39750-5", "66377006"])
def test_scintigraphy_that_names_no_organ_needs_an_indication(con, code):
    assert imaging(con, code)[0] == "sestamibi_mbi"
    assert imaging(con, code)[4] == "sestamibi_or_breast_indication"


def test_scintigraphy_of_the_breast_needs_none(con):
    assert imaging(con, "S8080")[4] is None


def test_unlisted_codes_may_hide_a_breast_exam(con):
    found = rows(con, "select code, procedure, purpose from rule.imaging where support = 'unlisted' order by all")
    assert found == [(code, None, "diagnostic") for code in ("19499", "76497", "76498", "76499", "76999", "78999")]


def test_axillary_procedures(con):
    assert imaging(con, "38505")[:2] == ("us_guided_core_biopsy_axillary_node", "diagnostic")
    assert imaging(con, "07953ZX")[:3] == ("us_guided_fna_axillary_node", "diagnostic", "right")
    assert imaging(con, "07B60ZX")[:3] == ("surgical_biopsy_axillary_node", "guidance", "left")
    assert imaging(con, "43509-9")[0] == "mri_axilla_without_and_with_contrast"
    axillary = rows(con, "select procedure from rule.procedure where is_axillary order by all")
    assert [name for (name,) in axillary] == [
        "mri_axilla_contrast_unspecified",
        "mri_axilla_with_contrast",
        "mri_axilla_without_and_with_contrast",
        "mri_axilla_without_contrast",
        "us_axilla",
        "us_guided_core_biopsy_axillary_node",
        "us_guided_fna_axillary_node",
    ]


@pytest.mark.parametrize("code", ["19083", "19281", "10035", "42415-0", "76098", "0HHT3YZ", "19000", "432550005", "445171002", "433222002", "1269000008"])
def test_biopsy_clip_localisation_and_specimen_are_guidance(con, code):
    assert imaging(con, code)[1] == "guidance"


@pytest.mark.parametrize("code", ["10005", "A4648", "76942", "88305"])
def test_codes_of_any_body_site_prove_nothing_about_the_breast(con, code):
    assert rows(con, f"select 1 from rule.imaging where code = '{code}'") == []


@pytest.mark.parametrize("code", ["93306", "77080", "71260", "78306", "G0297", "76536", "76982", "0857T", "0422T", "G9899"])
def test_what_is_not_of_the_breast_has_another_purpose(con, code):
    assert imaging(con, code)[1] == "other"


def test_the_response_pool_holds_breast_exams_and_fdg_pet(con):
    pool = {name for (name,) in rows(con, "select procedure from rule.procedure where response_pool")}
    assert {"ct_breast", "sestamibi_mbi", "mammography_with_contrast", "fdg_pet_breast", "ductogram"} <= pool
    assert not pool & {"us_axilla", "tactile_breast", "optoacoustic_breast_added", "computer_aided_detection", "specimen_radiograph"}
    assert not pool & {"bone_scan_whole_body", "ct_chest_with_contrast", "image_guided_core_biopsy_breast"}
    assert one(con, "select count(*) from rule.procedure where response_pool and is_axillary") == (0,)


@pytest.mark.parametrize(("code", "reached"), [
    ("43204002", ("mammography_diagnostic", "diagnostic", "bilateral")),
    ("566571000119105", ("mammography_diagnostic", "diagnostic", "right")),
    ("723779007", ("dbt_diagnostic", "diagnostic", "left")),
    ("392531000119105", ("mammography_screening", "screening", "left")),
    ("12711000087103", ("us_breast", "diagnostic", "bilateral")),
    ("427021000119103", ("mri_breast_without_contrast", "diagnostic", "bilateral")),
    ("427031000119100", ("mri_breast_with_contrast", "diagnostic", "bilateral")),
    ("734951009", ("mri_breast_contrast_unspecified", "diagnostic", "bilateral")),
])  # fmt: skip
def test_exams_of_a_side_are_known_in_snomed(con, code, reached):
    assert imaging(con, code)[:3] == reached


def test_exam_families(con):
    families = dict(rows(con, "select procedure, exam_family from rule.procedure"))
    assert families["dbt_diagnostic"] == families["mammography_diagnostic"] == "mammography"
    assert families["mri_breast_with_contrast"] == families["mri_breast_without_and_with_contrast"]
    assert families["mri_breast_without_contrast"] != families["mri_breast_with_contrast"]
    assert families["fdg_pet_ct_limited"] == families["fdg_pet_ct_whole_body"] == "fdg_pet_ct"
    assert families["mammography_with_contrast"] == "mammography_with_contrast"
    specific = "select procedure from rule.procedure where specificity > 1 order by all"
    assert [name for (name,) in rows(con, specific)] == [
        "dbt_diagnostic",
        "dbt_screening",
        "mri_breast_without_and_with_contrast",
    ]


def test_body_exams_merge_by_modality_and_contrast(con):
    assert len(rows(con, "select * from rule.merge")) == 8
    columns = "covers_chest, covers_abdomen, covers_pelvis, merge_modality, contrast"
    covered = f"select {columns} from rule.procedure where procedure = '{{}}'"
    assert one(con, covered.format("ct_abdomen_pelvis_with_contrast")) == (False, True, True, "ct", "with")
    assert one(con, covered.format("mri_chest_without_contrast")) == (True, False, False, "mr", "without")
    assert one(con, covered.format("cta_chest")) == (False, False, False, None, "with")


def test_header_codes_are_invasive_cancer_of_unknown_side(con):
    query = "select concept, laterality from rule.diagnosis where code = '{}'"
    for code in ("C50", "C500", "C509", "C5091", "C5002", "C50A"):
        assert rows(con, query.format(code)) == [("invasive_breast_cancer", None)], code
    assert rows(con, query.format("C50911")) == [("invasive_breast_cancer", "right")]


def test_diagnosis_concepts(con):
    query = "select concept, laterality from rule.diagnosis where code = '{}'"
    assert rows(con, query.format("C773")) == [("axillary_node_metastasis", None)]
    assert rows(con, query.format("1082901000112103")) == [("axillary_node_metastasis", None)]
    assert rows(con, query.format("Z5111")) == [("chemotherapy_encounter", None)]
    assert rows(con, query.format("V5812")) == [("immunotherapy_encounter", None)]
    assert rows(con, query.format("Z1231")) == [("screening_encounter", None)]
    assert rows(con, query.format("Z9011")) == [("acquired_absence", "right")]
    # A prophylactic removal ends nobody's course, and the breast is no distant site.
    assert rows(con, query.format("137671000119105")) == []
    assert rows(con, query.format("C7981")) == []


@pytest.mark.parametrize("code", ["94222008", "94381002", "94391008", "94225005", "94493005", "94161006", "J910", "R180", "1980"])
def test_distant_metastasis_in_every_system(con, code):
    assert rows(con, f"select concept, laterality from rule.diagnosis where code = '{code}'") == [("distant_metastasis", None)]


@pytest.mark.parametrize("code", ["128462008", "94392001", "94253005", "94544002", "94297009", "94614009", "94351005", "1960", "1961", "19881"])
def test_the_region_of_the_breast_is_not_distant(con, code):
    assert rows(con, f"select 1 from rule.diagnosis where code = '{code}' and concept = 'distant_metastasis'") == []


def test_the_side_of_a_metastasis_is_not_the_side_of_the_breast(con):
    found = rows(con, "select concept, laterality from rule.diagnosis where code = 'C7801'")
    assert found == [("distant_metastasis", None)]


@pytest.mark.parametrize(
    ("code", "agent", "therapy_class", "is_counted"),
    [
        ("J9267", "paclitaxel", "chemotherapy", True),
        ("Q5112", "trastuzumab", "her2_targeted", True),
        ("J9356", "trastuzumab", "her2_targeted", True),
        ("J9277", "pembrolizumab", "immunotherapy", True),
        ("J9316", "pertuzumab-trastuzumab-hyaluronidase", "her2_targeted", True),
        ("J9354", "ado-trastuzumab emtansine", "her2_targeted", True),
        ("J9260", "methotrexate", "chemotherapy", False),
        ("J9202", "goserelin", "ovarian_suppression", False),
        ("J0897", "denosumab", "bone_modifying", False),
        ("J2506", "pegfilgrastim", "supportive", False),
        ("J7527", "everolimus", "targeted_other", False),
        ("J1745", "infliximab", "other", False),
        ("Q5115", "rituximab", "targeted_other", False),
        ("J9305", "pemetrexed", "chemotherapy", False),
        ("J9228", "ipilimumab", "immunotherapy", False),
        ("J9999", None, "unspecified", True),
        ("96413", None, "unspecified", True),
        ("96401", None, "unspecified", True),
        ("96402", None, "endocrine", True),
        ("9924", None, "endocrine", True),
        ("9925", None, "chemotherapy", True),
        ("76334006", None, "immunotherapy", True),
        ("96420", None, "other", False),
        ("36561", None, "other", False),
        ("G9911", None, "other", False),
        ("373847000", None, "other", False),
        ("3E03305", None, "unspecified", True),
        ("2289232", "trastuzumab", "her2_targeted", True),
        ("583218", "paclitaxel protein-bound", "chemotherapy", True),
        ("583214", "paclitaxel", "chemotherapy", True),
    ],
)
def test_therapy_codes(con, code, agent, therapy_class, is_counted):
    found = rows(con, f"select agent, therapy_class, is_counted from rule.therapy where code = '{code}'")
    assert found == [(agent, therapy_class, is_counted)]


@pytest.mark.parametrize("code", ["J1100", "J2405", "J1200", "J1453", "J2469", "J0640", "J9209", "J1756", "J1569", "J7030"])
def test_what_goes_with_any_infusion_names_no_drug(con, code):
    """Such a row would erase the infusion of a drug that a trial supplies."""
    assert rows(con, f"select 1 from rule.therapy where code = '{code}'") == []


def test_products_are_real_rxcuis_of_one_agent(con):
    codes = [code for (code,) in rows(con, "select code from rule.therapy where code_system = 'RXNORM'")]
    assert len(codes) > 1000
    assert all(code.isdigit() for code in codes)
    assert rows(con, "select 1 from rule.therapy where term ilike '%topical%' or term ilike '%femara%daily%'") == []


def test_surgery_and_biopsy_rows(con):
    query = "select kind, definitive, laterality from rule.surgery where code = '{}'"
    assert rows(con, query.format("19303")) == [("mastectomy", "yes", None)]
    assert rows(con, query.format("0HTT0ZZ")) == [("mastectomy", "yes", "right")]
    assert rows(con, query.format("19300")) == [("excluded_gynecomastia", "no", None)]
    assert rows(con, query.format("392023007")) == [("excisional_biopsy", "conditional", None)]
    query = "select kind, places_marker, target from rule.biopsy where code = '{}'"
    assert rows(con, query.format("19083")) == [("biopsy", "possible", "breast")]
    assert rows(con, query.format("19285")) == [("localisation", "yes", "breast")]
    assert rows(con, query.format("10035")) == [("clip", "yes", "axilla")]
    assert rows(con, query.format("A4648")) == [("clip", "yes", "any")]
    assert rows(con, query.format("19499")) == [("other", "possible", "breast")]


def test_radiation_sides_come_from_the_code(con):
    query = "select role, laterality from rule.radiation where code = '{}'"
    assert rows(con, query.format("DM011ZZ")) == [("delivery", "right")]
    assert rows(con, query.format("77412")) == [("delivery", None)]
    # Heat is no radiation.
    assert rows(con, query.format("DMY08ZZ")) == [("support", "left")]
    assert rows(con, query.format("DMY18ZZ")) == [("support", "right")]


@pytest.mark.parametrize("body", ["0", "1", "4", "5", "8", "G"])
def test_body_ct_of_icd_10_pcs_is_there_with_every_contrast(con, body):
    found = rows(con, f"select substring(code, 5), purpose from rule.imaging where code like 'BW2{body}%' order by all")
    assert found == [(rest, "other") for rest in ("00Z", "0ZZ", "10Z", "1ZZ", "Y0Z", "YZZ", "ZZZ")]


# --- words, contract, scenarios


def test_spellings_of_code_systems(con):
    spelled = dict(rows(con, "select written, code_system from rule.code_system"))
    assert spelled["icd-10-cm"] == spelled["urn:oid:2.16.840.1.113883.6.90"] == "ICD10CM"
    assert spelled["http://snomed.info/sct"] == spelled["snomed-ct"] == "SNOMED"
    assert spelled["http://www.ama-assn.org/go/cpt"] == "CPT"
    systems = {name for (name,) in rows(con, "select distinct code_system from rule.code_system")}
    assert all(spelled[name.lower()] == name for name in systems)


def test_the_contract_has_the_extracts_in_order(con):
    columns = rows(con, 'select extract, "column" from rule.contract order by extract, position')
    assert [name for extract, name in columns if extract == "findings"] == [
        "finding_id", "patient_id", "reported_on", "finding", "order_id", "laterality", "site_label", "size_mm",
    ]
    required = rows(con, 'select extract, "column" from rule.contract where is_required_date order by all')
    assert required == [
        ("diagnoses", "diagnosed_on"),
        ("findings", "reported_on"),
        ("orders", "ordered_on"),
        ("procedures", "performed_on"),
        ("therapies", "started_on"),
    ]


REROUTED = [
    ("baseline_breast", "2017", "before_therapy", "unknown", "false", "1", None),
    ("baseline_breast", "2022", "before_therapy", "positive", "true", "1", None),
    ("baseline_axilla", "2017", "before_therapy", "positive", "true", "3", None),
    ("baseline_axilla", "2022", "before_therapy", "positive", "false", "4", None),
    ("baseline_axilla", "2022", "before_therapy", "unknown", "false", "3", None),
    ("baseline_axillary_biopsy", "2022", "before_therapy", "negative", "true", "8", None),
    ("baseline_axillary_biopsy", "2022", "before_therapy", "negative", "false", None, "no_matching_variant"),
    ("baseline_axillary_biopsy", "2017", "before_therapy", "negative", "true", None, "no_matching_variant"),
    ("suspected_metastasis", "2017", "on_treatment", "unknown", "false", "5", None),
    ("suspected_metastasis", "2022", "post_completion", "unknown", "false", "6", None),
    ("axilla", "2022", "post_completion", "negative", "false", "5", None),
    ("axilla", "2022", "post_completion", "positive", "true", "7", None),
    ("axilla", "2022", "post_completion", "negative", "true", None, "no_matching_variant"),
    ("axilla", "2022", "post_completion", "positive", "false", None, "no_matching_variant"),
    ("axilla", "2022", "post_completion", "unknown", "true", None, "nodal_status_unknown"),
    ("axilla", "2022", "on_treatment", "unknown", "true", None, "no_matching_variant"),
    ("axilla", "2017", "post_completion", "unknown", "false", "4", None),
    ("axilla", "2017", "post_completion", "positive", "true", None, "no_matching_variant"),
    ("clinical_worsening", "2022", "on_treatment", "negative", "false", None, "no_matching_variant"),
    ("discordant_findings", "2017", "post_completion", "negative", "false", None, "no_matching_variant"),
]


@pytest.mark.parametrize(("scenario", "edition", "phase", "nodes", "earlier", "variant", "reason"), REROUTED)
def test_rerouted_orders_find_their_variant(con, scenario, edition, phase, nodes, earlier, variant, reason):
    found = con.execute(
        """
        select variant, reason from rule.reroute
        where scenario = ? and edition = ? and phase in ('any', ?) and nodes in ('any', ?)
            and has_earlier_axillary_exam in ('any', ?)
        """,
        [scenario, edition, phase, nodes, earlier],
    ).fetchall()
    assert found == [(variant, reason)]


def test_router_and_phases_are_whole(con):
    assert [row for (row,) in rows(con, "select row from rule.router order by row")] == list(range(1, 16))
    assert [phase for (phase,) in rows(con, "select phase from rule.phase order by row")] == [
        "before_therapy", "after_surgery", "post_completion", "end_unknown",
        "early_treatment", "on_treatment", "post_completion", "after_window",
    ]


# --- invariants: each has a fault that it sees


PLANTED = {
    "RUL-01": "update rule.rule_file set sha256 = 'other' where file = 'rating.csv'",
    "RUL-02": "update rule.value_set set checked_by = ' Value-Set Editor' where file = 'rating.csv'",
    "RUL-03": "update rule.value_set set next_review_on = date '2020-01-01' where file = 'rating.csv'",
    "RUL-04": "update rule.rating set verified = 'no' where procedure = 'us_breast'",
    "RUL-05": "delete from rule.rating where edition = '2022' and variant = '2' and procedure = 'us_breast'",
    "RUL-06": "update rule.rating set rating_score = 6 where variant = '2' and procedure = 'us_breast'",
    "RUL-07": "update rule.rating set rating = 'may_be_appropriate' where variant = '2' and procedure = 'us_breast'",
    "RUL-08": "delete from rule.variant where edition = '2022' and variant = '2'",
    "RUL-09": "update rule.edition set effective_from = date '2020-01-01'",
    "RUL-10": "insert into rule.therapy select * from rule.therapy where code = 'J9267'",
    "RUL-11": "insert into rule.imaging select * replace ('dxa' as procedure) from rule.imaging where code = '76641'",
    "RUL-12": "delete from rule.imaging where procedure = 'sestamibi_mbi'",
    "RUL-13": "update rule.imaging set procedure = 'us_brest' where code = '76641'",
    "RUL-14": "update rule.imaging set procedure = 'us_breast' where code = '76999'",
    "RUL-15": "update rule.imaging set purpose = 'diagnosis' where code = '76641'",
    "RUL-16": "update rule.procedure_alias set rated_as = 'us_axilla' where procedure = 'us_axilla'",
    "RUL-17": "delete from rule.reroute where scenario = 'axilla' and nodes = 'unknown'",
    "RUL-18": "update rule.reroute set variant = '9' where scenario = 'suspected_metastasis' and edition = '2022'",
    "RUL-19": "update rule.imaging set valid_to = date '2014-12-31' where code = '76641'",
    "RUL-20": "update rule.therapy set is_counted = true where code = 'J9260'",
    "RUL-21": "update rule.procedure set radiation_level = 3 where procedure = 'us_breast'",
    "RUL-22": "insert into rule.parameter select * from rule.parameter where name = 'window_days'",
    "RUL-23": "update rule.radiation_level set msv_high = 31 where level = 4",
    "RUL-24": "insert into rule.baseline values ('headline', 'episode', date '2024-01-01', date '2024-10-01', date '2025-02-01', 'A. Person', 'reason', 'site')",
    "RUL-25": "update rule.biopsy_procedure set kind = 'clip' where procedure = 'localization_breast'",
}


def test_the_bundled_rules_are_sound(con):
    assert errors(con) == []


def test_unverified_rows_are_told_as_a_warning(con):
    assert {(finding.code, finding.severity) for finding in check_rules(con)} == {("RUL-04", "warning")}


def test_every_check_has_a_planted_fault():
    named = [HEADER.search(path.read_text(encoding="utf-8")) for path in sorted(CHECKS.glob("*.sql"))]
    assert all(named)
    assert [found[1] for found in named] == list(PLANTED)


@pytest.mark.parametrize("code", PLANTED)
def test_a_planted_fault_is_seen(con, code):
    (path,) = CHECKS.glob(f"{code[-2:]}_*.sql")
    before = run_check(con, path)
    con.execute(PLANTED[code])
    seen = [finding for finding in run_check(con, path) if finding not in before]
    assert seen
    assert {finding.code for finding in seen} == {code}
    assert all(finding.file and finding.row_key and finding.message and finding.fix for finding in seen)


OTHER_FAULTS = [
    ("RUL-01", "delete from rule.value_set where file = 'rating.csv'"),
    ("RUL-01", "update rule.value_set set n_rows = 96 where file = 'rating.csv'"),
    ("RUL-01", "update rule.value_set set file = 'gone.csv' where file = 'rating.csv'"),
    ("RUL-08", "delete from rule.edition where edition = '2017'"),
    ("RUL-08", "delete from rule.rating where edition = '2022' and variant = '8'"),
    ("RUL-10", "insert into rule.edition select * from rule.edition where edition = '2017'"),
    ("RUL-12", "delete from rule.unreachable where variant = '2'"),
    ("RUL-12", "update rule.imaging set procedure = 'fdg_pem' where code = 'G0252'"),
    ("RUL-12", "delete from rule.imaging where procedure like 'mri_pelvis%'"),
    ("RUL-13", "update rule.merge set procedure = 'ct_all' where merge_modality = 'ct'"),
    ("RUL-14", "update rule.imaging set procedure = null where code = '76641'"),
    ("RUL-16", "insert into rule.procedure_alias values ('2022', 'us_axilla', 'us_breast', 'axilla', null, 'bundled')"),
    ("RUL-17", "update rule.reroute set nodes = 'any' where scenario = 'axilla' and variant = '5'"),
    ("RUL-18", "update rule.reroute set reason = null where scenario = 'clinical_worsening'"),
    ("RUL-25", "update rule.biopsy_procedure set target = 'axilla' where procedure = 'fna_breast'"),
    ("RUL-25", "update rule.biopsy_procedure set places_marker = 'yes' where procedure = 'fna_breast'"),
    ("RUL-25", "delete from rule.biopsy_procedure where procedure = 'fna_breast'"),
    ("RUL-25", "insert into rule.biopsy_procedure values ('us_breast', 'biopsy', 'breast', 'no', null, 'bundled')"),
    ("RUL-25", "update rule.biopsy set kind = 'clip' where code = '19281'"),
    ("RUL-20", "update rule.therapy set therapy_class = 'endocrine' where code = 'J9267'"),
]


@pytest.mark.parametrize(("code", "fault"), OTHER_FAULTS)
def test_the_other_faces_of_a_fault_are_seen(con, code, fault):
    (path,) = CHECKS.glob(f"{code[-2:]}_*.sql")
    con.execute(fault)
    assert run_check(con, path)


def test_a_code_whose_meaning_changed_is_sound_if_the_days_do_not_overlap(con):
    con.execute("update rule.imaging set valid_to = date '2019-12-31' where code = '76641'")
    con.execute(
        "insert into rule.imaging select * replace ('us_axilla' as procedure, date '2020-01-01' as valid_from, "
        "null as valid_to) from rule.imaging where code = '76641'"
    )
    assert errors(con) == []


# --- the manifest


@pytest.fixture
def copied(tmp_path):
    return shutil.copytree(RULES, tmp_path / "rules")


def test_a_changed_file_is_seen_until_the_manifest_is_written(copied):
    path = copied / "value_sets" / "surgery.csv"
    changed = path.read_text(encoding="utf-8").replace("radical mastectomy", "Radical mastectomy")
    path.write_text(changed, encoding="utf-8")
    con = duckdb.connect()
    load_rules(con, folder=copied)
    (finding,) = errors(con)
    assert (finding.code, finding.file) == ("RUL-01", "value_sets/surgery.csv")
    assert "imaging-audit check-rules --write-manifest" in finding.fix
    write_manifest(copied)
    load_rules(con, folder=copied)
    assert errors(con) == []


def test_writing_the_manifest_of_unchanged_rules_changes_nothing(copied):
    before = (copied / "value_set.csv").read_bytes()
    write_manifest(copied)
    assert (copied / "value_set.csv").read_bytes() == before


def test_nobody_checks_alone(con):
    assert one(con, "select count(*) from rule.value_set where authored_by = checked_by or source is null") == (0,)
    assert one(con, "select min(retrieved_on) > date '2026-01-01' from rule.value_set") == (True,)


# --- a site's own rules and settings


def load_site(tmp_path, files, **settings):
    for name, text in files.items():
        path = tmp_path / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    con = duckdb.connect()
    load_rules(con, SimpleNamespace(site_rules=tmp_path / "site" if files else None, **settings))
    return con


def test_a_site_adds_codes(tmp_path):
    text = """code_system,code,procedure,purpose,contrast_assumed
local, us-br ,us_breast,diagnostic,FALSE
icd-9-proc,87.99,us_breast,diagnostic,false
"""
    con = load_site(tmp_path, {"value_sets/imaging.csv": text})
    columns = "code_system, code, procedure, contrast_assumed"
    found = rows(con, f"select {columns} from rule.imaging where origin = 'site' order by all")
    assert found == [("ICD9PROC", "8799", "us_breast", False), ("LOCAL", "US-BR", "us_breast", False)]
    assert errors(con) == []
    assert one(con, "select n_rows from rule.rule_file where origin = 'site'") == (2,)


def test_a_site_sets_a_parameter_and_the_day_of_an_edition(tmp_path):
    con = load_site(
        tmp_path,
        {"parameter.csv": "name,value\nwindow_days,90\n", "edition.csv": "edition,effective_from\n2022,2022-12-01\n"},
    )
    found = rows(con, "select value, unit, origin from rule.parameter where name = 'window_days'")
    assert found == [("90", "days", "site")]
    found = rows(con, "select effective_from, n_ratings, origin from rule.edition where edition = '2022'")
    assert found == [(date(2022, 12, 1), 60, "site")]
    assert errors(con) == []


def test_a_dated_parameter_does_not_stand_beside_ours(tmp_path):
    con = load_site(tmp_path, {"parameter.csv": "name,effective_from,value,unit\nwindow_days,2024-01-01,90,days\n"})
    assert [finding.code for finding in errors(con)] == ["RUL-22"]


def test_a_site_row_with_our_key_is_a_finding(tmp_path):
    text = "code_system,code,agent,therapy_class,is_counted\nHCPCS,J9267,paclitaxel,chemotherapy,false\n"
    con = load_site(tmp_path, {"value_sets/therapy.csv": text})
    assert [finding.code for finding in errors(con)] == ["RUL-10"]


DRUG = "code_system,code,therapy_class,is_counted\n"
THERAPY, PARAMETER = "value_sets/therapy.csv", "parameter.csv"
RATING = "edition,variant,procedure,rating,rating_score,verified\n"
# slip: file, text, where the error says it is, what its next step offers
REFUSED = {
    "unknown word": (THERAPY, DRUG + "LOCAL,X,chemoterapy,true\n", "line 2, column therapy_class", "chemotherapy"),
    "unknown code system": (THERAPY, DRUG + "HCPSC,X,other,true\n", "line 2, column code_system", "HCPCS"),
    "unreadable boolean": (THERAPY, DRUG + "LOCAL,X,other,yes\n", "line 2, column is_counted", "true or false"),
    "empty cell": (THERAPY, DRUG + "\nLOCAL,,other,true\n", "line 3, column code", "every row"),
    "unknown column": (THERAPY, "code_system,kode\nLOCAL,X\n", "line 1", "code"),
    "missing column": (THERAPY, "code_system,therapy_class\nLOCAL,other\n", "line 1", "add it"),
    "unreadable date": ("edition.csv", "edition,effective_from\n2022,1.1.2023\n", "effective_from", "2023-01-31"),
    "unreadable number": (
        "rating.csv",
        RATING + "2022,2,us_axilla,usually_appropriate,nine,yes\n",
        "line 2, column rating_score",
        "whole number",
    ),
    "column twice": (PARAMETER, "name,value,value\nwindow_days,1,2\n", "line 1", "keep one"),
    "ragged line": (PARAMETER, "name,value\nwindow_days,90,1\n", "line 2", "quote"),
    "no header": (PARAMETER, "", PARAMETER, "header"),
    "bad quotes": (PARAMETER, 'name,value\n"window_days"x,90\n', PARAMETER, "UTF-8"),
    "unknown unit": (PARAMETER, "name,value,unit\nwindow_days,90,day\n", "column unit", "days"),
    "unknown parameter": (PARAMETER, "name,value,unit\nwindw_days,90,days\n", "line 2, column name", "window_days"),
    "misspelt notice": ("notice.csv", "notice,severity\nrows_fel_far,warnin\n", "line 2, column notice", "did you mean 'rows_fell_far'?"),
    "misspelt word of a notice": ("notice.csv", "notice,severity\nrows_fell_far,warnin\n", "line 2, column severity", "warning"),
    "wrong value": (PARAMETER, "name,value\nquarantine_max_share,5\n", "line 2", "between 0 and 1"),
    "unknown file": ("value_sets/imagng.csv", "code\n1\n", "imagng.csv", "value_sets/imaging.csv"),
    "closed file": ("contract.csv", "extract,column\norders,note\n", "contract.csv", "remove"),
}


@pytest.mark.parametrize("slip", REFUSED)
def test_a_slip_in_a_site_file_is_named_where_it_stands(tmp_path, slip):
    file, text, where, hint = REFUSED[slip]
    with pytest.raises(RulesError) as raised:
        load_site(tmp_path, {file: text})
    assert raised.value.exit_code == 7
    assert where in str(raised.value.where)
    assert hint in raised.value.next_step


def test_a_site_file_that_is_not_utf8_is_refused(tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "parameter.csv").write_bytes(b"name,value\nwindow_days,9\xff\n")
    with pytest.raises(RulesError, match="not CSV in UTF-8"):
        load_rules(duckdb.connect(), SimpleNamespace(site_rules=tmp_path / "site"))


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    (tmp_path / "elsewhere.csv").write_text("name,value\nwindow_days,90\n", encoding="utf-8")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "parameter.csv").symlink_to(tmp_path / "elsewhere.csv")
    with pytest.raises(RulesError, match="a link out of the folder"):
        load_rules(duckdb.connect(), SimpleNamespace(site_rules=tmp_path / "site"))


def test_a_missing_site_folder_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="no such folder"):
        load_rules(duckdb.connect(), SimpleNamespace(site_rules=tmp_path / "nowhere"))


def test_a_missing_bundled_file_is_refused(copied):
    (copied / "rating.csv").unlink()
    with pytest.raises(RulesError, match="cannot read the rule file"):
        load_rules(duckdb.connect(), folder=copied)


def test_settings_change_parameters(tmp_path):
    given = {"window_days": 56, "clock": "ordered", "site_timezone": "America/New_York"}
    con = load_site(tmp_path, {}, parameters=given)
    found = rows(con, "select name, value, origin from rule.parameter where origin <> 'bundled' order by all")
    assert found == [
        ("clock", "ordered", "settings"),
        ("site_timezone", "America/New_York", "settings"),
        ("window_days", "56", "settings"),
    ]


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("windw_days", "56", "window_days"),
        ("window_days", "-1", "0 or more"),
        ("window_days", "8 weeks", "whole number"),
        ("quarantine_max_share", "1.5", "between 0 and 1"),
        ("quarantine_max_share", "nan", "between 0 and 1"),
        ("clock", "done", "performed or ordered"),
        ("site_timezone", "Berlin", "time zone"),
        ("wilson_z", "two", "number"),
    ],
)
def test_a_wrong_parameter_stops_the_run(tmp_path, name, value, hint):
    with pytest.raises(RulesError) as raised:
        load_site(tmp_path, {}, parameters={name: value})
    assert raised.value.where == "settings, parameters"
    assert hint in raised.value.next_step


@pytest.mark.parametrize(
    ("line", "key"), [('[parameters]\nwindow_days = "eighty"', "parameters"), ('edition_override = "1999"', "edition_override"), ('conditional_surgery = ["CPT:1"]', "conditional_surgery")]
)
def test_what_the_rules_refuse_of_the_settings_names_their_file(tmp_path, line, key):
    (tmp_path / "audit.toml").write_text(f"{line}\n")
    with pytest.raises(RulesError) as raised:
        load_rules(duckdb.connect(), load_settings(tmp_path / "audit.toml", extracts=tmp_path, out=tmp_path, deid_mode="limited_data_set"))
    assert raised.value.where == f"{tmp_path / 'audit.toml'}, {key}"


def test_conditional_surgery_that_the_settings_name(tmp_path):
    con = load_site(tmp_path, {}, conditional_surgery=["SNOMED:392023007", "icd-9-proc:85.21"])
    found = rows(con, "select code_system, code from rule.conditional_surgery order by all")
    assert found == [("ICD9PROC", "8521"), ("SNOMED", "392023007")]


@pytest.mark.parametrize("entry", ["SNOMED:392023008", "392023007", "CPT:19300", "SNOMEDX:392023007"])
def test_conditional_surgery_that_the_value_set_does_not_know_is_refused(tmp_path, entry):
    with pytest.raises(RulesError, match="conditional"):
        load_site(tmp_path, {}, conditional_surgery=[entry])


def test_an_unknown_edition_cannot_judge(tmp_path):
    with pytest.raises(RulesError, match="no such edition"):
        load_site(tmp_path, {}, edition_override="2021")
