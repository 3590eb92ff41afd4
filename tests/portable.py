"""What a model may be made of so that Spark gives the same table: a list of what is known to be the same, no list of faults.

Each rule names what is not, in a model whose columns are resolved and typed (flows/spark/translate.py).
"""

import re

from sqlglot import exp

# Structure and operators; what a word of SQL is made of in sqlglot's tree.
PLAIN = ["Alias", "And", "Boolean", "Case", "Column", "CTE", "DataType", "Distinct", "EQ", "Filter", "From", "GT", "GTE", "Group", "Having", "Identifier", "If", "In", "Is", "Join", "LT", "LTE", "Like", "Literal", "NEQ", "Neg", "Not", "Null", "Or", "Order", "Ordered", "Paren", "Qualify", "Select", "Star", "Subquery", "Table", "TableAlias", "Union", "Var", "Where", "Window", "WindowSpec", "With"]
# Functions and operators of which the same is known, with what it rests on; tests/test_spark.py runs them.
SAME = {
    "Abs": "of whole numbers and doubles",
    "Add": "of numbers, or of a day and a whole number", "Sub": "as Add",
    "DateDiff": "of days: a day minus a day, of which Spark would make an interval",
    "Mul": "of whole numbers and doubles", "Div": "gives a double in both",
    "Cast": "of the pairs in CASTS only",
    "Chr": "of a constant",
    "Coalesce": "of one kind", "Nullif": "of one kind", "Greatest": "passes over nulls in both", "Least": "passes over nulls in both",
    "ConcatWs": "of texts; passes over nulls in both, and is '' where there is nothing else",
    "DPipe": "of texts; null with null in both",
    "Count": "distinct of one expression", "Min": "of one kind", "Max": "of one kind",
    "Sum": "of whole numbers; of doubles the last digit hangs on the order of rows, so it is rounded or named in ADDED",
    "LogicalAnd": "passes over nulls in both", "LogicalOr": "passes over nulls in both",
    "Round": "half away from zero in both", "Sqrt": "correctly rounded in both",
    "FirstValue": "over rows in an order", "Lag": "over rows in an order", "Lead": "over rows in an order",
    "RowNumber": "over rows in an order",
    "Explode": "alone in its column", "Split": "at one plain character, translated to \\Q \\E", "SplitPart": "at a constant",
    "GenerateSeries": "of days, translated to sequence", "Interval": "of whole days and years",
    "TimestampTrunc": "of a day, then cast to a day", "Year": "of a day", "Quarter": "of a day", "Month": "of a day",
    "Pad": "with a constant", "Left": "of a constant length", "Replace": "of a constant",
    "GroupConcat": "translated: distinct in its own order, or over rows in an order",
    "Trim": "translated: DuckDB trims every space of Unicode", "Lower": "translated: letter for letter", "Upper": "translated",
    "TryCast": "translated: what passes for a number differs", "Anonymous": "timezone alone, translated",
    "RegexpFullMatch": "translated: Java's bounds and dot differ", "RegexpReplace": "translated, at the end only",
}
TEXT, WHOLE, NUMBER, DAY, TRUTH, TIME = "text", "whole", "number", "day", "truth", "time"
KIND = {
    "TEXT": TEXT, "VARCHAR": TEXT, "INT": WHOLE, "BIGINT": WHOLE, "DOUBLE": NUMBER, "DATE": DAY, "BOOLEAN": TRUTH,
    "TIMESTAMP": TIME, "TIMESTAMPNTZ": TIME, "UNKNOWN": None, "NULL": None,
}
# A double or a day as text, and a double as a whole number, are other texts and numbers there.
CASTS = {
    (WHOLE, WHOLE), (WHOLE, NUMBER), (WHOLE, TEXT), (TRUTH, WHOLE), (TRUTH, TEXT), (TIME, DAY), (DAY, DAY), (TEXT, TEXT),
    (NUMBER, NUMBER), (None, DAY), (None, TEXT), (None, WHOLE), (None, NUMBER), (None, TRUTH),
}
# Texts that the rules' own checks have found to be numbers, so that no two readings are possible.
NUMBERS_AS_TEXT = {"stg/00_parameter.sql", "core/01_definition.sql"}
# Shapes are checked before the text is read.
DAYS_AS_TEXT = {"stg/01_date_text.sql"}
# Sums of doubles that nothing rounds where they are added up, and why that may be.
ADDED = {"core/99_secondary_tally.sql": "two of the weights are not 0; bands of radiation are rounded where out shows them"}
SAFE_PATTERN = re.compile(r"[A-Za-z0-9 +:.,()\[\]{}?|*-]*\$?")


