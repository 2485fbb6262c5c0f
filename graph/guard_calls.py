"""Calls of functions and walks through lists, and how far they can make a value grow.

Neither the time nor the memory of one expression is bounded by every engine: Neo4j looks at its clock and its memory
between rows only, and a text doubled forty times ends the whole server. So each expression has a weight, an upper bound
of how many times the size of the data its value can be (a value of the graph weighs 1), and lists may not be gone
through one inside the other unless the inner is a part of the outer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from graph.guard_cursor import ONLY_READING, TokenCursor
from graph.guard_tokens import Token, integer_value, text_value
from graph.guard_words import FILLS_MEMORY, LOOPS, MEASURES, NUMBERS, REFUSED, SHAPES
from habitue.errors import CypherRefusedError

LONGEST_RANGE = 100_000
#: Elements, about, that a running text or list may be put together from: all of it is copied with each of them.
MOST_PUT_TOGETHER = 1_000
#: What `collect` weighs beyond its argument; the engines count the memory of its rows themselves.
COLLECTED = 100.0
_COMMON_TEXT = 1000  # characters that weigh 1
_MARK = 1000.0  # the weight of a running value, to see how often it comes back


def weigh(value: Any) -> float:
    """Weight of a parameter's value: of texts by their characters, of lists and maps the sum of what they hold."""
    if isinstance(value, str | bytes):
        return max(1.0, len(value) / _COMMON_TEXT)
    if isinstance(value, Mapping):
        return max(1.0, sum(map(weigh, value.values())) / 10)
    if isinstance(value, list | tuple):
        return max(1.0, sum(map(weigh, value)) / 100)
    return 1.0


