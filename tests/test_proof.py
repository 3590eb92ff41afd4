"""The proof beside the exports: it holds for what is published, notices what must not be, and can be done again by anybody."""

import json
import shutil

import polars as pl
import pytest
from test_disclosure import delivery

from flows import ledger
from flows.disclosure import release
from flows.errors import NotFoundError
from flows.proof import prove
from flows.proof.laws import COUNTS, System, denominator
from flows.proof.worlds import Contradiction, ranges

PLACES = [("few_strata", 120, 7), ("story", 60, 1), ("one_quarter", 120, 3)]


def export(tables, folder):
    folder.mkdir(exist_ok=True)
    for name, table in tables.items():
        table.write_parquet(folder / f"{name}.parquet")
    return folder


@pytest.fixture(scope="module")
def truth():
    return delivery("few_strata", 120, 7)


@pytest.fixture(scope="module")
def exports(truth, tmp_path_factory):
    folder = export(release(truth), tmp_path_factory.mktemp("proved") / "exports")
    prove.write(folder, "cms")
    return folder


@pytest.fixture
def copied(exports, tmp_path):
    return shutil.copytree(exports, tmp_path / "exports")


def cells(tables):
    return [(name, number, column) for name in COUNTS for number, row in enumerate(tables[name].to_dicts()) for column in COUNTS[name] if row[column] is None]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: "-".join(map(str, place)))
def test_the_truth_is_one_of_the_worlds_and_no_small_count_is_the_only_one(place):
    truth = delivery(*place)
    released = release(truth)
    system = System(released)
    true = {cell: truth[cell[0]].row(cell[1], named=True)[cell[2]] for cell in system.cells if cell[2] in COUNTS[cell[0]]}
    for word, parts in {"bad": COUNTS["sensitivity"][2:5], "rated": COUNTS["sensitivity"][1:5], "open": COUNTS["sensitivity"][5:]}.items():
        true |= {cell: sum(truth[cell[0]].row(cell[1], named=True)[part] for part in parts) for cell in system.cells if cell[2] == word}
    values = [true[cell] for cell in system.cells]
    for terms, low, high in system.sums:
        assert low <= sum(factor * values[at] for at, factor in terms.items()) <= high
    found = ranges(system)
    assert sorted(found, key=str) == sorted(cells(released), key=str)
    assert not [cell for cell, (least, most) in found.items() if least == most and 1 <= least <= 10]
    assert all(least == most == true[cell] for cell, (least, most) in found.items() if least == most)


def test_what_bears_nothing_on_a_count_is_no_part_of_what_is_said_of_it():
    """Nothing times a count without a bound is no number, and would end the search where it has just begun."""
    system = System(release(delivery(*PLACES[0])))
    one, other = list(system.cells)[:2]
    system.between(0, 5, (0, one), (2, other))
    assert system.sums[-1] == ({system.cells[other]: 2}, 0, 5)


def test_the_file_says_what_was_searched_and_holds_no_count_of_patients(exports):
    said = json.loads((exports / prove.NAME).read_text())
    assert said["profile"] == "cms"
    assert said["result"]["n_recovered"] == 0
    assert said["result"]["n_masked"] == sum(table.select(pl.col(COUNTS[name]).null_count()).sum_horizontal()[0] for name in COUNTS for table in [pl.read_parquet(exports / f"{name}.parquet")])
    assert set(said["exports"]) == {path.name for path in exports.iterdir()} - {prove.NAME}
    assert "secondary_measure" in said["not_searched"]["tables"]
    assert set(said["result"]["tables"]["compliance"]) == {"n_masked", "n_only_zero", "n_one_value", "n_recovered"}


def test_the_same_exports_give_the_same_proof(exports, copied):
    (copied / prove.NAME).unlink()
    prove.write(copied, "cms")
    assert (copied / prove.NAME).read_bytes() == (exports / prove.NAME).read_bytes()
    assert prove.verify(copied)["result"]["n_recovered"] == 0


def put_back(folder, truth, **where):
    """One masked denominator is shown after all."""
    table = pl.read_parquet(folder / "compliance.parquet")
    at = next(number for number, row in enumerate(table.to_dicts()) if row["n_index"] is None and truth["compliance"]["n_index"][number] and all(row[name] == value for name, value in where.items()))
    shown = pl.when(pl.int_range(pl.len()) == at).then(truth["compliance"]["n_index"]).otherwise(pl.col("n_index"))
    table.with_columns(n_index=shown).write_parquet(folder / "compliance.parquet")


def test_a_cell_that_was_put_back_is_refused(copied, truth):
    put_back(copied, truth, basis="episode", period_grain="quarter")
    with pytest.raises(prove.DisclosureError, match="not those that were proved"):
        prove.verify(copied)


