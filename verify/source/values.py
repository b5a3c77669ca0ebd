"""Turns expressions into nodes of a `ValueGraph`, and binds what is assigned."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from .model import (
    CallShape,
    EffectKind,
    Kind,
    Narrowing,
    Proof,
)
from .packed import joined, unmarked
from .scope import Scope
from .syntax import default_values, dotted_name, literal_key, place_of, type_names
from .written import as_written

_SEQUENCES: dict[type[ast.expr], str] = {
    ast.GeneratorExp: "generator",
    ast.List: "list",
    ast.ListComp: "list",
    ast.Set: "set",
    ast.SetComp: "set",
    ast.Tuple: "tuple",
}


_AWAITED = Narrowing((), Proof.AWAITED)


class ValueBuilder(Scope):
    """Builds the nodes of one value graph from expressions, in the order in which they are computed."""

    def _evaluated(self, expression: ast.expr) -> int:
        """Walk an expression that is looked at where it stands, and return its node."""
        value = self._value(expression)
        self._effect(EffectKind.EVALUATE, None, -1, value, place_of(expression))
        return value

    def _evaluate_all(self, expressions: Iterable[ast.expr]) -> None:
        for expression in expressions:
            self._evaluated(expression)

    def _annotated(self, value: int, annotation: ast.expr, proof: Proof = Proof.DECLARED) -> int:
        place = unmarked(self.nodes[value].place)
        return self._add(Kind.NARROW, Narrowing((as_written(annotation),), proof), (value,), place)

    # -- assignment -----------------------------------------------------------------------------------------

    def _assign(self, target: ast.expr, value: int, place: int, written: ast.expr | None) -> None:
        match target:
            case ast.Name(id=name):
                if self._module_level or name in self._globals:
                    self._effect(EffectKind.STORE_GLOBAL, name, -1, value, place)
                else:
                    declared = self._declared.get(name)
                    proof = Proof.ASSIGNED
                    self._bind(name, value if declared is None else self._annotated(value, declared, proof))
            case ast.Attribute(value=base, attr=name):
                where = place_of(written) if written is not None else place
                self._effect(EffectKind.STORE_ATTR, name, self._value(base), value, joined(place, where))
                self._sets(base, name)
                path = dotted_name(target)
                if path is not None:
                    for narrowed in [p for p in self._environment if p == path or p.startswith(f"{path}.")]:
                        del self._environment[narrowed]
            case ast.Subscript(value=base, slice=index):
                key = self._key(index)
                position = self._value(index) if key is None else -1
                self._effect(EffectKind.STORE_ITEM, key, self._value(base), value, place, position)
                if key is None:
                    self._effect(EffectKind.EVALUATE, None, -1, position, place_of(index))
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                for position, element in enumerate(elements):
                    if isinstance(element, ast.Starred):
                        one = self._add(Kind.ELEMENT, None, (value,), place_of(element))
                        rest = self._add(Kind.SEQUENCE, "list", (one,), place_of(element))
                        self._assign(element.value, rest, place, None)
                    else:
                        part = self._add(Kind.UNPACK, position, (value,), place_of(element))
                        self._assign(element, part, place, None)
            case ast.Starred(value=inner):
                self._assign(inner, value, place, written)
            case _:
                self._evaluate_all([target])

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
                self._prove(subject, types, Proof.IS if holds else Proof.IS_NOT)
            case ast.Call(func=ast.Name(id="issubclass"), args=[subject, types]):
                self._prove(subject, types, Proof.SUBCLASS if holds else Proof.NOT_SUBCLASS)
            case ast.Compare(left=left, ops=[ast.Is() | ast.Eq()], comparators=[right]):
                self._compared(left, right, same=holds)
            case ast.Compare(left=left, ops=[ast.IsNot() | ast.NotEq()], comparators=[right]):
                self._compared(left, right, same=not holds)
            case _:
                pass  # other tests prove no type

    def _prove(self, subject: ast.expr, types: ast.expr, proof: Proof) -> None:
        while isinstance(subject, ast.NamedExpr):
            subject = subject.target
        path = dotted_name(subject)
        if path is not None:
            narrowing = Narrowing(tuple(type_names(types)), proof)
            value = self._value(subject)
            self._environment[path] = self._add(Kind.NARROW, narrowing, (value,), place_of(subject))

    def _compared(self, left: ast.expr, right: ast.expr, *, same: bool) -> None:
        """`type(x) is T` proves what `isinstance(x, T)` does, and of a subclass nothing; `x.kind is A` is a tag."""
        match left:
            case (
                ast.Call(func=ast.Name(id="type"), args=[subject])
                | ast.Attribute(value=subject, attr="__class__")
            ):
                if same:
                    self._prove(subject, right, Proof.IS)
            case ast.Attribute(value=subject, attr=field_name):
                self._tagged(subject, field_name, right, Proof.TAGGED if same else Proof.NOT_TAGGED)
            case _:
                pass  # other comparisons prove no type

    def _tagged(self, subject: ast.expr, field_name: str, tag: ast.expr, proof: Proof) -> None:
        """Note that a field holds one string or one member of an enumeration, or does not."""
        path = dotted_name(subject)
        member = dotted_name(tag)
        is_tag = literal_key(tag) is not None or (member is not None and "." in member)
        if is_tag and path is not None and path not in {"self", "cls"}:
            narrowing = Narrowing((field_name, as_written(tag)), proof)
            value = self._value(subject)
            self._environment[path] = self._add(Kind.NARROW, narrowing, (value,), place_of(subject))

    def _proved(self, narrowed: int, read: int) -> int:
        """Narrow what is read now as an earlier read of the same path was."""
        before = self.nodes[narrowed]
        if before.kind not in {Kind.NARROW, Kind.PHI}:
            return read
        operands = tuple([self._proved(operand, read) for operand in before.operands])
        return self._add(before.kind, before.data, operands, unmarked(self.nodes[read].place))

    # -- expressions ----------------------------------------------------------------------------------------

    def _value(self, node: ast.expr) -> int:
        if isinstance(node, ast.Name):
            return self._name(node)
        place = place_of(node)
        match node:
            case ast.Constant(value=value):
                return self._add(Kind.CONST, None if value is ... else value, (), place)
            case ast.Call():
                return self._call(node, place)
            case ast.Attribute(value=base, attr=name):
                path = dotted_name(node)
                if name == "__dict__":
                    self._sets(base, None)
                read = self._add(Kind.ATTR, name, (self._value(base),), place)
                if path is not None and path in self._environment:
                    return self._proved(self._environment[path], read)
                return read
            case ast.Subscript(value=base, slice=index):
                key = self._key(index)
                return self._add(Kind.ITEM, key, (self._value(base), self._value(index)), place)
            case ast.BinOp(left=left, op=operator, right=right):
                return self._add(
                    Kind.OP, type(operator).__name__, (self._value(left), self._value(right)), place
                )
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
                return self._add(Kind.CONST, -number, (), place)
            case ast.UnaryOp(op=operator, operand=operand):
                return self._add(Kind.OP, type(operator).__name__, (self._value(operand),), place)
            case ast.BoolOp():
                return self._boolean(node, place)
            case ast.Compare(left=left, ops=operators, comparators=comparators):
                names = tuple(type(operator).__name__ for operator in operators)
                return self._add(Kind.COMPARE, names, self._values((left, *comparators)), place)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self._conditional(test, body, orelse, place)
            case ast.Dict(keys=keys, values=values):
                return self._dict(keys, values, place)
            case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
                return self._add(Kind.SEQUENCE, _SEQUENCES[type(node)], self._values(elements), place)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                return self._comprehension(node, place)
            case ast.Lambda():
                given = default_values(node.args)
                self._evaluate_all(one for one in given if not isinstance(one, ast.Constant))
                return self._add(Kind.FUNCTION, self._definitions.nested_function(node, self), (), place)
            case ast.JoinedStr(values=values):
                return self._add(Kind.OP, "f-string", self._values(values), place)
            case ast.FormattedValue(value=value, conversion=conversion, format_spec=specification):
                inner = self._value(value)
                if conversion not in {-1, ord("s")}:
                    return self._add(Kind.OP, "repr", (inner,), place)
                if specification is None:
                    return self._add(Kind.OP, "format", (inner,), place)
                return self._add(Kind.OP, "format", (inner, self._value(specification)), place)
            case ast.Starred(value=value):
                return self._add(Kind.ELEMENT, None, (self._value(value),), place)
            case ast.Await(value=ast.Name() | ast.Attribute() | ast.Subscript() as value):
                return self._add(Kind.NARROW, _AWAITED, (self._value(value),), place)
            case ast.Await(value=value):
                return self._value(value)
            case ast.Yield(value=value):
                self.is_generator = True
                if value is not None:
                    self._effect(EffectKind.YIELD, None, -1, self._value(value), place)
                return self._add(Kind.OP, "yield", (), place)
            case ast.YieldFrom(value=value):
                self.is_generator = True
                inner_value = self._value(value)
                element = self._add(Kind.ELEMENT, None, (inner_value,), place)
                self._effect(EffectKind.YIELD, None, -1, element, place)
                return inner_value
            case ast.NamedExpr(target=target, value=value):
                stored = self._value(value)
                self._assign(target, stored, place, value)
                self._walrus.append(target.id)
                return stored
            case ast.Slice(lower=lower, upper=upper, step=step):
                parts = [part for part in (lower, upper, step) if part is not None]
                return self._add(Kind.OP, "slice", self._values(parts), place)
            case _:
                return self._add(Kind.OP, type(node).__name__, (), place)

    def _values(self, expressions: Iterable[ast.expr]) -> tuple[int, ...]:
        return tuple([self._value(one) for one in expressions])

    def _name(self, node: ast.Name) -> int:
        name = node.id
        if name in self._environment and name not in self._globals:
            return self._environment[name]  # at module level: a comprehension's own variable
        place = place_of(node)
        if name in self._locals and name not in self._globals:
            return self._add(Kind.OP, "unbound", (), place)
        if self._enclosing is not None and self._enclosing.knows(name):
            return self._add(Kind.FREE, name, (), place)
        return self._add(Kind.GLOBAL, name, (), place)

    def _boolean(self, node: ast.BoolOp, place: int) -> int:
        """`a and b`: where `b` is looked at, `a` holds; with `or` it does not.

        A constant that settles it ends it, and one that does not is never the result. Of `a and 0` nothing but
        whether it holds could come through, and that is settled: `a` is a control at most.
        """
        is_and = isinstance(node.op, ast.And)
        before, start = dict(self._environment), len(self.nodes)
        values: list[int] = []
        control: int | None = None
        settled = False
        for value in node.values:
            with self._gated(settled):
                index = self._value(value)
                self._narrow(value, holds=is_and)
            if settled:
                continue
            holds = self._truth(value)
            settled = holds is not None and holds is not is_and
            if settled and is_and and values:
                control = self._add(Kind.OP, "and", tuple(values), place)
                values = []
            if holds is not is_and or value is node.values[-1]:
                values.append(index)
        for path, index in list(self._environment.items()):
            while index >= start and self.nodes[index].kind is Kind.NARROW:
                index = self.nodes[index].operands[0]
            if index != self._environment[path]:
                self._environment[path] = index
                if "." in path and path not in before:
                    del self._environment[path]
        return self._choice("and" if is_and else "or", tuple(values), place, control)

    def _conditional(self, test: ast.expr, body: ast.expr, orelse: ast.expr, place: int) -> int:
        condition = self._value(test)
        self._effect(EffectKind.EVALUATE, None, -1, condition, place_of(test))
        constant = self._truth(test)
        before = dict(self._environment)
        values = []
        for holds, branch in ((True, body), (False, orelse)):
            self._environment = dict(before)
            self._narrow(test, holds=holds)
            dead = constant is not None and constant is not holds
            with self._guarded(condition, gated=dead):
                value = self._value(branch)
            if not dead:
                values.append(value)
        self._environment = before
        return self._choice("if", tuple(values), place, condition if constant is None else None)

    def _dict(self, keys: Sequence[ast.expr | None], values: Sequence[ast.expr], place: int) -> int:
        literal = tuple(None if key is None else self._key(key) for key in keys)
        computed = [
            self._evaluated(key) if key is not None and name is None else -1
            for key, name in zip(keys, literal, strict=True)
        ]
        operands = self._values(values)
        written = self._places(operands, values)
        if any(key >= 0 for key in computed):
            written += tuple(computed)
        return self._display(Kind.DICT, literal, operands, place, written)

    def _call(self, node: ast.Call, place: int) -> int:
        callee = self._value(node.func)
        if _names(node.func, "setattr") and len(node.args) > 2:
            self._sets(node.args[0], literal_key(node.args[1]))
        elif _names(node.func, "vars") and node.args:
            self._sets(node.args[0], None)
        starred = tuple([i for i, argument in enumerate(node.args) if isinstance(argument, ast.Starred)])
        shape = CallShape(len(node.args), tuple([keyword.arg for keyword in node.keywords]), starred)
        written = [*node.args, *[keyword.value for keyword in node.keywords]]
        operands = self._values(written)
        return self._display(Kind.CALL, shape, (callee, *operands), place, self._places(operands, written))

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, place: int
    ) -> int:
        before, bound = dict(self._environment), len(self._walrus)
        guards, gates = self._guards, self._gates
        for generator in node.generators:
            iterable = self._value(generator.iter)
            element = self._add(Kind.ELEMENT, None, (iterable,), place_of(generator.iter))
            self._assign_comprehension(generator.target, element)
            for condition in generator.ifs:
                test = self._value(condition)
                self._effect(EffectKind.EVALUATE, None, -1, test, place_of(condition))
                self._narrow(condition, holds=True)
                self._guards = (*self._guards, test)
                self._gates += self._truth(condition) is False
        key = self._evaluated(node.key) if isinstance(node, ast.DictComp) else -1
        element = self._value(node.value if isinstance(node, ast.DictComp) else node.elt)
        kept_out = self._gates > gates  # a filter that never holds
        self._gates = gates
        if isinstance(node, ast.DictComp):
            keys = () if kept_out else (self._key(node.key),)
            written: tuple[int, ...] = () if kept_out else (place_of(node.value),)
            if keys == (None,):
                written += (key,)
            result = self._display(Kind.DICT, keys, () if kept_out else (element,), place, written)
        else:
            kind = _SEQUENCES[type(node)]
            result = self._add(Kind.SEQUENCE, kind, () if kept_out else (element,), place)
        self._guards = guards
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
                    inner, self._add(Kind.UNPACK, position, (value,), place_of(element))
                )


def _names(callee: ast.expr, name: str) -> bool:
    """Whether what is called goes by a name, whoever it belongs to."""
    match callee:
        case ast.Name(id=called) | ast.Attribute(attr=called):
            return called == name
        case _:
            return False