def findings(tree, place):
    """Sentences, one for each thing in the tree that is not known to be the same on Spark."""
    for node in tree.walk():
        name = type(node).__name__
        if name not in SAME and name not in PLAIN:
            yield f"{name}: not among what is known to be the same: {node.sql('duckdb')[:60]}"
        for rule in RULES.get(name, ()):
            said = rule(node, place)
            if said:
                yield f"{name}: {said}: {node.sql('duckdb')[:80]}"


def kind(node):
    return KIND.get(str(node.type).split("(")[0], str(node.type)) if node.type else None


def kinds(*nodes):
    found = {kind(node) for node in nodes if node is not None} - {None}
    return found - {WHOLE} if NUMBER in found else found


def _one_kind(node, place):
    values = [node.this, *node.expressions, node.args.get("expression")]
    if len(kinds(*values)) > 1:
        return f"{' and '.join(sorted(kinds(*values)))} compared or mixed"


def _branches(node, place):
    values = [each.args["true"] for each in node.args["ifs"]] + [node.args.get("default")]
    if len(kinds(*values)) > 1:
        return f"one of {' or '.join(sorted(kinds(*values)))}"


def _numbers(node, place):
    sides = kind(node.left), kind(node.right)
    if isinstance(node, (exp.Add, exp.Sub)) and DAY in sides and set(sides) <= {DAY, WHOLE}:
        is_known = isinstance(node, exp.Sub) or sides[0] == DAY
        return None if is_known else "write the day first"
    if isinstance(node, exp.Add) and sides[0] == TIME and isinstance(node.right, exp.Interval):
        return None
    if not set(sides) <= {WHOLE, NUMBER}:
        return f"reckons with {sides[0]} and {sides[1]}"


def _texts(node, place):
    given = node.expressions if isinstance(node, exp.ConcatWs) else [node.left, node.right]
    if kinds(*given) - {TEXT}:
        return "joins what is no text; cast it"


def _whole_literal(node, place):
    if not node.is_string and not node.this.isdigit():
        return "a number with decimals is a decimal, of another width there; make it a parameter"


def _no_backslash(node, place):
    if node.is_string and "\\" in node.this:
        return "a backslash"


def _cast(node, place):
    if isinstance(node, exp.TryCast):
        return _try_cast(node, place)
    source, target = kind(node.this), KIND.get(str(node.to).split("(")[0])
    if isinstance(node.this, exp.Literal) and target == DAY and re.fullmatch(r"\d{4}-\d\d-\d\d", node.this.this):
        return None
    if source == TEXT and target in (WHOLE, NUMBER) and place in NUMBERS_AS_TEXT:
        return None
    if (source, target) not in CASTS:
        return f"from {source} to {target}"


def _try_cast(node, place):
    target = KIND.get(str(node.to).split("(")[0])
    if target in (DAY, TIME) and place not in DAYS_AS_TEXT:
        return "days are read from text in sql/stg/01_date_text.sql alone"
    if target not in (DAY, TIME, WHOLE, NUMBER):
        return f"to {target}"


def _count(node, place):
    distinct = node.find(exp.Distinct)
    if distinct and len(distinct.expressions) != 1:
        return "distinct of several expressions: rows with a null are counted by one engine only"


def _sum(node, place):
    is_rounded = node.find_ancestor(exp.Round) is not None
    if kind(node.this) == NUMBER and not is_rounded and place not in ADDED:
        return "of doubles, not rounded"


def _split(node, place):
    at = node.expression
    if not at.is_string or len(at.this) != 1:
        return "at more than one character"


def _explode(node, place):
    column = node.parent
    select = column.parent if isinstance(column, exp.Alias) else None
    if not isinstance(select, exp.Select) or column.arg_key != "expressions":
        return "rows are made in a column of their own, then worked with in the next select"
    if sum(isinstance(one.unalias(), exp.Explode) for one in select.expressions) > 1:
        return "two in one select: side by side in one engine, each with each in the other"


