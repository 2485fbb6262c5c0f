"""Expressions of a user's Cypher.

A clause may not hide in an expression, so expressions are read by their grammar; only the precedence of operators is
left out, which decides nothing here.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from graph.guard_calls import COLLECTED, Calls, weigh
from graph.guard_patterns import check_pattern
from graph.guard_tokens import DEEPEST_NESTING, Token, text_value
from habitue.errors import CypherRefusedError

HEAVIEST = 10_000.0
MOST_OPERATORS = 1000  # planners take seconds for thousands, and recurse into them
_HEAVIEST_MATCHED = 5.0

_COMPARISONS = frozenset({"=", "<>", "<", ">", "<=", ">=", "AND", "OR", "XOR", "IN", "CONTAINS", "STARTS", "ENDS"})
_ARITHMETIC = frozenset({"+", "||", "-", "*", "/", "%", "^"})


class Expressions(Calls):
    """A reader of expressions; `graph.guard_grammar` adds patterns and clauses."""

    def __init__(self, tokens: list[Token], parameters: Mapping[str, Any]) -> None:
        super().__init__(tokens, parameters)
        self._depth = 0
        self._operators = 0

    @abstractmethod
    def read_chain(self) -> None:
        """Read nodes and the relationships between them."""

    @abstractmethod
    def read_shortest(self) -> None:
        """Read `shortestPath(…)` or `allShortestPaths(…)`."""

    @abstractmethod
    def read_subquery(self) -> None:
        """Read `{ … }` of EXISTS, COUNT or COLLECT."""

    @abstractmethod
    def read_labels(self) -> None:
        """Read `:A` and what may follow it."""

    def read_expression(self) -> float:
        """Read an expression; returns its weight."""
        self._depth += 1
        if self._depth > DEEPEST_NESTING:
            raise CypherRefusedError(f"Expressions are nested more than {DEEPEST_NESTING} deep.")
        truth = self._read_prefix()
        total, term = 0.0, self._read_operand()
        sum_counts, term_counts = True, self.is_number
        while True:
            operator = self.peek().mark
            if operator == "=~":
                self._read_pattern_match(total + term)
                truth = True
            elif operator == "IS":
                self.at += 1
                self.accept("NOT")
                self.expect("NULL")
                truth = True
            elif operator in _COMPARISONS or operator in _ARITHMETIC:
                self.at += 1
                self._count_operator()
                if operator in ("STARTS", "ENDS"):
                    self.expect("WITH")
                lambda_follows = operator == "-" and self.accept(">")
                truth |= self._read_prefix() or operator in _COMPARISONS
                operand = self._read_operand()
                if operator in ("+", "||"):
                    total, term = total + term, operand
                    sum_counts, term_counts = sum_counts and term_counts, self.is_number
                else:
                    term = operand if lambda_follows or operator in _COMPARISONS else 1.0
                    term_counts = not lambda_follows  # of texts and lists there is no difference or product
            else:
                break
        self._depth -= 1
        self.is_number = sum_counts and term_counts and not truth
        weight = 1.0 if truth else total + term
        if weight > HEAVIEST:
            raise CypherRefusedError(
                f"A value before position {self.peek().place + 1} could grow to fill the memory.",
                hint="Put fewer values together in one, or return them as they are.",
            )
        return weight

    def _count_operator(self) -> None:
        self._operators += 1
        if self._operators > MOST_OPERATORS:
            raise CypherRefusedError(
                f"The statement has more than {MOST_OPERATORS} operators.", hint="Give long lists as a parameter."
            )

    def _read_prefix(self) -> bool:
        """Read what may stand before an operand; tells whether it makes a truth value of it."""
        start = self.at
        while self.next_is("NOT", "+", "-"):
            self.at += 1
            if self.at - start > DEEPEST_NESTING:
                raise CypherRefusedError(f"Expressions are nested more than {DEEPEST_NESTING} deep.")
        return any(token.keyword == "NOT" for token in self.tokens[start : self.at])

    def _read_operand(self) -> float:
        token, start = self.peek(), self.at
        named = self.is_number = False
        if token.kind == "text":
            self.at += 1
            weight = weigh(token.value)
        elif token.kind == "number":
            self.at += 1
            self.is_number = True
            return 1.0
        elif token.kind == "parameter":
            self.at += 1
            value = self.parameters.get(token.value[1:])
            weight = weigh(value)
            self.is_number = isinstance(value, int | float) and not isinstance(value, bool)
        elif self.next_is("("):
            named = True
            weight = self._read_parenthesis()
        elif self.next_is("["):
            weight = self._read_list()
        elif self.next_is("{"):
            weight = self.read_map()
        elif self.next_is("CASE"):
            weight = self._read_case()
        elif self.next_is("EXISTS", "COUNT", "COLLECT") and self.next_is("{", ahead=1):
            self.at += 1
            self.read_subquery()
            self.is_number = False
            weight = COLLECTED if token.keyword == "COLLECT" else 1.0
        elif self.next_is("SHORTESTPATH", "ALLSHORTESTPATHS") and self.next_is("(", ahead=1):
            self.read_shortest()
            self.is_number = False
            return 1.0
        elif called := self.function_ahead():
            weight = self.read_call(called)
        else:
            named = True
            name = self.take_name()
            weight = self.weights.get(name, 1.0)
            self.is_number = name in self.numbers
            if self.next_is("{"):
                weight = max(weight, self.read_map(projection=True))
        return self._read_postfix(weight, named=named and self.at > start)

    def _read_postfix(self, weight: float, *, named: bool) -> float:
        while True:
            if self.accept("."):
                self.take_key() if not self.accept("*") else None
                self.is_number = False
            elif self.next_is("["):
                self.at += 1
                while not self.accept("]"):
                    if not self.accept("..", ":"):
                        self.read_expression()
                self.is_number = False
            elif named and self.next_is(":"):
                self.read_labels()
                weight = 1.0
                self.is_number = False
            else:
                return weight

    def _read_parenthesis(self) -> float:
        """Read `(expression)`, a lambda's `(x, y)`, or a pattern that stands for whether there is any."""
        after = self.partner[self.at] + 1 - self.at
        if (self.next_is("-", ahead=after) and self.next_is("-", "[", ahead=after + 1)) or (
            self.next_is("<", ahead=after)
            and self.next_is("-", ahead=after + 1)
            and self.next_is("-", "[", ahead=after + 2)
        ):
            self.read_chain()
            self.is_number = False
            return 1.0
        self.expect("(")
        weight = self.read_expression()
        while self.accept(","):
            weight += self.read_expression()
            self.is_number = False
        self.expect(")")
        return weight

    def _read_list(self) -> float:
        weight = self._read_in_brackets()
        self.is_number = False
        return weight

    def _read_in_brackets(self) -> float:
        self.expect("[")
        if self.accept("]"):
            return 1.0
        if self.peek().name and self.next_is("IN", ahead=1):
            weight = self.read_loop()
        else:
            weight = self.read_expression()
            if self.accept("WHERE"):
                self.read_expression()
            if self.accept("|"):  # of a pattern comprehension
                weight = COLLECTED * self.read_expression()
            while self.accept(","):
                weight += self.read_expression()
        self.expect("]")
        return weight

    def read_map(self, *, projection: bool = False) -> float:
        self.expect("{")
        weight = 0.0
        while not self.next_is("}"):
            if projection and self.accept("."):
                self.take_key() if not self.accept("*") else None
            elif projection and not self.next_is(":", ahead=1):
                weight += self.weights.get(self.take_name(), 1.0)
            else:
                self.at += 1 if self.peek().kind == "text" else 0  # Ladybug takes a text for a key
                if not self.next_is(":"):
                    self.take_key()
                self.expect(":")
                weight += self.read_expression()
            if not self.accept(","):
                break
        self.expect("}")
        self.is_number = False
        return max(1.0, weight)

    def _read_case(self) -> float:
        self.expect("CASE")
        if not self.next_is("WHEN"):
            self.read_expression()
        weight, counts = 1.0, True
        while self.accept("WHEN"):
            self.read_expression()
            while self.accept(","):
                self.read_expression()
            self.expect("THEN")
            weight = max(weight, self.read_expression())
            counts &= self.is_number
        if self.accept("ELSE"):
            weight = max(weight, self.read_expression())
            counts &= self.is_number
        self.expect("END")
        self.is_number = counts
        return weight

    def _read_pattern_match(self, weight: float) -> None:
        """Read `=~` and the pattern, which must stand there as it is so that it can be judged."""
        self.expect("=~")
        token = self.peek()
        value = text_value(token) if token.kind == "text" else self.parameters.get(token.value[1:])
        if token.kind not in ("text", "parameter") or self.next_is("+", "||", ".", "[", ahead=1):
            raise CypherRefusedError(
                "What follows =~ must be a text or a parameter.", hint="A pattern that is computed cannot be judged."
            )
        if weight > _HEAVIEST_MATCHED:
            raise CypherRefusedError("A computed or long text before =~ is refused: the match could take for ever.")
        check_pattern(value)
        self.at += 1
