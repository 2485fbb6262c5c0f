"""The clauses and patterns of a reading statement: what is not read here is refused."""

from __future__ import annotations

from graph.guard_cursor import ONLY_READING
from graph.guard_expressions import Expressions
from graph.guard_tokens import Token, integer_value
from graph.guard_words import MOST_NEAREST, VECTOR_SEARCH
from habitue.errors import CypherRefusedError

MOST_HOPS = 15
DEEPEST_SUBQUERIES = 10
_LARGEST_INTEGER = 2**63 - 1


class ReadingStatement(Expressions):
    """A reader of one statement; `read` raises `CypherRefusedError` at the first thing that is not reading."""

    _subqueries = 0
    _columns: list[tuple[str, int, int]] | None = None

    def read(self) -> None:
        """Read the whole statement."""
        if self.next_is(";") or self.peek().kind == "end":
            raise CypherRefusedError("The statement is empty.", hint=ONLY_READING)
        self._read_query(inner=False)
        if self.accept(";") and self.peek().kind != "end":
            raise CypherRefusedError("There is more than one statement.", hint="Send them one by one.")
        if self.peek().kind != "end":
            self.unexpected("a clause of reading")

    def columns(self, text: str) -> tuple[str, ...] | None:
        """What Cypher calls the columns of the statement that was read: by alias, or as the item is written.

        Args:
            text: The statement.

        Returns:
            Of its first RETURN, as all parts of a UNION have the same; None where it returns `*`.
        """
        if self._columns is None:
            return None
        return tuple(name or text[start:end] for name, start, end in self._columns)

    # -- clauses ----------------------------------------------------------------------------------------------------

    def _read_query(self, *, inner: bool) -> None:
        self._read_clauses(inner=inner)
        while self.accept("UNION"):
            self.accept("ALL", "DISTINCT")
            self._read_clauses(inner=inner)

    def _read_clauses(self, *, inner: bool) -> None:
        """Read clauses up to a RETURN; in a subquery, which may have none, up to its end."""
        start = self.at
        while not self.accept("RETURN"):
            if self.next_is("OPTIONAL", "MATCH"):
                self.accept("OPTIONAL")
                self.expect("MATCH")
                self._read_paths()
            elif self.accept("UNWIND"):
                _, element = self.read_source()
                self.expect("AS")
                self.weights[self.take_name(alias=True)] = element
            elif self.accept("WITH"):
                self._read_projection()
                if self.accept("WHERE"):
                    self.read_expression()
            elif self._vector_search_ahead():
                self._read_vector_search()
            elif self.at == start:
                self.unexpected("a clause that reads")
            elif inner and self.next_is("}", "UNION"):
                return
            elif self.next_is(";") or self.peek().kind == "end":
                raise CypherRefusedError("The statement returns nothing.", hint="End it with RETURN.")
            else:
                self.unexpected("a clause of reading")
        first = not inner and start == 0
        columns = self._read_projection()
        self._columns = columns if first else self._columns

    def _vector_search_ahead(self) -> bool:
        """Whether the one procedure that only reads is called next, written plainly and in its own case."""
        written = "".join(self.peek(ahead).value for ahead in range(1, 8))
        return self.next_is("CALL") and written == VECTOR_SEARCH and self.next_is("(", ahead=8)

    def _read_vector_search(self) -> None:
        """Read `CALL db.index.vector.queryNodes('index', 10, vector) YIELD node, score`."""
        self.at += 9
        if self.peek().kind != "text":
            self.unexpected("the name of an index, in quotes")
        self.at += 1
        self.expect(",")
        token = self.peek()
        given = token.kind == "parameter"
        value = self.parameters.get(token.value[1:]) if given else integer_value(token)
        whole = token.kind in ("number", "parameter") and isinstance(value, int) and not isinstance(value, bool)
        if not whole or not isinstance(value, int) or not 1 <= value <= MOST_NEAREST:
            raise CypherRefusedError(f"The number of the nearest must be 1 to {MOST_NEAREST}, or a parameter that is.")
        self.at += 1
        self.expect(",")
        self.read_expression()
        self.expect(")")
        self.expect("YIELD")
        while True:
            if self.peek().value not in ("node", "score"):
                self.unexpected("node or score")
            name = self.take_name()
            self.weights.pop(self.take_name(alias=True) if self.accept("AS") else name, None)
            if not self.accept(","):
                break

    def _read_projection(self) -> list[tuple[str, int, int]] | None:
        """Read items and what orders and bounds them; their names, and where they stand, unless one is `*`."""
        self.accept("DISTINCT")
        named: list[tuple[str, float]] = []
        columns: list[tuple[str, int, int]] = []
        all_known = True
        while True:
            if self.accept("*"):
                all_known = False
            else:
                first = self.at
                weight = self.read_expression()
                last = self.tokens[self.at - 1]
                name = last.name if self.at == first + 1 else ""  # a variable in backticks stands without them
                if self.accept("AS"):
                    name = self.peek().name
                    named.append((self.take_name(alias=True), weight))
                columns.append((name, self.tokens[first].place, last.place + len(last.value)))
            if not self.accept(","):
                break
        for name, weight in named:  # only now: WITH a AS b, b AS a
            self.weights[name] = weight
        if self.accept("ORDER"):
            self.expect("BY")
            self.read_expression()
            self.accept("ASC", "ASCENDING", "DESC", "DESCENDING")
            while self.accept(","):
                self.read_expression()
                self.accept("ASC", "ASCENDING", "DESC", "DESCENDING")
        if self.accept("SKIP", "OFFSET"):
            self._read_count("SKIP")
        if self.accept("LIMIT"):
            self._read_count("LIMIT")
        return columns if all_known else None

    def _read_count(self, clause: str) -> None:
        token = self.peek()
        value = self.parameters.get(token.value[1:]) if token.kind == "parameter" else integer_value(token)
        whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST_INTEGER
        if token.kind not in ("number", "parameter") or not whole:
            raise CypherRefusedError(
                f"{clause} must be a whole number of at least 0, or a parameter that holds one.",
                hint="Write it out: computed numbers of rows are refused.",
            )
        self.at += 1

    def read_subquery(self) -> None:
        """Read `{ … }` of EXISTS, COUNT or COLLECT: a statement, or a pattern with or without a condition."""
        self._subqueries += 1
        if self._subqueries > DEEPEST_SUBQUERIES:
            raise CypherRefusedError(f"Subqueries are nested more than {DEEPEST_SUBQUERIES} deep.")
        self.expect("{")
        if self.next_is("("):
            self._read_paths()
        else:
            self._read_query(inner=True)
        self.expect("}")
        self._subqueries -= 1

    # -- patterns ---------------------------------------------------------------------------------------------------

    def _read_paths(self) -> None:
        """Read patterns, comma by comma, and a condition on them."""
        self._read_path()
        while self.accept(","):
            self._read_path()
        if self.accept("WHERE"):
            self.read_expression()

    def _read_path(self) -> None:
        if self.next_is("=", ahead=1):
            self.take_name()
            self.expect("=")
        while self.accept("ANY", "ALL", "SHORTEST", "PATH", "PATHS", "GROUP", "GROUPS"):
            if self.peek().kind == "number":
                self.at += 1
        if self.next_is("SHORTESTPATH", "ALLSHORTESTPATHS"):
            self.read_shortest()
        else:
            self.read_chain()

    def read_shortest(self) -> None:
        """Read `shortestPath(…)` or `allShortestPaths(…)`."""
        self.at += 1
        self.expect("(")
        self.read_chain()
        self.expect(")")

    def read_chain(self) -> None:
        """Read nodes and the relationships between them."""
        self._read_element()
        while self.next_is("-", "<", "("):
            if not self.next_is("("):
                self._read_relationship()
            self._read_element()

    def _read_element(self) -> None:
        """Read a node, or a pattern in parentheses that may repeat."""
        if not (self.next_is("(") and (self.next_is("(", ahead=1) or self.next_is("=", ahead=2))):
            self._read_node()
            return
        self.expect("(")
        self._enter_group()
        self._read_path()
        if self.accept("WHERE"):
            self.read_expression()
        self._subqueries -= 1
        self.expect(")")
        self._read_quantifier()

    def _enter_group(self) -> None:
        self._subqueries += 1
        if self._subqueries > DEEPEST_SUBQUERIES:
            raise CypherRefusedError(f"Patterns are nested more than {DEEPEST_SUBQUERIES} deep.")

    def _read_node(self) -> None:
        self.expect("(")
        self._read_inside(")")
        self.expect(")")

    def _read_relationship(self) -> None:
        self.accept("<")
        self.expect("-")
        if self.accept("["):
            self._read_inside("]")
            self.expect("]")
        self.expect("-")
        self.accept(">")
        self._read_quantifier()

    def _read_inside(self, end: str) -> None:
        """Read what stands in a node's or a relationship's brackets."""
        if self.peek().name and not self.next_is("WHERE"):
            self.take_name()
        if self.next_is(":"):
            self.read_labels()
        if end == "]" and self.accept("*"):
            self._read_hops()
        if self.peek().kind == "parameter":
            self.at += 1
        elif self.next_is("{"):
            self.read_map()
        if self.accept("WHERE"):
            self.read_expression()

    def read_labels(self) -> None:
        """Read `:A`, `:A:B`, `:A|B`, `:!A&(B|C)`."""
        self.expect(":")
        while True:
            while self.accept("!"):
                pass
            if self.next_is("("):
                self._read_label_parenthesis()
            elif not self.accept("%"):
                self.take_key()
            if not self.accept("|", "&", ":"):
                return
            self.accept(":")

    def _read_label_parenthesis(self) -> None:
        """Read `(A|B)` among labels; names, signs and brackets in any order are no danger."""
        end = self.partner[self.at]
        while self.at < end:
            if not self.accept("(", ")", "|", "&", "!", "%", ":"):
                self.take_key()
        self.expect(")")

    def _read_hops(self) -> None:
        """Read what follows the `*` of a path of several relationships."""
        while self.accept("ALL", "SHORTEST", "TRAIL", "ACYCLIC"):
            pass
        least = self._take_number()
        most = self._take_number() if self.accept("..") else least
        self._check_hops(most)
        if self.accept("("):  # Ladybug's condition on each step: (r, n | WHERE …)
            self.take_name()
            self.expect(",")
            self.take_name()
            self.expect("|")
            self.expect("WHERE")
            self.read_expression()
            self.expect(")")

    def _read_quantifier(self) -> None:
        """Read `{1,3}` behind a relationship or a pattern in parentheses."""
        if self.next_is("+", "*"):
            self._check_hops(None)
        if self.next_is("{"):
            self.at += 1
            least = self._take_number()
            most = self._take_number() if self.accept(",") else least
            self.expect("}")
            self._check_hops(most)

    def _take_number(self) -> Token | None:
        if self.peek().kind != "number":
            return None
        self.at += 1
        return self.tokens[self.at - 1]

    def _check_hops(self, most: Token | None) -> None:
        hops = integer_value(most) if most else None
        if hops is None:
            raise CypherRefusedError(
                "A path of any length is refused: it may lead through the whole graph.",
                hint=f"Give an end, such as *1..4; at most {MOST_HOPS}.",
            )
        if hops > MOST_HOPS:
            raise CypherRefusedError(f"A path of {hops} relationships is refused.", hint=f"At most {MOST_HOPS}.")