def _pattern(node, place):
    text = _written_out(node.expression)
    if text is None or not SAFE_PATTERN.fullmatch(text):
        return "a pattern that is not written out, or has more than both engines read alike"
    is_end = text.endswith("$")
    if isinstance(node, exp.RegexpReplace) != is_end:
        return "only what stands at the end ($) is replaced, and a whole match needs no $"


def _written_out(node):
    if isinstance(node, exp.DPipe):
        left, right = _written_out(node.left), _written_out(node.right)
        return None if left is None or right is None else left + right
    return node.this if isinstance(node, exp.Literal) and node.is_string else None


def _joined(node, place):
    if isinstance(node.parent, exp.Window):
        return None if node.parent.args.get("order") or node.parent.args.get("alias") else "over rows in no order"
    if isinstance(node.parent, exp.Filter):
        return "under a filter"
    distinct, order = node.find(exp.Distinct), node.find(exp.Order)
    if not distinct or not order or [one.this for one in order.expressions] != distinct.expressions:
        return "write string_agg(distinct x, separator order by x)"
    if any(one.args.get("desc") for one in order.expressions):
        return "in descending order"


def _ordered_window(node, place):
    window = node.parent
    if not isinstance(window, exp.Window) or not (window.args.get("order") or window.args.get("alias")):
        return "over rows in no order"


def _trim(node, place):
    if node.expression or node.args.get("position"):
        return "of named characters, or of one side"


def _constants(node, place):
    given = [node.expression, node.args.get("replacement"), node.args.get("fill_pattern"), node.args.get("delimiter")]
    if any(one is not None and not isinstance(one, exp.Literal) for one in given):
        return "with something that is no constant"
    if isinstance(node, exp.Replace) and not node.expression.this:
        return "of nothing"


def _truncated(node, place):
    cast = node.find_ancestor(exp.Cast)
    if kind(node.this) != DAY or not cast or not cast.to.is_type("date"):
        return "cast it to a day: it is a time in one engine"


def _anonymous(node, place):
    inner = node.expressions[1] if len(node.expressions) == 2 else None
    is_outer = isinstance(inner, exp.Anonymous) and inner.name == "timezone" and inner.expressions[0].name == "UTC"
    is_inner = isinstance(node.parent, exp.Anonymous) and node.parent.name == "timezone"
    if node.name != "timezone" or not (is_outer or is_inner):
        return "not among what is known to be the same"


def _select(node, place):
    if node.args.get("order") or node.args.get("limit"):
        return "rows of a table have no order"


def _joined_rows(node, place):
    if node.args.get("method") or f"{node.side} {node.kind}".strip().upper() not in ("INNER", "LEFT", "CROSS"):
        return f"{node.args.get('method') or ''} {node.side} {node.kind}".strip().lower()


def _day_of(node, place):
    if kind(node.this) != DAY:
        return f"of {kind(node.this)}"


RULES = {
    **dict.fromkeys(("EQ", "NEQ", "GT", "GTE", "LT", "LTE", "In", "Coalesce", "Nullif", "Greatest", "Least"), (_one_kind,)),
    **dict.fromkeys(("Add", "Sub", "Mul", "Div"), (_numbers,)),
    **dict.fromkeys(("DPipe", "ConcatWs"), (_texts,)),
    **dict.fromkeys(("Cast", "TryCast"), (_cast,)),
    **dict.fromkeys(("RegexpFullMatch", "RegexpReplace"), (_pattern,)),
    **dict.fromkeys(("FirstValue", "Lag", "Lead", "RowNumber"), (_ordered_window,)),
    **dict.fromkeys(("Replace", "Pad", "Left", "SplitPart"), (_constants,)),
    **dict.fromkeys(("Year", "Quarter", "Month"), (_day_of,)),
    "Case": (_branches,), "Literal": (_whole_literal, _no_backslash), "Count": (_count,), "Sum": (_sum,), "Split": (_split,),
    "Join": (_joined_rows,), "Explode": (_explode,), "GroupConcat": (_joined,), "Trim": (_trim,), "TimestampTrunc": (_truncated,),
    "Anonymous": (_anonymous,), "Select": (_select,), "Union": (_select,),
}
