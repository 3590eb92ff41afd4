"""A model as Spark reads it: the same SELECT, with the few spellings changed that mean something else there.

tests/test_portable.py keeps the models inside what is translated here, and tests/test_spark.py compares the tables.
Types decide some spellings (a day minus a day is a number here and an interval there), so every column is resolved first.
"""

import re

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

# Whole numbers of any width and texts; DuckDB adds up in a type that Spark does not have.
SPARK_TYPE = {"VARCHAR": "STRING", "INTEGER": "INT", "HUGEINT": "BIGINT", "TIMESTAMP": "TIMESTAMP_NTZ"}

UNKNOWN = (exp.DataType.Type.UNKNOWN, exp.DataType.Type.NULL)


def readable(shapes):
    """{schema: {table: {column: type}}} of what models may read, types as DuckDB calls them."""
    return MappingSchema(shapes, dialect="duckdb")


def resolved(text, schema):
    """The SELECT with every column named, every star written out and every type known."""
    tree = sqlglot.parse_one(text, read="duckdb")
    tree = qualify(tree, schema=schema, dialect="duckdb", quote_identifiers=False, identify=False)
    tree = annotate_types(tree, schema=schema, dialect="duckdb")
    for node in reversed(list(tree.find_all(exp.Sub))):  # the inner ones first
        if _is_day(node.left) and _is_day(node.right):
            node.replace(exp.DateDiff(this=node.left, expression=node.right))
    return annotate_types(tree, schema=schema, dialect="duckdb")


def _is_day(node):
    return node.unnest().is_type("date")


def translate(text, schema):
    """The model's SELECT for Spark."""
    tree = resolved(text, schema)
    for union in list(tree.find_all(exp.Union)):
        _by_name(union)
    # From the leaves up: what stands inside a changed spelling is changed already.
    for node in reversed(list(tree.walk())):
        node.comments = None
        changed = CHANGES.get(type(node), _same)(node)
        if changed is not node:
            node.replace(changed)
    return tree.sql("spark", pretty=True)


def view(schema, table):
    """Views of the session have no schema, and nothing is left in a cluster's catalog."""
    return f"{schema}__{table}"


def _same(node):
    return node


def _table(node):
    if node.db:
        return exp.to_table(view(node.db, node.name)).as_(node.alias or node.name, table=True)
    return node


def _trim(node):
    return _ours("trim", node.this)


def _upper(node):
    return _ours("upper", node.this)


def _lower(node):
    return _ours("lower", node.this)


def _read(node):
    """Texts that may not be what they should be: what either engine takes for a number or a time differs."""
    kind = next((name for name, of in {"date": "DATE", "integer": "INT", "double": "DOUBLE"}.items() if node.to.is_type(of)), "instant")
    return _ours(f"read_{kind}", node.this)


def _in_zone(node):
    """timezone(zone, timezone('UTC', instant)): the clock at the site when it is that instant in UTC."""
    if node.name != "timezone":
        return node
    zone, instant = node.expressions
    if isinstance(instant, exp.Anonymous) and instant.name == "timezone":
        return _ours("clock_in", zone, instant.expressions[1])
    return node


def _matches_whole(node):
    """Java's ^ and $ let a line's end pass, and its dot stops at more of them: (?d) and the bounds of the input do not."""
    pattern = rf"(?d)\A(?:{_literal(node.expression)})\z"
    return exp.RegexpLike(this=node.this, expression=exp.Literal.string(pattern))


def _replaces_end(node):
    pattern = "(?d)" + re.sub(r"\$$", r"\\z", _literal(node.expression))
    return exp.RegexpReplace(this=node.this, expression=exp.Literal.string(pattern), replacement=node.args["replacement"])


def _literal(node):
    """Patterns are written out, in pieces where they are long."""
    if isinstance(node, exp.DPipe):
        return _literal(node.left) + _literal(node.right)
    return node.name


def _joined(node):
    """string_agg(distinct x, s order by x). Spark's own cannot stand beside another distinct count; none of nothing is null."""
    if isinstance(node.parent, exp.Window):
        return node
    (one,) = node.this.find(exp.Distinct).expressions
    found = _call("ARRAY_SORT", _call("COLLECT_SET", one))
    return _unless_none(exp.Count(this=one.copy()), _call("ARRAY_JOIN", found, node.args["separator"]))


def _joined_so_far(node):
    """string_agg(x, s) over rows in an order."""
    if not isinstance(node.this, exp.GroupConcat):
        return node
    one, separator = node.this.this, node.this.args["separator"]
    counted, collected = node.copy(), node.copy()
    counted.set("this", exp.Count(this=one.copy()))
    collected.set("this", _call("COLLECT_LIST", one.copy()))
    return _unless_none(counted, _call("ARRAY_JOIN", collected, separator.copy()))


def _unless_none(counted, joined):
    return exp.Case().when(exp.GT(this=counted, expression=exp.Literal.number(0)), joined)


def _call(name, *given):
    return exp.Anonymous(this=name, expressions=list(given))


def _ours(name, *given):
    return _call(f"audit_{name}", *given)


def _by_name(union):
    """Spark's SQL knows unions by place only: what an arm lacks is written out as a null of the others' type."""
    if not union.args.get("by_name"):
        return
    arms = list(_arms(union))
    types = {}
    for each in (column for arm in arms for column in arm.selects):
        if types.get(each.alias_or_name) in (None, *UNKNOWN):
            types[each.alias_or_name] = each.type and each.type.this
    for arm in arms:
        given = {each.alias_or_name: each for each in arm.selects}
        arm.set("expressions", [given.get(name) or _null(kind).as_(name) for name, kind in types.items()])
    for each in [union, *union.find_all(exp.Union)]:
        each.set("by_name", False)


def _null(kind):
    return exp.null() if kind in (None, *UNKNOWN) else exp.cast(exp.null(), kind)


def _arms(query):
    if isinstance(query, exp.Union):
        yield from _arms(query.left)
        yield from _arms(query.right)
    else:
        yield query


CHANGES = {
    exp.Table: _table,
    exp.Trim: _trim,
    exp.Upper: _upper,
    exp.Lower: _lower,
    exp.TryCast: _read,
    exp.Anonymous: _in_zone,
    exp.RegexpFullMatch: _matches_whole,
    exp.RegexpReplace: _replaces_end,
    exp.GroupConcat: _joined,
    exp.Window: _joined_so_far,
}