class Calls(TokenCursor, ABC):
    """A reader of calls; `graph.guard_expressions` adds what their arguments are made of."""

    def __init__(self, tokens: list[Token], parameters: Mapping[str, Any]) -> None:
        super().__init__(tokens, parameters)
        self.weights: dict[str, float] = {}  # of names that are more than a value of the graph
        self.is_number = False  # whether the expression read last is surely a number
        self.numbers: set[str] = set()  # names of numbers
        self._loops: list[str] = []  # variables of the lists that are being gone through, outermost first

    @abstractmethod
    def read_expression(self) -> float:
        """Read an expression; returns its weight."""

    def function_ahead(self) -> str:
        """Name of the function that is called next, in small letters; empty if it is no call."""
        if not self.peek().name:
            return ""
        parts, ahead = [self.peek().name], 1
        while self.next_is(".", ahead=ahead) and self.peek(ahead + 1).name:
            parts.append(self.peek(ahead + 1).name)
            ahead += 2
        return ".".join(parts).lower() if self.next_is("(", ahead=ahead) else ""

    def read_call(self, name: str) -> float:
        if name not in MEASURES and name not in SHAPES and name not in LOOPS:
            shown = f"The function {name[:60]}" if name.replace(".", "").replace("_", "").isalnum() else "A function"
            if name in FILLS_MEMORY:
                raise CypherRefusedError(f"{shown} is refused: it fills the memory.", hint=ONLY_READING)
            if name.upper() in REFUSED:
                raise CypherRefusedError(f"{name.upper()} is refused: {REFUSED[name.upper()]}.", hint=ONLY_READING)
            raise CypherRefusedError(
                f"{shown} is refused: it is not among the functions that only read.",
                hint="docs/security.md lists the functions that are allowed.",
            )
        while not self.accept("("):
            self.at += 1
        opened = self.at - 1
        if name in LOOPS and name != "reduce" and self.next_is("IN", ahead=1):
            self.read_loop()
            self.expect(")")
            self.is_number = False
            return 1.0
        if name == "reduce":
            return self._read_reduce()
        weight = self._read_arguments(name, opened)
        self.is_number = name in NUMBERS
        return weight

    def _read_arguments(self, name: str, opened: int) -> float:
        """Read the arguments of a function behind its bracket, and the closing one; returns the call's weight."""
        weights = []
        self.accept("DISTINCT")
        while not self.next_is(")"):
            if not self.accept("*"):
                weights.append(self.read_expression())
            if self.accept("AS"):
                self._read_type()
            if not self.accept(","):
                break
        self.expect(")")
        if name == "range":
            return self._weigh_range(opened)
        if name in MEASURES:
            return 1.0
        weight = max(1.0, sum(weights))
        if name == "replace":
            return weight * self._longest_replacement()
        return weight * (COLLECTED if name == "collect" else 1.0)

    def _read_type(self) -> None:
        """Read the type that a `cast` asks for, such as `INT64`, `DECIMAL(18, 3)`, `STRING[]`."""
        self.take_key()
        if self.accept("("):
            while not self.accept(")"):
                if self.peek().kind != "number" and not self.next_is(","):
                    self.unexpected("a number")
                self.at += 1
        while self.accept("["):
            self.expect("]")

    def _longest_replacement(self) -> float:
        """How many times longer `replace`, read just now, can make a text: as long as what it puts in."""
        token = self.tokens[self.at - 2]
        if self.tokens[self.at - 3].value != ",":
            return _MARK
        value = text_value(token) if token.kind == "text" else self.parameters.get(token.value[1:])
        return max(1.0, float(len(value))) if isinstance(value, str) else _MARK

    def _weigh_range(self, opened: int) -> float:
        """The weight of a `range`, whose bounds must stand there as they are or come from a size."""
        arguments: list[list[Token]] = [[]]
        place = opened + 1
        while place < self.partner[opened]:
            token = self.tokens[place]
            if token.value == ",":
                arguments.append([])
            elif token.kind == "sign" and token.value in "([{":  # a call's arguments decide nothing here
                place = self.partner[place]
            else:
                arguments[-1].append(token)
            place += 1
        bounds = [self._bound(each) for each in arguments]
        known = [each for each in bounds if each is not None]
        if len(known) == len(bounds) and len(known) in (2, 3):
            length = abs(known[1] - known[0]) // max(1, abs([*known, 1][2])) + 1
        else:
            length = max([0, *map(abs, known)])
        if length > LONGEST_RANGE:
            raise CypherRefusedError(
                f"A range of more than {LONGEST_RANGE} numbers could fill the memory.", hint="Ask for a shorter one."
            )
        return max(1.0, length / 100)

    def _bound(self, tokens: list[Token]) -> int | None:
        """A bound of a range; None where it is the size of something, which the data keep small."""
        sign = -1 if tokens and tokens[0].value == "-" else 1
        rest = tokens[1:] if sign < 0 else tokens
        if len(rest) == 1 and rest[0].kind == "number" and (whole := integer_value(rest[0])) is not None:
            return sign * whole
        if len(rest) == 1 and rest[0].kind == "parameter":
            value = self.parameters.get(rest[0].value[1:])
            if isinstance(value, int) and not isinstance(value, bool):
                return sign * value
        shape = [token.value.lower() if token.kind == "word" else token.kind for token in rest]
        sized = shape in (["size"], ["length"], ["size", "sign", "number"], ["length", "sign", "number"])
        if sized and (not rest[1:] or (rest[1].value in "+-" and (integer_value(rest[2]) or 0) <= LONGEST_RANGE)):
            return None
        raise CypherRefusedError(
            "The bounds of range must be whole numbers, parameters that hold one, or size(…) plus or minus a number.",
            hint="A range whose length is computed could fill the memory.",
        )

    # -- lists gone through -----------------------------------------------------------------------------------------

    def read_loop(self) -> float:
        """Read `x IN list WHERE … | …`; returns the weight of the list that comes out."""
        variable = self.take_name()
        self.expect("IN")
        weight, element = self.read_source()
        before, numbers = self.weights.get(variable), self.numbers
        self.weights[variable] = element
        self.numbers = numbers - {variable}
        self._loops.append(variable)
        if self.accept("WHERE"):
            self.read_expression()
        if self.accept("|"):
            weight = weight / element * self.read_expression()
        self._loops.pop()
        self.numbers = numbers
        self._restore(variable, before)
        return weight

    def _read_reduce(self) -> float:
        """Read what follows `reduce(`: `total = 0, x IN list | …`."""
        running = self.take_name()
        self.expect("=")
        first = self.read_expression()
        counts = self.is_number
        self.expect(",")
        variable = self.take_name()
        self.expect("IN")
        weight, element = self.read_source()
        before = self.weights.get(running), self.weights.get(variable)
        numbers = self.numbers
        self.weights[variable], self.weights[running] = element, _MARK
        # If a number is put in and a number comes out, it has been one all the way.
        self.numbers = {*numbers, running} - {variable} if counts else numbers - {running, variable}
        self._loops.append(variable)
        self.expect("|")
        body = self.read_expression()
        self.is_number = self.is_number and counts
        self._loops.pop()
        self.numbers = numbers
        self._restore(running, before[0])
        self._restore(variable, before[1])
        self.expect(")")
        if body > _MARK and weight > MOST_PUT_TOGETHER / 100 and not self.is_number:
            raise CypherRefusedError(
                "A reduce that may put a text or a list together from many elements is refused: no engine stops it in "
                "time.",
                hint="Add numbers with sum(…) or toFloat(…); go through a path, or a list of at most "
                f"{MOST_PUT_TOGETHER:,}.",
            )
        if body >= 2 * _MARK:
            raise CypherRefusedError(
                "A reduce whose running value grows with itself is refused: it fills the memory.",
                hint="Let the running value come once in what is added up.",
            )
        return first + weight / element * (body - _MARK if body > _MARK else body)

    def _restore(self, variable: str, before: float | None) -> None:
        if before is None:
            self.weights.pop(variable, None)
        else:
            self.weights[variable] = before

    def read_source(self) -> tuple[float, float]:
        """Read the list that is gone through; returns its weight and that of an element."""
        start = self.at
        weight = self.read_expression()
        if self._loops:
            self._check_inner_source(self.tokens[start : self.at])
        ranged = self.tokens[start].value.lower() == "range" and self.partner.get(start + 1) == self.at - 1
        return weight, 1.0 if ranged else weight

    def _check_inner_source(self, tokens: list[Token]) -> None:
        """Refuse a list inside the walk through another unless it is made of the outer one's elements alone."""
        previous = ""
        for token, after in zip(tokens, [*tokens[1:], self.tokens[-1]], strict=True):
            name = token.name.lower()
            part = previous == "." or (after.value == "(" and name != "range") or name in self._loops
            if token.kind == "parameter" or (name and not part):
                raise CypherRefusedError(
                    "A list is gone through once for each element of another one: refused, because no engine stops it "
                    "in time.",
                    hint="Use UNWIND for one of them, or go through a part of the outer element.",
                )
            previous = token.value
