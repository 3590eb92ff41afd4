"""Settings: three sources, one order among them, and errors that name the nearest known key."""

import re
import tomllib
from datetime import date

import pytest

from flows import ROOT
from flows.errors import DeidentificationError, SettingsError
from flows.settings import Settings, load_settings

NEEDED = {"extracts": "delivery", "out": "audit", "deid_mode": "limited_data_set"}


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch):
    import os

    for name in [name for name in os.environ if name.startswith("IMAGING_AUDIT_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def toml(tmp_path):
    def write(text):
        path = tmp_path / "audit.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_given_beats_environment_beats_file(toml, monkeypatch):
    config = toml(
        'source = "delivery"\nthreads = 1\nkeep_releases = 5\n[parameters]\nwindow_days = 56\nmin_doses = 3\n'
    )
    monkeypatch.setenv("IMAGING_AUDIT_THREADS", "2")
    monkeypatch.setenv("IMAGING_AUDIT_PARAMETERS__WINDOW_DAYS", "180")
    settings = load_settings(config, **NEEDED, source="synthea")
    assert (settings.source, settings.threads, settings.keep_releases) == ("synthea", 2, 5)
    assert settings.parameters == {"window_days": "180", "min_doses": "3"}


def test_unknown_key_of_the_file_names_file_and_nearest(toml):
    config = toml('extract = "x"\n')
    with pytest.raises(SettingsError, match="unknown setting 'extract'.*audit.toml.*did you mean 'extracts'"):
        load_settings(config, **NEEDED)


def test_unknown_key_of_the_environment_names_the_nearest(monkeypatch):
    monkeypatch.setenv("IMAGING_AUDIT_DEIDMODE", "relative_days")
    with pytest.raises(SettingsError, match="IMAGING_AUDIT_DEIDMODE.*did you mean 'deid_mode'"):
        load_settings(**NEEDED)


def test_unknown_parameter_names_the_nearest(toml):
    with pytest.raises(SettingsError, match="unknown parameter 'windows_day'.*did you mean 'window_days'"):
        load_settings(toml("[parameters]\nwindows_day = 3\n"), **NEEDED)


def test_a_key_like_no_other_lists_the_known_ones(toml):
    with pytest.raises(SettingsError, match="known: all_orders_after_first_edition, as_of"):
        load_settings(toml("zzz = 1\n"), **NEEDED)


def test_undeclared_deidentification_is_an_error_of_its_own():
    with pytest.raises(DeidentificationError, match="not declared.*--deid-mode") as error:
        load_settings(extracts="delivery", out="audit", deid_mode=None)
    assert error.value.exit_code == 5


@pytest.mark.parametrize("missing", ["extracts", "out"])
def test_missing_folder_says_which_option(missing):
    with pytest.raises(SettingsError, match=f"'{missing}' is not set.* — say --{missing}, or set {missing} in a file and name it with --config$"):
        load_settings(**{**NEEDED, missing: None})


@pytest.mark.parametrize("asks", [("deliveries",), ("catch-up", "--direct"), ("serve",), ("tell",), ("doctor",), ("run", "--direct")], ids=" ".join)
@pytest.mark.parametrize("missing", ["extracts", "deid_mode"])
def test_advice_names_no_option_that_the_command_lacks(command, toml, asks, missing):
    config = toml("".join(f'{name} = "{value}"\n' for name, value in NEEDED.items() if name != missing))
    code, said, talk = command(asks[0], "--config", config, *asks[1:])
    told, helped = " ".join((said + talk).split()), command(asks[0], "--help")[1]
    assert code == (5 if missing == "deid_mode" else 3)
    assert f"set {missing} in {config}" in told
    option = f"--{missing.replace('_', '-')}"
    assert (f"say {option}" in told) == (f"{option} " in helped)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("as_of", "30.06.2025", "'as_of' must be a date as YYYY-MM-DD, such as 2025-06-30"),
        ("as_of", "2025-06-30T10:00", "must be a date as YYYY-MM-DD"),
        ("memory_limit", "plenty", "'memory_limit' must be a number and KB, MB, GB, TB, KiB, MiB, GiB or TiB, such as 4GB"),
        ("threads", "many", "'threads' must be a whole number"),
        ("threads", 0, "'threads' must be 1 or more"),
        ("proof", "perhaps", "'proof' must be true or false"),
        ("engine", "sqlite", "'engine' must be 'duckdb' or 'spark'"),
        ("conditional_surgery", ["x"], "'conditional_surgery.0' must be CODE_SYSTEM:CODE, such as SNOMED:392023007"),
        ("conditional_surgery", "x", "'conditional_surgery' must be a list"),
        ("schedule", {"croon": "x"}, "'schedule.croon' is no setting"),
    ],
)
def test_a_wrong_value_is_told_in_words_of_ours(key, value, says):
    with pytest.raises(SettingsError) as error:
        load_settings(**{**NEEDED, key: value})
    assert says in error.value.message
    assert not re.search("[Ii]nput|string|pattern|parsing", str(error.value))


