"""Mistakes in settings, in words: where, and what to do there. Never the value, which may be anything pasted by accident."""

from flows.errors import DeidentificationError, SettingsError

MODES = "relative_days, shifted_dates or limited_data_set"
# Kinds of pydantic's errors by how they begin; {…} is what pydantic says of them.
WORDS = {
    "date": "must be a date as YYYY-MM-DD, such as 2025-06-30",
    "int": "must be a whole number",
    "bool": "must be true or false",
    "literal_error": "must be {expected}",
    "greater_than_equal": "must be {ge} or more",
    "extra_forbidden": "is no setting",
    "list_type": "must be a list",
    "path_type": "must be text in quotes",
    "string_type": "must be text in quotes",
}
SHAPES = {
    "memory_limit": "must be a number and KB, MB, GB, TB, KiB, MiB, GiB or TiB, such as 4GB",
    "conditional_surgery": "must be CODE_SYSTEM:CODE, such as SNOMED:392023007",
}


def in_words(error, config, options):
    """Every mistake behind an error of pydantic, each as an error of its own. options: settings that the command takes."""
    return [_told(each, config, options) for each in error.errors(include_input=False, include_url=False)]


def _told(each, config, options):
    key = ".".join(str(part) for part in each["loc"])
    where = config or "command line or environment"
    if each["type"] == "missing" and key == "deid_mode":
        return DeidentificationError(
            "the delivery's de-identification is not declared, so nothing was read", where=where, next_step=_say(key, MODES, config, options)
        )
    if each["type"] == "missing":
        return SettingsError(f"'{key}' is not set", where=where, next_step=_say(key, None, config, options))
    return SettingsError(f"'{key}'{_words(each)}", where=where, next_step="see audit.example.toml")


def _say(key, words, config, options):
    """Only what the command takes: another one's option would be the next error."""
    as_words = f" {words}" if words else ""
    in_file = f"set {key} in {config or 'a file and name it with --config'}" + (f": {words}" if words else "")
    return f"say --{key.replace('_', '-')}{as_words}, or {in_file}" if key in options else in_file


def _words(each):
    if each["type"] == "string_pattern_mismatch":
        return f" {SHAPES[each['loc'][0]]}"
    said = next((words for kind, words in WORDS.items() if each["type"].startswith(kind)), None)
    return f" {said.format(**each.get('ctx', {}))}" if said else f": {each['msg']}"
