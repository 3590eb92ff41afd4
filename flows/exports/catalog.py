"""What leaves: the released tables, and every other format, made of these alone under the same mask."""

# `change` and `differencing` are made when a result is released, the others are tables of the database.
EXPORTED = (
    "compliance",
    "sensitivity",
    "multiverse",
    "attrition",
    "case_attrition",
    "unmapped_code",
    "secondary_measure",
    "scenario_compliance",
    "edition_change",
    "staging_summary",
    "radiation",
    "maturity",
    "label_basis",
    "validity",
    "notice",
    "quality_warning",
    "quality_result",
    "change",
    "differencing",
)
MADE_AT_RELEASE = {"change", "differencing"}
# When and as which run a check was made is the manifest's business: the same audit exports the same bytes.
NOT_EXPORTED = {"run_id", "checked_at"}
WORKBOOK, PAPER = "audit.xlsx", "audit.pdf"
# What makes a cell a formula where it begins one, or follows a mark at which some locales split cells.
RUN_BY_SPREADSHEETS = r"(^|[;\t\r\n])([=+\-@＝＋－＠])"


def exported(tables):
    """The released tables as they are exported: all formats take them from here."""
    return {name: tables[name].drop(NOT_EXPORTED & set(tables[name].columns)) for name in EXPORTED if name in tables}


def write_exports(con, tables, profile, folder):
    """Every format of what was released; the charts that were drawn for it. con: the audit's database, for its rules and
    for the comments of its columns."""
    from flows.control.charts import charts
    from flows.exports import facts, measure_report, packaging, paper, workbook

    folder.mkdir()
    for name, table in exported(tables).items():
        write_table(table, folder / name)
    about = facts.facts(tables, profile, facts.editions(con))
    rows = {name: table.to_dicts() for name, table in tables.items()}
    drawn = charts(rows, about["parameters"], baselines(con))
    workbook.write(tables, about, folder / WORKBOOK, drawn)
    paper.write(tables, about, drawn, folder / PAPER)
    measure_report.write(tables, about, folder)
    packaging.write(con, tables, about, folder)  # the last: it tells the hash of every file
    return drawn


def prove(con, profile, folder):
    """The proof beside the exports, or an error: what can be worked out is not published."""
    from flows.proof import prove

    (small_cell_max,) = con.execute("select small_cell_max from stg.parameter").fetchall()[0]
    prove.write(folder, profile, small_cell_max)


def baselines(con):
    return con.sql("select * from rule.baseline order by all").pl().to_dicts()


def write_table(table, stem):
    for_spreadsheets(table).write_csv(stem.with_suffix(".csv"))
    table.write_parquet(stem.with_suffix(".parquet"))


def for_spreadsheets(table):
    """A text that a spreadsheet would run gets an apostrophe before it; numbers are no text, and Parquet runs nothing."""
    import polars as pl

    text = pl.col(pl.String)
    return table.with_columns(text.str.replace_all(RUN_BY_SPREADSHEETS, "${1}'${2}").str.replace("^[\\t\\r\\n]", "'${0}"))
