"""Turns the body of a function into a `ValueGraph`: locals are followed, only what leaves them remains."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from .constants import given_once, swallows
from .model import EffectKind, Kind, Narrowing, Proof
from .overwritten import StraightLine
from .overwritten_entries import AnyMappings
from .overwritten_keys import NewMappings, used_later
from .patterns import PatternBuilder, whole_classes
from .scope import Definitions, Environment, Scope
from .syntax import assigned_names, default_values, dotted_name, place_of, statements_in
from .walking import walk
from .written import as_written


class BodyBuilder(PatternBuilder):
    """Builds one value graph by walking the statements of a body in order.

    Code that cannot be reached (after a `return`, behind a constant that is false) is walked as well; what it
    adds to the graph is `gated`.
    """

    def __init__(
        self, qualname: str, definitions: Definitions, *, module_level: bool, enclosing: Scope | None
    ) -> None:
        super().__init__(qualname, definitions, module_level=module_level, enclosing=enclosing)
        self._loops: list[_LoopExits] = []
        self._statements_of_body: Sequence[ast.stmt] = ()
        self._caught = 0  # blocks around this one that an exception ends, while the function goes on

    # -- entry points -------------------------------------------------------------------------------------

    def parameters(self, arguments: ast.arguments, place: int) -> None:
        """Declare the function's parameters."""
        plain = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        gathered = [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
        for one in (*plain, *gathered):
            self._bind(one.arg, self._add(Kind.PARAM, one.arg, (), place))
        self._declared = {one.arg: one.annotation for one in plain if one.annotation is not None}

    def body(self, statements: Sequence[ast.stmt]) -> None:
        """Walk a function's (or module's) statements."""
        self._statements_of_body = statements
        if not self._module_level:
            self._locals |= assigned_names(statements)
            parameters = set(self._environment)
            once = given_once(statements)
            self._constants = {name: known for name, known in once.items() if name not in parameters}
        self._statements(statements)

    def result(self, expression: ast.expr) -> None:
        """Walk a lambda's expression: its value is what the lambda returns."""
        self._effect(EffectKind.RETURN, None, -1, self._value(expression), place_of(expression))

    # -- statements -----------------------------------------------------------------------------------------

    def _statements(self, statements: Sequence[ast.stmt]) -> None:
        line = StraightLine(self.nodes, self.effects, self.overwritten, self._held)
        mappings = NewMappings(self.nodes, self.effects, self.overwritten, self._own, self._is_used_later)
        entries = AnyMappings(self.effects, self.overwritten, self._held)
        for statement in statements:
            start = len(self.effects)
            self._statement(statement)
            new = self.effects[start:]
            line.after(statement, new)
            mappings.after(statement, new, goes_on=self._caught > 0)
            entries.after(statement, new, goes_on=self._caught > 0)

    def _held(self, name: str) -> int | None:
        return None if name in self._globals else self._environment.get(name)

    def _own(self, name: str) -> int | None:
        """Return what a name of this body, and of no other, holds."""
        return self._held(name) if name in self._locals else None

    def _is_used_later(self, name: str) -> bool:
        return used_later(self._statements_of_body, name)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Expr(value=ast.Await(value=value) | (ast.YieldFrom() as value)):
                self._value(value)  # whoever goes through the one that yields goes through this
            case ast.Expr(value=value):
                self._effect(EffectKind.DROP, None, -1, self._value(value), place_of(node))
                self._dead = self._dead or self._never_returns(value)
            case ast.Assign(targets=[ast.Tuple(elts=[*parts])], value=ast.Tuple(elts=[*values])) if len(
                parts
            ) == len(values) and not any(isinstance(one, ast.Starred) for one in (*parts, *values)):
                # Each name is given its own value: no tuple is made that would hold them all.
                given = [self._value(one) for one in values]
                for part, stored, one in zip(parts, given, values, strict=True):
                    self._assign(part, stored, place_of(node), one)
            case ast.Assign(targets=targets, value=value):
                stored = self._value(value)
                for target in targets:
                    self._assign(target, stored, place_of(node), value)
            case ast.AnnAssign(target=target, value=value, annotation=annotation):
                path = dotted_name(target) if isinstance(target, ast.Attribute) else None
                if path is not None:
                    self.annotated.setdefault(path, as_written(annotation))
                if value is not None:
                    stored = self._annotated(self._value(value), annotation)
                    self._assign(target, stored, place_of(node), value)
                if isinstance(target, ast.Name):
                    self._declared[target.id] = annotation
            case ast.AugAssign(target=target, op=operator, value=value):
                self._augmented(target, operator, value, place_of(node))
            case ast.Return(value=value):
                if value is not None:
                    self._effect(EffectKind.RETURN, None, -1, self._value(value), place_of(value))
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
                self._with(node)
            case ast.Match():
                self._match(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._evaluate_all([*node.decorator_list, *default_values(node.args)])
                if not self._module_level:
                    qualname = self._definitions.nested_function(node, self)
                    self._bind(node.name, self._add(Kind.FUNCTION, qualname, (), place_of(node)))
                    self._rebound(node, qualname)
            case ast.ClassDef():
                self._evaluate_all([*node.decorator_list, *node.bases, *(k.value for k in node.keywords)])
                self._class_body(node.body)
                if not self._module_level:
                    qualname = self._definitions.nested_class(node, self)
                    self._bind(node.name, self._add(Kind.FUNCTION, qualname, (), place_of(node)))
            case ast.Raise(exc=exception, cause=cause):
                self._evaluate_all(part for part in (exception, cause) if part is not None)
                self._dead = True
            case ast.Assert(test=test, msg=message):
                self._evaluate_all(part for part in (test, message) if part is not None)
                self._narrow(test, holds=True)
                self._dead = self._dead or self._truth(test) is False
            case ast.Delete(targets=targets):
                for target in targets:
                    if isinstance(target, ast.Subscript):
                        self._evaluate_all([target.value, target.slice])
                    elif isinstance(target, ast.Attribute):
                        self._evaluate_all([target.value])
                    elif isinstance(target, ast.Name):
                        self._given_up(target)
            case ast.Global(names=names):
                self._globals |= set(names)
            case ast.Nonlocal(names=names):
                self._locals -= set(names)
            case ast.Break() | ast.Continue():
                if self._loops and not self._dead and self._gates == self._loops[-1].gates:
                    exits = self._loops[-1]
                    left = exits.breaks if isinstance(node, ast.Break) else exits.continues
                    left.append(dict(self._environment))
                self._dead = True
            case _:
                pass  # imports, pass: collected per module, or without a value

    def _class_body(self, statements: Sequence[ast.stmt]) -> None:
        """Walk what runs when a class is made: what its names are given, decorators, defaults of its methods.

        A name that the body itself binds is read as an outer one would be.
        """
        before = dict(self._environment)
        for statement in statements:
            match statement:
                case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
                    self._evaluate_all([] if isinstance(value, ast.Constant) else [value])
                case ast.Expr(value=value):
                    self._evaluate_all([] if isinstance(value, ast.Constant) else [value])
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    self._evaluate_all([*statement.decorator_list, *default_values(statement.args)])
                case ast.ClassDef():
                    self._evaluate_all(statement.decorator_list)
                    self._class_body(statement.body)
                case ast.If(body=body, orelse=orelse):
                    self._evaluate_all([statement.test])
                    self._class_body([*body, *orelse])
                case _:
                    pass  # nothing that a value comes from
        self._environment = before

    def _given_up(self, target: ast.Name) -> None:
        """`del parameter  # unused`: that nothing is done with it is meant."""
        value = self._environment.get(target.id)
        if value is not None and self.nodes[value].kind is Kind.PARAM:
            self._effect(EffectKind.DROP, None, -1, value, place_of(target))

    def _rebound(self, node: ast.FunctionDef | ast.AsyncFunctionDef, qualname: str) -> None:
        """From here on a name that a nested function sets may hold what it was given there."""
        statements = statements_in(node.body, nested=True)
        rebinding = [one for one in statements if isinstance(one, ast.Nonlocal)]
        for statement in sorted(rebinding, key=lambda one: one.lineno):
            for name in statement.names:
                if name in self._environment:
                    given = self._add(Kind.REBOUND, (qualname, name), (), place_of(statement))
                    either = (self._environment[name], given)
                    self._bind(name, self._add(Kind.PHI, None, either, place_of(statement)))

    def _augmented(self, target: ast.expr, operator: ast.operator, value: ast.expr, place: int) -> None:
        before = self._value(target)
        added = self._value(value)
        result = self._add(Kind.OP, type(operator).__name__, (before, added), place)
        self._assign(target, result, place, None)

    def _merge(
        self, environments: Sequence[Environment], place: int, *, control: int | None = None
    ) -> Environment:
        """Join what branches leave behind; `control` is the test that chose between them."""
        if not environments:
            return dict(self._environment)
        merged: Environment = {}
        for name in dict.fromkeys(name for environment in environments for name in environment):
            values = list(dict.fromkeys(env[name] for env in environments if name in env))
            if "." in name and (len(values) > 1 or any(name not in env for env in environments)):
                continue  # a narrowing that holds in one branch only
            if len(values) == 1:
                merged[name] = values[0]
            else:
                is_chosen = len({self._narrowed_from(value) for value in values}) > 1
                merged[name] = self._choice(None, tuple(values), place, control if is_chosen else None)
        return merged

    def _narrowed_from(self, value: int) -> int:
        """Return what tests have narrowed: the test has not chosen between two values if they are one."""
        while self.nodes[value].kind is Kind.NARROW:
            value = self.nodes[value].operands[0]
        return value

    def _if(self, node: ast.If) -> None:
        test = self._value(node.test)
        self._effect(EffectKind.EVALUATE, None, -1, test, place_of(node.test))
        constant = self._truth(node.test)
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
        self._environment = self._merge(ends, place_of(node), control=test) if ends else before

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        iterable = self._value(node.iter)

        def loop() -> None:
            element = self._add(Kind.ELEMENT, None, (iterable,), place_of(node.iter))
            self._assign(node.target, element, place_of(node.target), None)
            self._statements(node.body)

        self._loop(node, [node.target], loop)

    def _while(self, node: ast.While) -> None:
        def loop() -> None:
            test = self._value(node.test)
            self._effect(EffectKind.EVALUATE, None, -1, test, place_of(node.test))
            self._narrow(node.test, holds=True)
            with self._guarded(test, gated=self._truth(node.test) is False):
                self._statements(node.body)

        self._loop(node, [], loop)

    def _loop(self, node: ast.For | ast.AsyncFor | ast.While, targets: list[ast.expr], inside: _Walk) -> None:
        """Walk a loop's body once; what it assigns is a PHI of before and after, feeding itself.

        Values also leave the body by `continue`, which feeds the PHI, and by `break`, which skips `else`.
        """
        place = place_of(node)
        before = dict(self._environment)
        assigned = assigned_names(node.body)
        for target in targets:
            assigned |= {n.id for n in walk(target) if isinstance(n, ast.Name)}
        phis: dict[str, int] = {}
        for name in sorted(assigned):
            if name in before:
                phis[name] = self._add(Kind.PHI, None, (before[name],), place)
                self._environment[name] = phis[name]
        dead_before = self._dead
        exits = _LoopExits([], [], self._gates)
        self._loops.append(exits)
        inside()
        self._loops.pop()
        rounds = [*exits.continues, *([] if self._dead else [self._environment])]
        self._dead = dead_before
        for name, phi in phis.items():
            fed = dict.fromkeys(end[name] for end in rounds if name in end and end[name] != phi)
            self.nodes[phi].operands += tuple(fed)
        self._environment = self._merge([before | phis, *({**end, **phis} for end in rounds)], place)
        self._statements(node.orelse)
        ends = [*([] if self._dead else [self._environment]), *exits.breaks]
        if exits.breaks:
            self._dead = dead_before
            self._environment = self._merge(ends, place)
        elif isinstance(node, ast.While) and self._truth(node.test):
            self._dead = True

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        dead_before = self._dead
        for item in node.items:
            manager = self._value(item.context_expr)
            entered = self._add(Kind.ENTER, None, (manager,), place_of(item.context_expr))
            if item.optional_vars is not None:
                self._assign(item.optional_vars, entered, place_of(item.context_expr), None)
            else:
                self._effect(EffectKind.EVALUATE, None, -1, entered, place_of(item.context_expr))
        before = dict(self._environment)
        goes_on = any(swallows(item.context_expr) for item in node.items)
        self._caught += goes_on
        self._statements(node.body)
        self._caught -= goes_on
        if goes_on:
            self._environment = self._merge([before, self._environment], place_of(node))
            self._dead = dead_before

    def _never_returns(self, statement: ast.expr) -> bool:
        """Whether an expression is a call like `sys.exit()`, after which nothing runs."""
        if not isinstance(statement, ast.Call):
            return False
        dotted = dotted_name(statement.func)
        if dotted is None or self.knows(dotted.partition(".")[0]):
            return False
        return self._definitions.names.never_returns(dotted)

    def _try(self, node: ast.Try | ast.TryStar) -> None:
        before, dead_before = dict(self._environment), self._dead
        self._caught += 1
        self._statements(node.body)
        self._statements(node.orelse)
        ends: list[Environment] = [] if self._dead else [self._environment]
        self._dead = dead_before  # what comes together runs, whatever has left before
        interrupted = self._merge([before, self._environment], place_of(node))
        for handler in node.handlers:
            self._environment, self._dead = dict(interrupted), dead_before
            if handler.type is not None:
                self._evaluate_all([handler.type])
            self._handlers += 1
            if handler.name:
                caught = self._add(Kind.OP, "except", (), place_of(handler))
                if handler.type is not None:
                    caught = self._annotated(caught, handler.type)
                self._bind(handler.name, caught)
            self._statements(handler.body)
            self._handlers -= 1
            if not self._dead:
                ends.append(self._environment)
        self._caught -= 1
        self._dead = dead_before
        self._environment = self._merge(ends, place_of(node)) if ends else interrupted
        self._statements(node.finalbody)
        self._dead = self._dead or not ends

    def _match(self, node: ast.Match) -> None:
        subject = self._value(node.subject)
        self._effect(EffectKind.EVALUATE, None, -1, subject, place_of(node.subject))
        before, dead_before = dict(self._environment), self._dead
        ends: list[Environment] = []
        path = dotted_name(node.subject)
        rest = subject  # what the patterns so far leave of it
        exhaustive = False
        for case in node.cases:
            self._environment, self._dead = dict(before), dead_before
            narrowed = self._pattern(case.pattern, rest)
            if path is not None and narrowed != rest:
                self._environment[path] = narrowed
            match node.subject, case.pattern:
                case ast.Attribute(value=tagged, attr=name), ast.MatchValue(value=tag):
                    self._tagged(tagged, name, tag, Proof.TAGGED)
                case _:
                    pass  # no tag of what holds the subject
            never = case.guard is not None and self._truth(case.guard) is False
            if case.guard is not None:
                self._evaluate_all([case.guard])
            with self._guarded(subject, gated=never):
                self._statements(case.body)
            if not self._dead and not never:
                ends.append(self._environment)
            if case.guard is None and isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None:
                exhaustive = True
            whole = [] if case.guard is not None else whole_classes(case.pattern)
            if whole:
                narrowing = Narrowing(tuple(whole), Proof.IS_NOT)
                rest = self._add(Kind.NARROW, narrowing, (rest,), place_of(case.pattern))
                if path is not None:
                    before = {**before, path: rest}
        if not exhaustive:
            ends.append(before)
        self._dead = not ends
        self._environment = self._merge(ends, place_of(node), control=subject) if ends else before


@dataclass(slots=True)
class _LoopExits:
    """What the locals hold where a loop's body is left early."""

    breaks: list[Environment]
    continues: list[Environment]
    gates: int  # a `break` behind more gates than these never runs


class _Walk(Protocol):
    def __call__(self) -> None: ...
