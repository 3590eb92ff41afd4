"""Settings: what is given beats the environment, the environment beats the TOML file."""

import csv
import difflib
import os
import tomllib
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, EnvSettingsSource, InitSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableVariable

from flows import ROOT
from flows.errors import SettingsError
from flows.mistakes import in_words
from flows.rule_files import refuse_absent

PREFIX = "IMAGING_AUDIT_"
# Synthea writes every mastectomy as this code; elsewhere it is too vague to end a course by itself.
SYNTHEA_SURGERY = "SNOMED:392023007"
# What moves no label: the same audit on another disk or machine is the same audit.
NOT_CONTENT = {
    *("extracts", "out", "memory_limit", "threads", "temp_directory", "keep_releases", "site_rules", "proof", "debug"),
    *("drop", "schedule", "notify", "log_files", "engine"),
}


class Schedule(BaseModel):
    """When `imaging-audit serve` looks for something to audit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cron: str = Field("0 6 1 * *", description="Minute, hour, day of the month, month, day of the week.")
    timezone: str = Field("UTC", description="Name of the time zone, as in Europe/Berlin.")
    look_every_seconds: int = Field(60, ge=5, description="How often the drop folder is looked at between firings.")


class Notify(BaseModel):
    """Whom to tell, and of what; nobody unless named."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    urls: list[SecretStr] = Field([], description="Where messages go, as Apprise writes it: mailtos://, workflows://, slack://, jsons://")
    about: list[Literal["published", "signal", "warning", "failed"]] = Field(
        ["published", "signal", "warning", "failed"], description="What is worth a message."
    )
    report: str | None = Field(None, description="Where readers find the report: an address or a path of theirs.")

    @field_validator("urls")
    @classmethod
    def _are_understood(cls, urls):
        if urls:
            from flows.telling_services import not_understood  # takes a moment to import, and most sites name none

            for number in not_understood(urls):
                message = "address {number} is none that Apprise understands; it is not repeated, for it may hold a password"
                raise PydanticCustomError("address", message, {"number": number})
        return urls


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True)
    named_in: ClassVar[str] = "settings"  # where a person wrote them, for messages

    extracts: Path = Field(description="Folder of the delivery.")
    out: Path = Field(description="Folder of the results; keep it in the protected zone.")
    deid_mode: Literal["relative_days", "shifted_dates", "limited_data_set"] = Field(
        description="How the delivery was de-identified. Declared, never guessed."
    )
    source: Literal["delivery", "synthea"] = Field("delivery", description="Shape of the delivery.")
    as_of: date | None = Field(None, description="Last day that the extracts cover; absent: the latest date in them.")
    data_from: date | None = Field(None, description="First day that the extracts cover, if they begin somewhere.")
    all_orders_after_first_edition: bool = Field(
        False, description="With shifted or relative dates: no order is older than the first edition."
    )
    edition_override: str | None = Field(None, description="Judge every order by this edition, whatever its day.")
    conditional_surgery: list[Annotated[str, Field(pattern=r"^[^:]+:[^:]+$")]] = Field(
        [], description="Surgery codes, as CODE_SYSTEM:CODE, that count here although they are only conditional."
    )
    site_rules: Path | None = Field(None, description="Folder of the site's own rule rows.")
    parameters: dict[str, str] = Field({}, description="Parameters of the measure that differ at this site.")
    suppression: Literal["cms", "nhs", "none"] = Field("cms", description="Disclosure control of everything exported.")
    proof: bool = Field(True, description="Prove before publishing that no masked count can be worked out (seconds).")
    keep_releases: int = Field(3, ge=1, description="How many published results to keep.")
    engine: Literal["duckdb", "spark"] = Field(
        "duckdb", description="What builds the tables; the same tables either way. See docs/spark.md for when to move."
    )
    memory_limit: str | None = Field(
        None,
        pattern=r"^\d+(\.\d+)? ?[KMGT]i?B$",
        description="DuckDB's memory; absent: 60 % of what machine and container can spare, at least 512 MiB.",
    )
    threads: int | None = Field(None, ge=1, description="DuckDB's threads; absent: the cores this process may use.")
    temp_directory: Path | None = Field(None, description="Where DuckDB spills; absent: inside the out folder.")
    drop: Path | None = Field(None, description="Folder where deliveries arrive; absent: extracts are put in place by hand.")
    schedule: Schedule = Field(Schedule(), description="When to audit by itself.")
    notify: Notify = Field(Notify(), description="Whom to tell, and of what.")
    log_files: int = Field(12, ge=1, description="How many files of log lines to keep, 5 MB each.")
    debug: bool = Field(False, description="Full tracebacks, which may quote values: for made-up data only.")

    @field_validator("parameters", mode="before")
    @classmethod
    def _parameters_are_text(cls, given):
        return {name: str(value) for name, value in given.items()} if isinstance(given, dict) else given

    @model_validator(mode="before")
    @classmethod
    def _synthea_counts_its_mastectomy(cls, given):
        if given.get("source") != "synthea":
            return given
        named = given.get("conditional_surgery") or []
        return {**given, "conditional_surgery": sorted({*named, SYNTHEA_SURGERY})}

    @cached_property  # asked again at the end, when the delivery may be gone
    def is_synthetic(self):
        from flows.delivery import series

        return series.is_synthetic(self.extracts, self.as_of)

    @property
    def source_label(self):
        return "demo (synthetic)" if self.is_synthetic else self.source

    def content(self):
        """What can move a label or a published cell."""
        return self.model_dump(mode="json", exclude=NOT_CONTENT)


