"""Mutants of a learner's answer: its source with one small mistake each, in the order of the source.

The mistakes are those that people make: another comparison or operator, off by one, a sign, an axis, min for max, a
forgotten factor, bound, step or line. Signatures stay as they are, because the exercise gives them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

OPERATORS = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,), ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult, ast.FloorDiv), ast.FloorDiv: (ast.Div,), ast.Mod: (ast.FloorDiv,), ast.Pow: (ast.Mult,),
    ast.MatMult: (ast.Mult,), ast.And: (ast.Or,), ast.Or: (ast.And,), ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,), ast.BitXor: (ast.BitOr,),
}  # fmt: skip
PAIRS = ("argmax argmin", "max min", "maximum minimum", "sum mean", "any all", "zeros ones", "zeros_like ones_like",
         "floor ceil", "nansum nanmean", "nanmax nanmin", "exp log")  # fmt: skip
SWAPPED = dict(pair for one, two in map(str.split, PAIRS) for pair in ((one, two), (two, one)))
ORDER_IS_FREE = {"add", "array_equal", "isinstance", "max", "maximum", "min", "minimum", "multiply", "print"}
COMMUTATIVE = (ast.Add, ast.Mult, ast.BitAnd, ast.BitOr, ast.BitXor)
GIVEN = {"annotation", "args", "decorator_list", "returns", "type_params"}  # of a function: not the learner's to write
KEPT = (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Pass)


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """Yield (the line with its mistake, the whole mutated source); no two sources say the same."""
    tree = ast.parse(source)
    seen = {ast.dump(tree)}
    for holder, field, index, statement in slots(tree, ast.stmt):
        around = [(holder, field, index, statement, statement_changes(statement))]
        around += [(*slot, changes(slot[-1])) for slot in slots(statement, ast.expr)]
        for parent, key, place, old, news in around:
            for new in news:
                put(parent, key, place, new)
                text, said = ast.unparse(tree), ast.unparse(new if old is statement else statement).splitlines()[0]
                put(parent, key, place, old)
                if (dump := ast.dump(ast.parse(text))) not in seen:
                    seen.add(dump)
                    yield f"line {statement.lineno}: {'deleted' if said == 'pass' else said}", text


def slots(node: ast.AST, kind: type) -> Iterator[tuple]:
    """Yield (parent, field, index or None, child) for all statements, or for what one statement's own line holds."""
    for field, value in ast.iter_fields(node):
        if isinstance(node, (ast.FunctionDef, ast.AnnAssign, ast.Lambda)) and field in GIVEN or is_number(node):
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(child, ast.AST) or is_docstring(child):
                continue
            if isinstance(child, ast.stmt) == (kind is ast.stmt):
                yield node, field, index, child
                yield from slots(child, kind)


def put(parent: ast.AST, field: str, index: int | None, node: ast.AST) -> None:
    """Place the node where `slots` found another."""
    if index is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[index] = node


def is_docstring(node) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def is_number(node) -> bool:
    """Whether the node is a number as written, its sign included."""
    node = node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else node
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def statement_changes(node: ast.stmt) -> Iterator[ast.stmt]:
    """Yield what could stand in place of a statement."""
    if isinstance(node, (ast.Return, ast.Assign)) and node.value is not None and not is_number(node.value):
        yield type(node)(**dict(ast.iter_fields(node)) | {"value": ast.UnaryOp(ast.USub(), node.value)}, lineno=0)
    if isinstance(node, ast.AugAssign):
        yield ast.Assign([node.target], node.value, lineno=0)
    if isinstance(node, (ast.If, ast.While)):
        yield type(node)(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
    if isinstance(node, (ast.Break, ast.Continue)):
        yield ast.Break() if isinstance(node, ast.Continue) else ast.Continue()
    if not isinstance(node, KEPT):
        yield ast.Pass()


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what could stand in place of an operator or an expression."""
    yield from (other() for other in OPERATORS.get(type(node), ()))
    if is_number(node):
        yield from numbers(ast.literal_eval(node))
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.BinOp):
        yield from (node.left, node.right)
        if not isinstance(node.op, COMMUTATIVE):
            yield ast.BinOp(node.right, node.op, node.left)
    elif isinstance(node, ast.BoolOp):
        yield from node.values
    elif isinstance(node, ast.IfExp):
        yield ast.IfExp(node.test, node.orelse, node.body)
    elif isinstance(node, ast.comprehension) and node.ifs:
        yield ast.comprehension(node.target, node.iter, [], node.is_async)
    elif isinstance(node, ast.Attribute) and node.attr == "T":
        yield node.value
    elif isinstance(node, ast.Slice):
        yield from (ast.Slice(*bounds) for bounds in off_by_one([node.lower, node.upper, node.step], drop=True))
    elif isinstance(node, ast.Call):
        yield from calls(node)


def numbers(value: int | float) -> Iterator[ast.expr]:
    """Yield the numbers that are easily written instead."""
    others = (value + 1, value - 1, -value) + ((2 * value, 0.0) if isinstance(value, float) else ())
    yield from (ast.parse(repr(round(other, 12)), mode="eval").body for other in others)


def off_by_one(bounds: list, drop: bool = False) -> Iterator[list]:
    """Yield the bounds with one of them one more, one less, or left out; `numbers` sees to those that are numbers."""
    for place, bound in enumerate(bounds):
        if not (bound is None or is_number(bound) or isinstance(bound, ast.Starred)):
            others = [ast.BinOp(bound, op(), ast.Constant(1)) for op in (ast.Add, ast.Sub)] + [None] * drop
            yield from (bounds[:place] + [other] + bounds[place + 1:] for other in others)


def calls(node: ast.Call) -> Iterator[ast.expr]:
    """Yield calls of a sister function, with arguments swapped or off by one, without an axis, or not made at all."""
    args, func = node.args, node.func
    name = getattr(func, "attr", getattr(func, "id", ""))
    if name in SWAPPED:
        sister = ast.Attribute(func.value, SWAPPED[name]) if hasattr(func, "attr") else ast.Name(SWAPPED[name])
        yield ast.Call(sister, args, node.keywords)
    if name not in ORDER_IS_FREE:
        yield from (ast.Call(func, args[:i] + [args[i + 1], args[i]] + args[i + 2:], node.keywords)
                    for i in range(len(args) - 1))
    if name in ("range", "arange"):
        yield from (ast.Call(func, bounds, node.keywords) for bounds in off_by_one(args))
    yield from (ast.Call(func, args, [other for other in node.keywords if other is not keyword])
                for keyword in node.keywords if keyword.arg == "axis")
    if len(args) == 1 and not isinstance(args[0], ast.Starred):
        yield args[0]
    elif name == "copy" and not args and hasattr(func, "attr"):
        yield func.value