@pytest.mark.parametrize("value", ["4KB", "4 GiB", "0.5TB", "512MB", "1TiB"])
def test_units_of_memory_are_those_that_are_named(value):
    assert load_settings(**NEEDED, memory_limit=value).memory_limit == value


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("deid_mode", "anonymous"),
        ("as_of", "31/12/2024"),
        ("source", "omop"),
        ("threads", 0),
        ("memory_limit", "plenty"),
        ("suppression", "some"),
        ("conditional_surgery", ["392023007"]),
    ],
)
def test_wrong_value_names_the_key_and_not_the_value(key, value):
    with pytest.raises(SettingsError, match=f"'{key}") as error:
        load_settings(**{**NEEDED, key: value})
    assert str(value) not in str(error.value)


def test_extracts_that_begin_after_they_end_are_refused(toml):
    days = {"as_of": date(2024, 6, 30), "data_from": date(2024, 6, 30)}
    assert load_settings(**NEEDED, **days).data_from == date(2024, 6, 30)
    with pytest.raises(SettingsError, match="'data_from' is after 'as_of'.*mend one of the two") as error:
        load_settings(toml("data_from = 2024-07-01\n"), **NEEDED, as_of=date(2024, 6, 30))
    assert error.value.exit_code == 3
    assert "2024" not in error.value.message
    assert load_settings(**NEEDED, data_from=date(2024, 7, 1)).as_of is None


def test_broken_file_names_file_and_line(toml):
    with pytest.raises(SettingsError, match="not TOML.*line 1.*audit.toml"):
        load_settings(toml("extracts = \n"), **NEEDED)


def test_absent_file_is_an_error(tmp_path):
    with pytest.raises(SettingsError, match="cannot read the settings.*nowhere.toml"):
        load_settings(tmp_path / "nowhere.toml", **NEEDED)


def test_absent_site_rules_are_an_error(tmp_path):
    with pytest.raises(SettingsError, match="there is no such folder of site rules.*nowhere.*--rules, or site_rules"):
        load_settings(**NEEDED, site_rules=tmp_path / "nowhere")


def test_paths_of_a_file_are_meant_from_where_it_stands(toml, tmp_path):
    settings = load_settings(toml('extracts = "in"\nout = "out"\ndeid_mode = "shifted_dates"\n'))
    assert (settings.extracts, settings.out) == (tmp_path / "in", tmp_path / "out")


def test_synthea_counts_its_own_mastectomy():
    assert load_settings(**NEEDED, source="synthea").conditional_surgery == ["SNOMED:392023007"]
    assert load_settings(**NEEDED).conditional_surgery == []


def test_the_demo_is_named_synthetic(tmp_path):
    assert load_settings(**{**NEEDED, "extracts": tmp_path}).source_label == "delivery"
    (tmp_path / "SYNTHETIC.txt").touch()
    assert load_settings(**{**NEEDED, "extracts": tmp_path}).source_label == "demo (synthetic)"


def test_a_delivery_that_goes_away_keeps_its_name(tmp_path):
    (tmp_path / "SYNTHETIC.txt").touch()
    settings = load_settings(**{**NEEDED, "extracts": tmp_path})
    assert settings.source_label == "demo (synthetic)"
    (tmp_path / "SYNTHETIC.txt").unlink()
    assert settings.source_label == "demo (synthetic)"


def test_folders_and_machine_do_not_name_the_run():
    here = load_settings(**NEEDED)
    there = load_settings(**{**NEEDED, "extracts": "elsewhere", "out": "other"}, memory_limit="1GB", threads=1)
    assert here.content() == there.content()
    assert here.content() != load_settings(**NEEDED, as_of=date(2024, 1, 1)).content()


def test_the_example_shows_every_setting_and_loads():
    path = ROOT / "audit.example.toml"
    text = path.read_text(encoding="utf-8")
    shown = set(re.findall(r"^(?:# )?([a-z_]+) = ", text, re.MULTILINE)) | set(tomllib.loads(text))
    assert set(Settings.model_fields) <= shown
    assert load_settings(path).deid_mode == "limited_data_set"


def test_the_example_comments_every_setting():
    lines = (ROOT / "audit.example.toml").read_text(encoding="utf-8").splitlines()
    keys = [number for number, line in enumerate(lines) if re.match(r"(# )?[a-z_]+ = ", line)]
    bare = [lines[number] for number in keys if not lines[number - 1].startswith("# ")]
    assert bare == []


def test_a_parameter_outside_its_table_is_named_with_it(tmp_path):
    config = tmp_path / "audit.toml"
    config.write_text("window_day = 84\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="parameters.window_days"):
        load_settings(config)