def load_settings(config=None, **given):
    """given: settings that beat those of the file, as far as they are not None; their names are the command's options."""
    options, given = frozenset(given), {name: value for name, value in given.items() if value is not None}
    from_file = _read_toml(Path(config)) if config else {}
    _refuse_unknown_environment()

    class Layered(Settings):
        named_in: ClassVar[str] = str(config or "command line or environment")

        @classmethod
        def settings_customise_sources(cls, settings_cls, **_):
            return (
                InitSettingsSource(settings_cls, init_kwargs=given),
                EnvSettingsSource(settings_cls),
                InitSettingsSource(settings_cls, init_kwargs=from_file),
            )

    try:
        settings = Layered()
    except ValidationError as error:
        raise in_words(error, config, options)[0] from None
    except UnreadableVariable:
        step = 'a list or table is written as JSON, as in IMAGING_AUDIT_NOTIFY__URLS=\'["mailtos://…"]\''
        raise SettingsError("a setting cannot be read", where="environment", next_step=step) from None
    if settings.site_rules:
        refuse_absent(settings.site_rules)
    _check_parameters(settings, config)
    _refuse_debug(settings, config)
    _refuse_no_days(settings, config)
    return settings


def _read_toml(path):
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"cannot read the settings: {error.strerror}", where=path, next_step="check --config"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"not TOML: {error}", where=path, next_step="compare with audit.example.toml") from None
    except RecursionError:
        raise SettingsError("tables or lists lie hundreds deep within each other", where=path, next_step="compare with audit.example.toml") from None
    for key in content:
        _known(key, Settings.model_fields, "setting", path)
    # A path in a file is meant from where the file stands, so that a scheduled run may start anywhere.
    for key in ("extracts", "out", "site_rules", "temp_directory", "drop"):
        if isinstance(content.get(key), str):
            content[key] = path.resolve().parent / content[key]
    return content


def _known(key, known, kind, where):
    if key not in known:
        raise SettingsError(f"unknown {kind} '{key}'", where=where, next_step=_nearest(key, known))


def _nearest(key, known):
    close = difflib.get_close_matches(key, list(known), n=1, cutoff=0.5)
    if not close and known is Settings.model_fields:
        # A parameter of the measure has its own table, and its name without it is the likeliest slip.
        close = [f"parameters.{name}" for name in difflib.get_close_matches(key, _parameter_names(), n=1, cutoff=0.5)]
    return f"did you mean '{close[0]}'?" if close else "known: " + ", ".join(sorted(known))


def _refuse_unknown_environment():
    for variable in os.environ:
        if variable.upper().startswith(PREFIX):
            key = variable[len(PREFIX) :].lower().split("__")[0]
            _known(key, Settings.model_fields, "setting", f"environment variable {variable}")


def _check_parameters(settings, config):
    for name in settings.parameters:
        _known(name, _parameter_names(), "parameter", config or "settings, parameters")


def _refuse_debug(settings, config):
    if settings.debug and not settings.is_synthetic:
        what = "'debug' shows what errors quote, which may be values, and this delivery is not marked as made up"
        raise SettingsError(what, where=config or "command line or environment", next_step="take debug out of the settings")


def _refuse_no_days(settings, config):
    if settings.as_of and settings.data_from and settings.data_from > settings.as_of:
        what = "'data_from' is after 'as_of', so the extracts would cover no day"
        raise SettingsError(what, where=config or "command line or environment", next_step="mend one of the two, or leave data_from out")


def _parameter_names():
    """Ours; a site changes their values and adds none."""
    with (ROOT / "rules" / "parameter.csv").open(encoding="utf-8", newline="") as lines:
        return {row["name"] for row in csv.DictReader(lines)}
