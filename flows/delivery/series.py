"""A series: a folder whose subfolders are deliveries, each named by the last day or month that it covers.

2025-06 and 2025-06-30 cover days up to the same one; whatever follows after an underscore tells deliveries of one day apart.
Deliveries stand in the order of the day, then of the name, in which numbers count as numbers. A later one supersedes an
earlier one key by key (sql/raw). A folder of extracts is a single delivery without a name.
"""

import calendar
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from flows.delivery.parts import DATA_ENDINGS, format_of
from flows.errors import DeliveryError, SettingsError

# Names go into manifests and messages, so that nothing fits that is long enough for a number of a person.
NAME = re.compile(r"(\d{4})-(\d{2})(?:-(\d{2}))?(?:_((?!.*\d{4})[A-Za-z0-9][A-Za-z0-9_-]{0,29}))?")
LIKE = "2025-06 or 2025-06-30, and where need be an underscore and a word of letters, digits, - and _, without a number of four digits"
WITHDRAWN = "WITHDRAWN.txt"
LONGEST_REASON = 500
EXTRACTS = ("orders", "diagnoses", "therapies", "procedures", "patients", "findings", "code_map")


@dataclass(frozen=True)
class Delivery:
    folder: Path
    name: str | None = None
    covers_to: date | None = None
    position: int = 1

    @property
    def prefix(self):
        """What its parts' names begin with."""
        return f"{self.name}/" if self.name else ""


def covered(name):
    """The last day that a delivery of this name covers; None where the name does not say."""
    found = NAME.fullmatch(name)
    if not found:
        return None
    year, month, day = (int(number) if number else None for number in found.groups()[:3])
    try:
        return date(year, month, day or calendar.monthrange(year, month)[1])
    except ValueError:  # IllegalMonthError is one as well
        return None


def order(name):
    """What puts the names of deliveries in their order."""
    suffix = NAME.fullmatch(name)[4] or ""
    parts = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.findall(r"\d+|\D+", suffix)]
    return covered(name), parts, name


def is_series(folder):
    """Whether a folder holds deliveries rather than extracts."""
    return folder.is_dir() and any(covered(path.name) for path in folder.iterdir() if path.is_dir())


def deliveries(folder, until=None, *, withdrawn=False):
    """The deliveries to be read, oldest first: of a series those that cover days up to `until` and were not withdrawn."""
    if not is_series(folder):
        return [Delivery(folder)]
    names = sorted(_names(folder), key=order)
    names = [name for name in names if withdrawn or not (folder / name / WITHDRAWN).exists()]
    found = [(name, covered(name)) for name in names if until is None or covered(name) <= until]
    return [Delivery(folder / name, name, day, position) for position, (name, day) in enumerate(found, 1)]


def reason(delivery):
    """Why a delivery was withdrawn, in one line that may be shown and kept; None where it was not."""
    path = delivery.folder / WITHDRAWN
    if not path.exists():
        return None
    if path.is_symlink() or not path.is_file():
        return ""  # a mark all the same; where a link leads, or a pipe, is not read
    with path.open(encoding="utf-8", errors="replace") as text:
        said = " ".join(text.read(LONGEST_REASON).split())
    return "".join(sign for sign in said if sign.isprintable())


def needed(folder, until=None):
    """The same, where there must be one."""
    found = deliveries(folder, until)
    if not found:
        raise DeliveryError(
            "no delivery of the series covers days " + (f"up to {until}" if until else "that may be read"),
            where=folder,
            next_step="name a later day with --as-of, or put the delivery into the series",
        )
    return found


def on_its_day(settings):
    """The settings with the last day that is covered as as_of: a series says by its names what it covers."""
    if not is_series(settings.extracts):
        return settings
    refuse_foreign(settings)
    return settings.model_copy(update={"as_of": needed(settings.extracts, settings.as_of)[-1].covers_to})


def refuse_foreign(settings):
    if settings.source != "delivery":
        raise SettingsError(
            f"a series is read in the shape of the contract, not as {settings.source} writes it",
            where=settings.extracts,
            next_step="name one export with --extracts, or map each to the contract before it is delivered",
        )


def is_past(settings):
    """Whether the series goes on after the day of these settings."""
    return is_series(settings.extracts) and any(each.covers_to > settings.as_of for each in deliveries(settings.extracts))


def is_synthetic(folder, until=None):
    """Made-up rows among those that are read make the whole result a made-up one."""
    return folder.is_dir() and any((each.folder / "SYNTHETIC.txt").exists() for each in deliveries(folder, until))


def is_extract(path):
    """Whether a path in a delivery is an extract's own name, which says nothing of anybody."""
    return path.removesuffix(format_of(path) or "/") in EXTRACTS


def extract_of(path):
    """The extract that a file belongs to, by its path in a delivery or in a series of them."""
    first, _, rest = path.partition("/")
    return (rest if rest and covered(first) else first).split("/")[0].split(".")[0]


def _names(folder):
    """The names of the deliveries, where nothing else that may hold rows stands beside them."""
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith((".", "_")))
    for place, path in enumerate(entries, 1):
        where = f"name {place} of the {len(entries)} in {folder}, sorted"
        if path.is_dir() and covered(path.name):
            if path.is_symlink():
                raise DeliveryError("a delivery is a link", where=where, next_step="put the folder itself there")
            yield path.name
        elif path.name.lower().endswith(DATA_ENDINGS) or path.name in EXTRACTS:
            raise DeliveryError(
                "an extract stands beside deliveries, and would belong to none of them",
                where=where,
                next_step=f"put it into the folder of its delivery, or into a new one named like {LIKE}",
            )
        elif path.is_dir():
            raise DeliveryError(
                "the name of a delivery does not say which day it covers to",
                where=where,
                next_step=f"name it like {LIKE}; or move it out of the series",
            )
