"""Turns the body of a function into a `ValueGraph`: locals are followed, only what leaves them remains."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from .model import (
    CallShape,
    Effect,
    EffectKind,
    Kind,
    Narrowing,
    Node,
    NodeData,
    Span,
    ValueGraph,
)

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Environment = dict[str, int]


class Definitions(Protocol):
    """Where a body hands over the functions and classes that it defines."""

    def nested_function(self, node: FunctionNode, enclosing: BodyBuilder) -> str:
        """Summarise a nested function and return its qualified name."""
        ...

    def nested_class(self, node: ast.ClassDef, enclosing: BodyBuilder) -> str:
        """Summarise a nested class and return its qualified name."""
        ...


def span_of(node: ast.AST) -> Span:
    """Return the place of a syntax node, columns counted from 1."""
    line = getattr(node, "lineno", 1)
    column = getattr(node, "col_offset", 0)
    end_line = getattr(node, "end_lineno", None)
    end_column = getattr(node, "end_col_offset", None)
    return Span(
        line,
        column + 1,
        line if end_line is None else end_line,
        column + 1 if end_column is None else end_column + 1,
    )


def dotted_name(node: ast.expr) -> str | None:
    """Return `a.b.c` for a chain of plain attributes, None for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(parts)])


class BodyBuilder:
    """Builds one value graph by walking the statements of a body in order.

    `environment` maps each local name, and each narrowed dotted path, to the node it holds at this point;
    None stands for code that cannot be reached (after a `return`).
    """

    def __init__(
        self, qualname: str, definitions: Definitions, *, module_level: bool, enclosing: BodyBuilder | None
    ) -> None:
        self.qualname = qualname
        self.graph = ValueGraph()
        self.is_generator = False
        self._definitions = definitions
        self._module_level = module_level
        self._enclosing = enclosing
        self._environment: Environment = {}
        self._dead = False
        self._guards: list[int] = []
        self._handlers = 0
        self._gates = 0
        self._globals: set[str] = set()
        self._locals: set[str] = set()
        self._loops: list[_LoopExits] = []
        self._walrus: list[str] = []

    # -- entry points -------------------------------------------------------------------------------------

    def parameters(self, names: Iterable[str], span: Span) -> None:
        """Declare the function's parameters."""
        for name in names:
            self._bind(name, self._add(Kind.PARAM, name, (), span))

    def body(self, statements: Sequence[ast.stmt]) -> None:
        """Walk a function's (or module's) statements."""
        if not self._module_level:
            self._locals |= _assigned_names(statements)
        self._statements(statements)

    def result(self, expression: ast.expr) -> None:
        """Walk a lambda's expression: its value is what the lambda returns."""
        self._effect(EffectKind.RETURN, None, -1, self._value(expression), span_of(expression))

    def knows(self, name: str) -> bool:
        """Whether `name` is a local here or in an enclosing function."""
        if name in self._locals or name in self._environment:
            return True
        return self._enclosing is not None and self._enclosing.knows(name)

    # -- graph ----------------------------------------------------------------------------------------------

    def _add(self, kind: Kind, data: NodeData, operands: Iterable[int], span: Span) -> int:
        self.graph.nodes.append(
            Node(kind, data, list(operands), span, self._handlers > 0, self._gates > 0 or self._dead)
        )
        return len(self.graph.nodes) - 1

    def _effect(self, kind: EffectKind, name: str | None, base: int, value: int, span: Span) -> None:
        self.graph.effects.append(
            Effect(
                kind,
                name,
                base,
                value,
                span,
                tuple(self._guards),
                self._handlers > 0,
                self._gates > 0 or self._dead,
            )
        )

    def _bind(self, name: str, node: int) -> None:
        for narrowed in [path for path in self._environment if path.startswith(f"{name}.")]:
            del self._environment[narrowed]
        self._environment[name] = node
        self.graph.bindings.setdefault(name, []).append(node)

    def _merge(
        self, environments: Sequence[Environment], span: Span, *, control: int | None = None
    ) -> Environment:
        """Join what branches leave behind; `control` is the test that chose between them."""
        if not environments:
            return dict(self._environment)
        merged: Environment = {}
        for name in dict.fromkeys(name for environment in environments for name in environment):
            values = list(dict.fromkeys(env[name] for env in environments if name in env))
            if "." in name and (len(values) > 1 or any(name not in env for env in environments)):
                continue  # a narrowing that holds in one branch only
            merged[name] = values[0] if len(values) == 1 else self._add(Kind.PHI, None, values, span)
            if len(values) > 1:
                self.graph.nodes[merged[name]].control = control
        return merged

    # -- statements -----------------------------------------------------------------------------------------

    def _statements(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Expr(value=value):
                self._effect(EffectKind.EVALUATE, None, -1, self._value(value), span_of(node))
            case ast.Assign(targets=targets, value=value):
                stored = self._value(value)
                for target in targets:
                    self._assign(target, stored, span_of(node), value)
            case ast.AnnAssign(target=target, value=value, annotation=annotation):
                if value is not None:
                    stored = self._annotated(self._value(value), annotation)
                    self._assign(target, stored, span_of(node), value)
            case ast.AugAssign(target=target, op=operator, value=value):
                self._augmented(target, operator, value, span_of(node))
            case ast.Return(value=value):
                if value is not None:
                    self._effect(EffectKind.RETURN, None, -1, self._value(value), span_of(value))
                self._dead = True
            case ast.If():
                self._if(node)
            case ast.For() | ast.AsyncFor():
                self._for(node)
            case ast.While():
                self._while(node)
            case ast.Try() | ast.TryStar():
                self._try(node)
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    manager = self._value(item.context_expr)
                    entered = self._add(Kind.ENTER, None, (manager,), span_of(item.context_expr))
                    if item.optional_vars is not None:
                        self._assign(item.optional_vars, entered, span_of(item.context_expr), None)
                    else:
                        self._effect(EffectKind.EVALUATE, None, -1, entered, span_of(item.context_expr))
                self._statements(node.body)
            case ast.Match():
                self._match(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._evaluate_all([*node.decorator_list, *_default_values(node.args)])
                if not self._module_level:
                    qualname = self._definitions.nested_function(node, self)
                    self._bind(node.name, self._add(Kind.FUNCTION, qualname, (), span_of(node)))
                    self._rebound(node, qualname)
            case ast.ClassDef():
                self._evaluate_all([*node.decorator_list, *node.bases, *(k.value for k in node.keywords)])
                if not self._module_level:
                    qualname = self._definitions.nested_class(node, self)
                    self._bind(node.name, self._add(Kind.FUNCTION, qualname, (), span_of(node)))
            case ast.Raise(exc=exception, cause=cause):
                self._evaluate_all(part for part in (exception, cause) if part is not None)
                self._dead = True
            case ast.Assert(test=test, msg=message):
                self._evaluate_all(part for part in (test, message) if part is not None)
                self._narrow(test, holds=True)
            case ast.Delete(targets=targets):
                for target in targets:
                    if isinstance(target, ast.Subscript | ast.Attribute):
                        self._evaluate_all([target.value])
            case ast.Global(names=names):
                self._globals |= set(names)
            case ast.Nonlocal(names=names):
                self._locals -= set(names)
            case ast.Break() | ast.Continue():
                if self._loops and not self._dead:
                    exits = self._loops[-1]
                    left = exits.breaks if isinstance(node, ast.Break) else exits.continues
                    left.append(dict(self._environment))
                self._dead = True
            case _:
                pass  # imports, pass: collected per module, or without a value

    def _rebound(self, node: ast.FunctionDef | ast.AsyncFunctionDef, qualname: str) -> None:
        """From here on a name that a nested function sets may hold what it was given there."""
        for statement in ast.walk(node):
            if not isinstance(statement, ast.Nonlocal):
                continue
            for name in statement.names:
                if name in self._environment:
                    given = self._add(Kind.REBOUND, (qualname, name), (), span_of(statement))
                    either = (self._environment[name], given)
                    self._bind(name, self._add(Kind.PHI, None, either, span_of(statement)))

    def _evaluate_all(self, expressions: Iterable[ast.expr]) -> None:
        for expression in expressions:
            self._effect(EffectKind.EVALUATE, None, -1, self._value(expression), span_of(expression))

    def _annotated(self, value: int, annotation: ast.expr) -> int:
        span = self.graph.nodes[value].span
        return self._add(Kind.NARROW, Narrowing((f": {ast.unparse(annotation)}",), True), (value,), span)

    def _assign(self, target: ast.expr, value: int, span: Span, written: ast.expr | None) -> None:
        match target:
            case ast.Name(id=name):
                if self._module_level or name in self._globals:
                    self._effect(EffectKind.STORE_GLOBAL, name, -1, value, span)
                else:
                    self._bind(name, value)
            case ast.Attribute(value=base, attr=name):
                where = span_of(written) if written is not None else span
                self._effect(EffectKind.STORE_ATTR, name, self._value(base), value, _joined(span, where))
                path = dotted_name(target)
                if path is not None:
                    for narrowed in [p for p in self._environment if p == path or p.startswith(f"{path}.")]:
                        del self._environment[narrowed]
            case ast.Subscript(value=base, slice=index):
                key = _literal_key(index)
                self._effect(EffectKind.STORE_ITEM, key, self._value(base), value, span)
                if key is None:
                    self._evaluate_all([index])
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                for position, element in enumerate(elements):
                    if isinstance(element, ast.Starred):
                        one = self._add(Kind.ELEMENT, None, (value,), span_of(element))
                        rest = self._add(Kind.SEQUENCE, "list", (one,), span_of(element))
                        self._assign(element.value, rest, span, None)
                    else:
                        part = self._add(Kind.UNPACK, position, (value,), span_of(element))
                        self._assign(element, part, span, None)
            case ast.Starred(value=inner):
                self._assign(inner, value, span, written)
            case _:
                self._evaluate_all([target])

    def _augmented(self, target: ast.expr, operator: ast.operator, value: ast.expr, span: Span) -> None:
        before = self._value(target)
        added = self._value(value)
        result = self._add(Kind.OP, type(operator).__name__, (before, added), span)
        self._assign(target, result, span, None)

    def _if(self, node: ast.If) -> None:
        test = self._value(node.test)
        self._effect(EffectKind.EVALUATE, None, -1, test, span_of(node.test))
        constant = _constant_truth(node.test)
        before, dead_before = dict(self._environment), self._dead
        ends: list[Environment] = []
        for holds, branch in ((True, node.body), (False, node.orelse)):
            self._environment, self._dead = dict(before), dead_before
            self._narrow(node.test, holds=holds)
            with self._guarded(test, gated=constant is not None and constant is not holds):
                self._statements(branch)
            if not self._dead and constant is not (not holds):
                ends.append(self._environment)
        self._dead = not ends
        self._environment = self._merge(ends, span_of(node), control=test) if ends else before

    @contextmanager
    def _guarded(self, test: int, *, gated: bool = False) -> Iterator[None]:
        self._guards.append(test)
        self._gates += gated
        try:
            yield
        finally:
            self._guards.pop()
            self._gates -= gated

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        iterable = self._value(node.iter)

        def loop() -> None:
            element = self._add(Kind.ELEMENT, None, (iterable,), span_of(node.iter))
            self._assign(node.target, element, span_of(node.target), None)
            self._statements(node.body)

        self._loop(node, [node.target], loop)

    def _while(self, node: ast.While) -> None:
        def loop() -> None:
            test = self._value(node.test)
            self._effect(EffectKind.EVALUATE, None, -1, test, span_of(node.test))
            self._narrow(node.test, holds=True)
            with self._guarded(test, gated=_constant_truth(node.test) is False):
                self._statements(node.body)

        self._loop(node, [], loop)

    def _loop(self, node: ast.For | ast.AsyncFor | ast.While, targets: list[ast.expr], walk: _Walk) -> None:
        """Walk a loop's body once; what it assigns is a PHI of before and after, feeding itself.

        Values also leave the body by `continue`, which feeds the PHI, and by `break`, which skips `else`.
        """
        span = span_of(node)
        before = dict(self._environment)
        assigned = _assigned_names(node.body)
        for target in targets:
            assigned |= {n.id for n in ast.walk(target) if isinstance(n, ast.Name)}
        phis: dict[str, int] = {}
        for name in sorted(assigned):
            if name in before:
                phis[name] = self._add(Kind.PHI, None, (before[name],), span)
                self._environment[name] = phis[name]
        dead_before = self._dead
        exits = _LoopExits([], [])
        self._loops.append(exits)
        walk()
        self._loops.pop()
        rounds = [*exits.continues, *([] if self._dead else [self._environment])]
        self._dead = dead_before
        for name, phi in phis.items():
            fed = self.graph.nodes[phi].operands
            fed.extend(dict.fromkeys(end[name] for end in rounds if name in end and end[name] != phi))
        self._environment = self._merge([before | phis, *({**end, **phis} for end in rounds)], span)
        self._statements(node.orelse)
        ends = [*([] if self._dead else [self._environment]), *exits.breaks]
        if exits.breaks:
            self._dead = dead_before
            self._environment = self._merge(ends, span)
        elif isinstance(node, ast.While) and _constant_truth(node.test):
            self._dead = True

    def _try(self, node: ast.Try | ast.TryStar) -> None:
        before, dead_before = dict(self._environment), self._dead
        self._statements(node.body)
        self._statements(node.orelse)
        ends: list[Environment] = [] if self._dead else [self._environment]
        interrupted = self._merge([before, self._environment], span_of(node))
        for handler in node.handlers:
            self._environment, self._dead = dict(interrupted), dead_before
            if handler.type is not None:
                self._evaluate_all([handler.type])
            self._handlers += 1
            if handler.name:
                caught = self._add(Kind.OP, "except", (), span_of(handler))
                if handler.type is not None:
                    caught = self._annotated(caught, handler.type)
                self._bind(handler.name, caught)
            self._statements(handler.body)
            self._handlers -= 1
            if not self._dead:
                ends.append(self._environment)
        self._environment = self._merge(ends, span_of(node)) if ends else interrupted
        self._dead = dead_before
        self._statements(node.finalbody)
        self._dead = self._dead or not ends

    def _match(self, node: ast.Match) -> None:
        subject = self._value(node.subject)
        self._effect(EffectKind.EVALUATE, None, -1, subject, span_of(node.subject))
        before, dead_before = dict(self._environment), self._dead
        ends: list[Environment] = []
        path = dotted_name(node.subject)
        exhaustive = False
        for case in node.cases:
            self._environment, self._dead = dict(before), dead_before
            narrowed = self._pattern(case.pattern, subject)
            if path is not None and narrowed != subject:
                self._environment[path] = narrowed
            if case.guard is not None:
                self._evaluate_all([case.guard])
            with self._guarded(subject):
                self._statements(case.body)
            if not self._dead:
                ends.append(self._environment)
            if case.guard is None and isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None:
                exhaustive = True
        if not exhaustive:
            ends.append(before)
        self._dead = not ends
        self._environment = self._merge(ends, span_of(node), control=subject) if ends else before

    def _pattern(self, pattern: ast.pattern, subject: int) -> int:
        """Bind a pattern's names; return the subject as the pattern narrows it."""
        span = span_of(pattern)
        match pattern:
            case ast.MatchAs(pattern=inner, name=name):
                value = subject if inner is None else self._pattern(inner, subject)
                if name is not None:
                    self._bind(name, value)
                return value
            case ast.MatchClass(cls=cls, patterns=_, kwd_attrs=names, kwd_patterns=patterns):
                written = ast.unparse(cls)
                value = self._add(Kind.NARROW, Narrowing((written,), True), (subject,), span)
                for name, inner in zip(names, patterns, strict=True):
                    self._pattern(inner, self._add(Kind.ATTR, name, (value,), span_of(inner)))
                for position, inner in enumerate(pattern.patterns):
                    self._pattern(inner, self._add(Kind.UNPACK, position, (value,), span_of(inner)))
                return value
            case ast.MatchOr(patterns=patterns):
                narrowed = [self._pattern(inner, subject) for inner in patterns]
                return self._add(Kind.PHI, None, narrowed, span)
            case ast.MatchSequence(patterns=patterns):
                for position, inner in enumerate(patterns):
                    self._pattern(inner, self._add(Kind.UNPACK, position, (subject,), span_of(inner)))
            case ast.MatchMapping(keys=keys, patterns=patterns, rest=rest):
                for key, inner in zip(keys, patterns, strict=True):
                    item = self._add(Kind.ITEM, _literal_key(key), (subject, subject), span_of(inner))
                    self._pattern(inner, item)
                if rest is not None:
                    self._bind(rest, subject)
            case ast.MatchStar(name=name) if name is not None:
                self._bind(name, subject)
            case _:
                pass  # values and singletons bind nothing
        return subject

    # -- narrowing ------------------------------------------------------------------------------------------

    def _narrow(self, test: ast.expr, *, holds: bool) -> None:
        match test:
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                self._narrow(operand, holds=not holds)
            case ast.BoolOp(op=ast.And(), values=values) if holds:
                for value in values:
                    self._narrow(value, holds=True)
            case ast.BoolOp(op=ast.Or(), values=values) if not holds:
                for value in values:
                    self._narrow(value, holds=False)
            case ast.Call(func=ast.Name(id="isinstance"), args=[subject, types]):
                path = dotted_name(subject)
                if path is None:
                    return
                narrowing = Narrowing(tuple(_type_names(types)), holds)
                narrowed = self._add(Kind.NARROW, narrowing, (self._value(subject),), span_of(test))
                self._environment[path] = narrowed
            case _:
                pass  # other tests prove no type

    # -- expressions ----------------------------------------------------------------------------------------

    def _value(self, node: ast.expr) -> int:
        span = span_of(node)
        match node:
            case ast.Constant(value=value):
                return self._add(Kind.CONST, None if value is ... else value, (), span)
            case ast.Name(id=name):
                return self._name(name, span)
            case ast.Attribute(value=base, attr=name):
                path = dotted_name(node)
                if path is not None and path in self._environment:
                    return self._environment[path]
                return self._add(Kind.ATTR, name, (self._value(base),), span)
            case ast.Subscript(value=base, slice=index):
                key = _literal_key(index)
                return self._add(Kind.ITEM, key, (self._value(base), self._value(index)), span)
            case ast.Call():
                return self._call(node, span)
            case ast.BinOp(left=left, op=operator, right=right):
                return self._add(
                    Kind.OP, type(operator).__name__, (self._value(left), self._value(right)), span
                )
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
                return self._add(Kind.CONST, -number, (), span)
            case ast.UnaryOp(op=operator, operand=operand):
                return self._add(Kind.OP, type(operator).__name__, (self._value(operand),), span)
            case ast.BoolOp():
                return self._boolean(node, span)
            case ast.Compare(left=left, ops=operators, comparators=comparators):
                names = tuple(type(operator).__name__ for operator in operators)
                return self._add(Kind.COMPARE, names, map(self._value, (left, *comparators)), span)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self._conditional(test, body, orelse, span)
            case ast.Dict(keys=keys, values=values):
                return self._dict(keys, values, span)
            case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
                return self._add(Kind.SEQUENCE, type(node).__name__.lower(), map(self._value, elements), span)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                return self._comprehension(node, span)
            case ast.Lambda():
                return self._add(Kind.FUNCTION, self._definitions.nested_function(node, self), (), span)
            case ast.JoinedStr(values=values):
                return self._add(Kind.OP, "f-string", map(self._value, values), span)
            case ast.FormattedValue(value=value, format_spec=specification):
                inner = [self._value(value)]
                if specification is not None:
                    inner.append(self._value(specification))
                return self._add(Kind.OP, "format", inner, span)
            case ast.Starred(value=value):
                return self._add(Kind.ELEMENT, None, (self._value(value),), span)
            case ast.Await(value=value):
                return self._value(value)
            case ast.Yield(value=value):
                self.is_generator = True
                if value is not None:
                    self._effect(EffectKind.YIELD, None, -1, self._value(value), span)
                return self._add(Kind.OP, "yield", (), span)
            case ast.YieldFrom(value=value):
                self.is_generator = True
                inner_value = self._value(value)
                element = self._add(Kind.ELEMENT, None, (inner_value,), span)
                self._effect(EffectKind.YIELD, None, -1, element, span)
                return inner_value
            case ast.NamedExpr(target=target, value=value):
                stored = self._value(value)
                self._assign(target, stored, span, value)
                self._walrus.append(target.id)
                return stored
            case ast.Slice(lower=lower, upper=upper, step=step):
                parts = [self._value(part) for part in (lower, upper, step) if part is not None]
                return self._add(Kind.OP, "slice", parts, span)
            case _:
                return self._add(Kind.OP, type(node).__name__, (), span)

    def _name(self, name: str, span: Span) -> int:
        if name in self._environment and name not in self._globals:
            return self._environment[name]  # at module level: a comprehension's own variable
        if name in self._locals and name not in self._globals:
            return self._add(Kind.OP, "unbound", (), span)
        if self._enclosing is not None and self._enclosing.knows(name):
            return self._add(Kind.FREE, name, (), span)
        return self._add(Kind.GLOBAL, name, (), span)

    def _boolean(self, node: ast.BoolOp, span: Span) -> int:
        """`a and b`: where `b` is looked at, `a` holds; with `or` it does not."""
        is_and = isinstance(node.op, ast.And)
        before, start = dict(self._environment), len(self.graph.nodes)
        values: list[int] = []
        for value in node.values:
            values.append(self._value(value))
            self._narrow(value, holds=is_and)
        for path, index in list(self._environment.items()):
            while index >= start and self.graph.nodes[index].kind is Kind.NARROW:
                index = self.graph.nodes[index].operands[0]
            if index != self._environment[path]:
                self._environment[path] = index
                if "." in path and path not in before:
                    del self._environment[path]
        return self._add(Kind.PHI, "and" if is_and else "or", values, span)

    def _conditional(self, test: ast.expr, body: ast.expr, orelse: ast.expr, span: Span) -> int:
        condition = self._value(test)
        self._effect(EffectKind.EVALUATE, None, -1, condition, span_of(test))
        before = dict(self._environment)
        values = []
        for holds, branch in ((True, body), (False, orelse)):
            self._environment = dict(before)
            self._narrow(test, holds=holds)
            with self._guarded(condition):
                values.append(self._value(branch))
        self._environment = before
        chosen = self._add(Kind.PHI, "if", values, span)
        self.graph.nodes[chosen].control = condition
        return chosen

    def _dict(self, keys: Sequence[ast.expr | None], values: Sequence[ast.expr], span: Span) -> int:
        literal = tuple(None if key is None else _literal_key(key) for key in keys)
        self._evaluate_all(key for key in keys if key is not None and _literal_key(key) is None)
        result = self._add(Kind.DICT, literal, map(self._value, values), span)
        self.graph.nodes[result].parts = tuple(span_of(value) for value in values)
        return result

    def _call(self, node: ast.Call, span: Span) -> int:
        callee = self._value(node.func)
        positional = [self._value(argument) for argument in node.args]
        starred = tuple(i for i, argument in enumerate(node.args) if isinstance(argument, ast.Starred))
        keywords = [self._value(keyword.value) for keyword in node.keywords]
        shape = CallShape(len(positional), tuple(keyword.arg for keyword in node.keywords), starred)
        index = self._add(Kind.CALL, shape, (callee, *positional, *keywords), span)
        written = [*node.args, *(keyword.value for keyword in node.keywords)]
        self.graph.nodes[index].parts = tuple(span_of(argument) for argument in written)
        return index

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, span: Span
    ) -> int:
        before, bound = dict(self._environment), len(self._walrus)
        guards = 0
        for generator in node.generators:
            iterable = self._value(generator.iter)
            element = self._add(Kind.ELEMENT, None, (iterable,), span_of(generator.iter))
            self._assign_comprehension(generator.target, element)
            for condition in generator.ifs:
                test = self._value(condition)
                self._effect(EffectKind.EVALUATE, None, -1, test, span_of(condition))
                self._narrow(condition, holds=True)
                self._guards.append(test)
                guards += 1
        if isinstance(node, ast.DictComp):
            self._evaluate_all([node.key])
            result = self._add(Kind.DICT, (_literal_key(node.key),), (self._value(node.value),), span)
            self.graph.nodes[result].parts = (span_of(node.value),)
        else:
            kind = {ast.ListComp: "list", ast.SetComp: "set"}.get(type(node), "generator")
            result = self._add(Kind.SEQUENCE, kind, (self._value(node.elt),), span)
        if guards:
            del self._guards[-guards:]
        kept = {name: self._environment[name] for name in self._walrus[bound:] if name in self._environment}
        self._environment = before | kept  # `:=` binds outside the comprehension
        return result

    def _assign_comprehension(self, target: ast.expr, value: int) -> None:
        """Bind a comprehension's variables, which are local to it even at module level."""
        if isinstance(target, ast.Name):
            self._environment[target.id] = value
        elif isinstance(target, ast.Tuple | ast.List):
            for position, element in enumerate(target.elts):
                inner = element.value if isinstance(element, ast.Starred) else element
                self._assign_comprehension(
                    inner, self._add(Kind.UNPACK, position, (value,), span_of(element))
                )


@dataclass(slots=True)
class _LoopExits:
    """What the locals hold where a loop's body is left early."""

    breaks: list[Environment]
    continues: list[Environment]


class _Walk(Protocol):
    def __call__(self) -> None: ...


def _joined(first: Span, last: Span) -> Span:
    return Span(first.line, first.column, last.end_line, last.end_column)


def _literal_key(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _type_names(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Tuple(elts=elements):
            for element in elements:
                yield from _type_names(element)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            yield from _type_names(left)
            yield from _type_names(right)
        case _:
            yield ast.unparse(node)


def _constant_truth(test: ast.expr) -> bool | None:
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = _constant_truth(test.operand)
        return None if inner is None else not inner
    if isinstance(test, ast.BoolOp):
        decides = isinstance(test.op, ast.Or)  # one such value settles it
        parts = [_constant_truth(value) for value in test.values]
        if decides in parts:
            return decides
        return None if None in parts else not decides
    return None


def _default_values(arguments: ast.arguments) -> list[ast.expr]:
    return [default for default in (*arguments.defaults, *arguments.kw_defaults) if default is not None]


def statements_in(body: Iterable[ast.stmt], *, nested: bool) -> Iterator[ast.stmt]:
    """Yield every statement of a body, those under other statements included.

    With `nested` the bodies of functions and classes are entered too.
    """
    pending = list(body)
    while pending:
        statement = pending.pop()
        yield statement
        if not nested and isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for name in ("body", "orelse", "finalbody"):
            pending.extend(getattr(statement, name, ()))
        for block in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
            pending.extend(block.body)


def _assigned_names(statements: Sequence[ast.stmt]) -> set[str]:
    """Return the names that these statements bind, not looking into nested functions and classes.

    A name bound inside an expression (`:=`) is not among them: it is known from where it is bound.
    """
    names: set[str] = set()
    targets: list[ast.AST] = []
    for statement in statements_in(statements, nested=False):
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Assign(targets=found) | ast.Delete(targets=found):
                targets.extend(found)
            case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
                targets.append(target)
            case ast.For(target=target) | ast.AsyncFor(target=target):
                targets.append(target)
            case ast.With(items=items) | ast.AsyncWith(items=items):
                targets.extend(item.optional_vars for item in items if item.optional_vars is not None)
            case ast.Try(handlers=handlers) | ast.TryStar(handlers=handlers):
                names.update(handler.name for handler in handlers if handler.name is not None)
            case ast.Match(cases=cases):
                targets.extend(case.pattern for case in cases)
            case _:
                pass  # binds nothing itself; imports are collected per module
    for bound in targets:
        for node in [bound] if isinstance(bound, ast.Name) else ast.walk(bound):
            match node:
                case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                    names.add(name)
                case ast.MatchAs(name=str(capture)) | ast.MatchStar(name=str(capture)):
                    names.add(capture)
                case ast.MatchMapping(rest=str(capture)):
                    names.add(capture)
                case _:
                    pass  # part of a target that binds nothing
    return names