def test_a_company_of_two_that_lost_one_is_worked_out(tmp_path):
    """Two rows under a shown total: with one of them shown the other is what is missing."""
    truth = delivery("one_site", 300, 5)
    folder = export(release(truth), tmp_path / "careless")
    table = pl.read_parquet(folder / "compliance.parquet")
    hidden = {key: rows.height for key, rows in table.with_row_index().filter(pl.col("n_index").is_null() & (pl.col("stratum") == "sex")).group_by("measure", "basis")}
    assert hidden["post_completion", "order"] == 2
    measure, basis = "post_completion", "order"  # of the episodes the total is hidden as well
    put_back(folder, truth, measure=measure, basis=basis, stratum="sex", stratum_value="female")
    with pytest.raises(prove.DisclosureError, match="can be worked out"):
        prove.write(folder, "cms")
    assert not (folder / prove.NAME).exists()


def test_figures_that_cannot_all_be_true_are_refused(exports, copied):
    table = pl.read_parquet(copied / "case_attrition.parquet")
    more = table.with_columns(n_patients=pl.when(pl.col("reason") == "persons").then(pl.col("n_patients") + 1).otherwise(pl.col("n_patients")))
    with pytest.raises(Contradiction):
        ranges(System({name: pl.read_parquet(exports / f"{name}.parquet") for name in COUNTS} | {"case_attrition": more}))
    more.write_parquet(copied / "case_attrition.parquet")
    with pytest.raises(prove.DisclosureError, match="no counts fit"):
        prove.write(copied, "cms")


def test_a_proof_that_was_edited_or_is_missing_is_refused(copied):
    said = json.loads((copied / prove.NAME).read_text())
    (copied / prove.NAME).write_text(json.dumps(said | {"small_cell_max": 5}))
    with pytest.raises(prove.DisclosureError, match="something else than its exports"):
        prove.verify(copied)
    (copied / prove.NAME).write_text("{}")
    with pytest.raises(prove.DisclosureError, match="cannot be read"):
        prove.verify(copied)
    (copied / prove.NAME).unlink()
    with pytest.raises(NotFoundError, match="did not come with these exports"):
        prove.verify(copied)


def test_exports_of_which_one_is_gone_are_not_those_that_were_proved(copied):
    (copied / "compliance.parquet").unlink()
    with pytest.raises(prove.DisclosureError, match="not those that were proved — compliance.parquet"):
        prove.verify(copied)


@pytest.mark.parametrize(("folder", "says"), [("nowhere", "no such folder"), ("", "is none"), ("protected", "holds no exports")])
def test_11_another_folder_than_that_of_exports(command, audited, folder, says):
    code, out, err = command("verify", audited / folder)
    assert (code, out) == (11, "")
    assert says in err
    assert "imaging-audit verify audit/exports" in err


def test_what_was_published_without_a_proof_says_so_and_a_run_that_asks_for_one_brings_it(command, example, audited, tmp_path, monkeypatch):
    out = shutil.copytree(audited, tmp_path / "out", symlinks=True)
    code, _, err = command("verify", out / "exports")
    assert code == 11
    assert "published with proof = false" in err
    assert "set proof = true" in err
    again = ("run", "--extracts", example, "--out", out, "--config", example / "audit.toml", "--direct")
    monkeypatch.setenv("IMAGING_AUDIT_PROOF", "true")
    code, _, err = command(*again)
    assert code == 0, err
    assert "Nothing changed" not in err
    assert command("verify", out / "exports")[0] == 0
    assert len({run["run_id"] for run in ledger.of(out, "published")}) == 1  # the same audit, published twice
    for proof in ("true", "false"):
        monkeypatch.setenv("IMAGING_AUDIT_PROOF", proof)
        assert "Nothing changed" in command(*again)[2]
    assert command("verify", out / "exports")[0] == 0


def test_rounded_counts_of_the_nhs_profile_are_read_as_ranges(truth, tmp_path):
    folder = export(release(truth, "nhs"), tmp_path / "nhs")
    proof = prove.write(folder, "nhs")
    assert proof["small_cell_max"] == 7
    assert proof["result"]["n_recovered"] == 0
    assert not proof["result"]["contradiction"]


def test_the_profile_none_has_nothing_to_prove(truth, tmp_path):
    folder = export(release(truth, "none"), tmp_path / "none")
    assert prove.write(folder, "none")["result"] is None
    assert prove.verify(folder)["profile"] == "none"


def test_a_rate_and_its_interval_give_the_denominator():
    for n in (11, 40, 397, 1500):
        for good in (0, n // 2, n - 11, n):
            rate, z2 = good / n, 1.959963984540054**2
            half = (z2 / n * (rate * (1 - rate) + z2 / n / 4)) ** 0.5
            low, high = ((rate + z2 / n / 2 + side * half) / (1 + z2 / n) for side in (-1, 1))
            assert denominator({"rate": rate, "ci_low": max(0.0, low) if good else 0.0, "ci_high": min(1.0, high) if good < n else 1.0}) == n
