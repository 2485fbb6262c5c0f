"""The report: what it says is what the figures say, it is whole in itself, and nothing in the data can break it."""

from __future__ import annotations

import copy
import json
import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from habitue.report import build_report, charts, numbers, svg, tables
from habitue.report.names import CHURN_METRICS, METRICS, model_name
from habitue.report.verdict import Comparison, best_model, comparisons, findings, headline
from tests.habitue import report_example as example

VOID = {"meta", "br", "link", "img", "hr", "input"}


class Page(HTMLParser):
    """Collects what the tests ask about, and that every element which opens also closes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attributes)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src", "xlink:href", "action", "srcset", "poster", "data"):
                self.references.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def report(**changed: Any) -> str:
    parts = {
        "manifest": example.manifest(),
        "backtest": example.backtest(),
        "curves": example.curves(),
        "scores": example.scores(200),
    }
    return build_report(**(parts | changed))


@pytest.fixture(scope="module")
def html() -> str:
    return report()


def paired(metric: str, versus: str, difference: float, low: float, high: float) -> dict[str, Any]:
    return {"metric": metric, "model": "habitue", "versus": versus, "difference": difference, "low": low, "high": high}


# The page as a whole


def test_page_is_well_formed_and_its_ids_are_unique(html: str) -> None:
    page = Page(html)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))


def test_page_fetches_nothing_and_runs_nothing(html: str) -> None:
    page = Page(html)
    assert page.references
    assert all(reference.startswith("#") and reference[1:] in page.ids for reference in page.references)
    assert not {"script", "link", "img", "iframe", "object", "form"} & set(page.tags)
    assert not re.search(r"url\(|@import|https?:", html)


def test_every_chart_is_named_and_described(html: str) -> None:
    drawn = [ET.fromstring(text) for text in re.findall(r'<svg class="chart".*?</svg>', html, re.DOTALL)]
    assert len(drawn) == 9  # four differences, four curves, one histogram
    for chart in drawn:
        title, description = chart[0], chart[1]
        assert (title.tag, description.tag) == ("title", "desc")
        assert title.text
        assert description.text
        assert chart.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"


def test_no_figure_is_nan_anywhere(html: str) -> None:
    body = html[html.index("<body>") :]
    assert not re.search(r"\b(nan|inf|None)\b", body)


def test_same_run_gives_same_page(html: str) -> None:
    assert report() == html


def test_names_from_the_data_are_text_never_markup() -> None:
    manifest = example.manifest() | {"dataset": "<script>alert(1)</script>", "reason": "<b>bold</b>"}
    scores = example.scores(30)
    scores.loc[:, "active"] = True
    scores.loc[:, "customer_id"] = '"><img src=x onerror=alert(1)>'
    reason = {"feature": "f", "label": "</td><script>", "value": "<i>", "contribution": 1.0, "direction": "raises"}
    scores.loc[:, "reasons"] = json.dumps([reason])
    backtest = example.backtest()
    backtest["models"]["<svg onload=1>"] = {"churn_auc": {"mean": 0.5, "low": 0.4, "high": 0.6}}
    backtest["paired"].append(paired("churn_auc", "<svg onload=1>", 0.3, 0.2, 0.4))
    page = Page(report(manifest=manifest, scores=scores, backtest=backtest))
    assert not {"script", "img", "i", "b"} & set(page.tags)
    assert '"><img src=x onerror=alert(1)>' in page.words
    assert "<svg onload=1>" in page.words


def test_run_without_a_backtest_still_has_a_report() -> None:
    backtest = {"dataset": "d", "task": {}, "folds": [], "models": {}, "paired": [], "seconds": {}}
    words = Page(report(backtest=backtest, curves={})).words
    assert "no cutoff leaves both a past to learn from and an outcome to check" in words
    assert "Where most is at stake" in words


def test_scores_of_one_value_and_no_active_customer_can_be_drawn() -> None:
    scores = example.scores(5)
    scores["hyperscore"] = 100.0
    scores["active"] = False
    words = Page(report(scores=scores)).words
    assert "customers scored, of them 0 active 5" in words
    assert "mean churn risk of the active –" in words
    assert "Where most is at stake" not in words


def luminance(colour: str) -> float:
    """Relative luminance by WCAG 2.2."""
    channels = (int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5))
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_colours_are_legible_in_light_dark_and_print(html: str) -> None:
    schemes = [
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
        for block in re.findall(r":root {(.*?)}", html, re.DOTALL)
    ]
    light, dark, paper = schemes[0], schemes[1], {**schemes[0], "paper": "#ffffff", "ink": "#000000"}
    for scheme in (light, dark, paper):
        for text in ("ink", "muted", "subject"):
            assert contrast(scheme[text], scheme["paper"]) >= 4.5, text
        for drawn in ("rival", "control", "other", "other-pink"):
            assert contrast(scheme[drawn], scheme["paper"]) >= 3, drawn


# The verdict


@pytest.mark.parametrize(
    ("interval", "sentence"),
    [
        ((0.002, 0.014), "Habitué ranks churn risk better than LightGBM."),
        ((-0.003, 0.014), "Habitué and LightGBM rank churn risk equally well, as far as these data can tell."),
        ((-0.014, -0.003), "LightGBM ranks churn risk better than Habitué."),
    ],
)
def test_headline_says_better_only_when_the_interval_leaves_zero(interval: tuple[float, float], sentence: str) -> None:
    low, high = interval
    assert headline({"paired": [paired("churn_auc", "lightgbm", (low + high) / 2, low, high)]}) == sentence


@pytest.mark.parametrize(
    ("interval", "sentence"),
    [
        ((0.001, 0.009), "The graph improves it."),
        ((-0.001, 0.009), "The graph adds nothing that can be measured here."),
        ((-0.009, -0.001), "It would do better without the graph."),
    ],
)
def test_headline_is_honest_about_the_graph(interval: tuple[float, float], sentence: str) -> None:
    low, high = interval
    rows = [paired("churn_auc", "habitue_without_graph", (low + high) / 2, low, high)]
    assert headline({"paired": rows}) == sentence


def test_headline_says_where_churn_is_not_told_from_chance() -> None:
    rows = [paired("churn_auc", "lightgbm", 0.01, -0.02, 0.04)]
    own = {"habitue": {"churn_auc": {"mean": 0.55, "low": 0.48, "high": 0.62}}}
    assert headline({"paired": rows, "models": own}) == (
        "These data do not show that churn can be foretold: Habitué's AUROC of 0.550 [0.480, 0.620] is not told apart "
        "from chance, 0.5."
    )
    own["habitue"]["churn_auc"]["low"] = 0.501
    assert headline({"paired": rows, "models": own}).startswith("Habitué and LightGBM rank churn risk equally well")


def test_headline_names_a_simple_baseline_that_is_ahead() -> None:
    backtest = example.backtest()
    backtest["models"]["recency"]["churn_auc"]["mean"] = 0.9
    assert headline(backtest).endswith("The highest mean AUROC is that of Recency alone.")


def test_a_difference_of_errors_is_a_gain_when_it_is_negative() -> None:
    less_error = Comparison("value_mae", "lightgbm", -2.0, -3.0, -1.0)
    assert less_error.gain == (2.0, 1.0, 3.0)
    assert less_error.outcome == "better"
    assert Comparison("churn_brier", "lightgbm", 0.2, 0.1, 0.3).outcome == "worse"
    assert Comparison("churn_auc", "lightgbm", 0.2, 0.1, 0.3).outcome == "better"


def test_findings_leave_out_what_was_not_compared() -> None:
    rows = [paired("value_mae", "lightgbm", 1.4, 0.5, 2.3), paired("churn_auc", "recency", 0.1, 0.0, 0.2)]
    found = findings({"paired": rows})
    assert [(each.metric, each.answer, each.difference) for each in found] == [
        ("Mean absolute error", "No: it is worse", "+1.4 [+0.5, +2.3]")
    ]


def test_comparisons_of_other_models_or_unknown_metrics_are_passed_over() -> None:
    rows = [
        {**paired("churn_auc", "lightgbm", 0.1, 0.0, 0.2), "model": "rfm_logistic"},
        paired("churn_made_up", "lightgbm", 0.1, 0.0, 0.2),
    ]
    assert comparisons({"paired": rows}) == []


# The tables


def test_best_of_a_column_follows_the_metrics_direction() -> None:
    backtest = example.backtest()
    assert best_model(backtest, "churn_auc") == "habitue"
    assert best_model(backtest, "value_mae") == "lightgbm"
    assert best_model(backtest, "churn_ece") is None


def test_a_metric_that_a_model_lacks_is_an_en_dash() -> None:
    by_key = {row.key: row for row in tables.model_rows(example.backtest(), CHURN_METRICS)}
    assert [cell.mean for cell in by_key["recency"].cells] == ["0.812", "–", "–", "–"]
    assert [cell.best for cell in by_key["habitue"].cells] == [True, True, True, False]
    assert by_key["lightgbm"].cells[0].interval == "[0.849, 0.883]"
    assert by_key["recency"].seconds == "–"


def test_models_unknown_to_the_report_come_last_by_name() -> None:
    backtest = copy.deepcopy(example.backtest())
    for name in ("zebra_model", "another_model"):
        backtest["models"][name] = {"churn_auc": {"mean": 0.5, "low": 0.4, "high": 0.6}}
    labels = [row.label for row in tables.model_rows(backtest, CHURN_METRICS)]
    assert labels[0] == "Habitué"
    assert labels[-2:] == ["another model", "zebra model"]


def test_folds_are_listed_oldest_first_with_their_churners() -> None:
    folds = [
        {"cutoff": "2017-11-02T00:00:00", "customers": 2000, "churn_rate": 0.05},
        {"cutoff": "2017-10-03", "customers": 1000, "churn_rate": 0.1},
    ]
    rows = tables.fold_rows({"folds": folds})
    assert [(row.cutoff, row.customers, row.churners) for row in rows] == [
        ("2017-10-03", "1,000", "100"),
        ("2017-11-02", "2,000", "100"),
    ]
    assert rows[0].churn_rate == "10.0\N{NO-BREAK SPACE}%"


def test_reasons_are_summed_over_the_customers_whom_they_name() -> None:
    def reason(feature: str, contribution: float) -> dict[str, Any]:
        direction = "raises" if contribution > 0 else "lowers"
        return {"feature": feature, "label": feature.upper(), "value": 1, "contribution": contribution}, direction

    def listed(*pairs: tuple[dict[str, Any], str]) -> str:
        return json.dumps([entry | {"direction": direction} for entry, direction in pairs])

    scores = pd.DataFrame(
        {
            "reasons": [
                listed(reason("a", 0.5), reason("b", -0.9)),
                listed(reason("a", -0.3)),
                listed(reason("a", 0.4)),
                "[]",
            ]
        }
    )
    first, second = tables.reason_rows(scores)
    # a: |0.5| + |-0.3| + |0.4| = 1.2 over three customers; b: 0.9 over one
    assert (first.label, first.weight, first.named) == ("A", "0.400", "75\N{NO-BREAK SPACE}%")
    assert first.raising == "67\N{NO-BREAK SPACE}%"
    assert (second.label, second.weight, second.named) == ("B", "0.900", "25\N{NO-BREAK SPACE}%")
    assert second.raising == "0\N{NO-BREAK SPACE}%"
    assert (first.share, second.share) == (pytest.approx(4 / 9), 1.0)


def test_customers_are_the_active_ones_by_risk_times_value() -> None:
    scores = example.scores(4).assign(
        customer_id=["low", "high", "gone", "middle"],
        active=[True, True, False, True],
        churn_risk=[0.1, 0.5, 1.0, 0.2],
        churn_risk_low=[0.0, 0.4, 0.9, np.nan],
        churn_risk_high=[0.2, 0.6, 1.0, np.nan],
        expected_value=[10.0, 1000.0, 5000.0, 400.0],
    )
    rows = tables.customer_rows(scores, "EUR", count=2)
    assert [row.id for row in rows] == ["high", "middle"]
    assert rows[0].at_stake == "500\N{NO-BREAK SPACE}EUR"
    assert rows[0].risk_interval == "40.0 to 60.0"
    assert rows[1].risk_interval == "–"


def test_every_difference_is_listed_in_the_order_of_metrics_and_models() -> None:
    rows = comparisons(
        {"paired": [paired("value_mae", "recency", 1, 0.5, 2), paired("churn_auc", "recency", 0, -1, 1)]}
    )
    listed = [(row.metric, row.difference, row.outcome) for row in tables.difference_rows(rows)]
    assert listed == [
        ("AUROC", "0.000 [−1.000, +1.000]", "not distinguishable"),
        ("Mean absolute error", "+1.0 [+0.5, +2.0]", "worse"),
    ]


# The drawings


def points_of(chart: str, class_: str) -> list[tuple[float, float]]:
    line = next(each for each in ET.fromstring(chart).iter("path") if each.get("class") == class_)
    return [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", line.get("d", ""))]


def test_a_curve_runs_through_its_points() -> None:
    curve = {"false_positive_rate": [0, 0.5, 1], "true_positive_rate": [0, 0.75, 1]}
    chart = charts.curve_chart(
        "roc",
        {"habitue": {"roc": curve}},
        "roc",
        x="false_positive_rate",
        y="true_positive_rate",
        x_title="x",
        y_title="y",
        title="t",
        description="d",
    )
    assert chart is not None
    plot = svg.area((0, 1), (0, 1))
    left, right, bottom, top = plot.x.start, plot.x.end, plot.y.start, plot.y.end
    middle = ((left + right) / 2, bottom + 0.75 * (top - bottom))
    assert points_of(chart, "line series-subject") == [(left, bottom), middle, (right, top)]


def test_a_forest_puts_improvements_right_of_zero_whichever_way_the_metric_counts() -> None:
    for metric, difference in (("churn_auc", 2.0), ("value_mae", -2.0)):
        rows = [Comparison(metric, "lightgbm", difference, *sorted((difference / 2, difference * 1.5)))]
        chart = charts.forest_chart("forest", metric, rows)
        assert chart is not None
        root = ET.fromstring(chart)
        zero = next(float(each.get("x1", "")) for each in root.iter("line") if each.get("class") == "zero")
        estimate = next(each for each in root.iter("circle"))
        assert estimate.get("class") == "estimate decided"
        assert float(estimate.get("cx", "")) > zero


def test_charts_of_nothing_are_left_out() -> None:
    assert charts.forest_chart("f", "churn_auc", []) is None
    assert charts.reliability_chart("r", {}, ["habitue"]) is None
    assert charts.score_histogram("h", np.array([np.nan]), np.array([True])) is None


def test_the_histogram_counts_every_customer_once() -> None:
    scores = np.array([100.0, 100.0, 103.0, 106.0, np.nan])
    chart = charts.score_histogram("h", scores, np.array([True, False, True, True, True]))
    assert chart is not None
    bars = list(ET.fromstring(chart).iter("rect"))
    assert [each.get("class") for each in bars] == ["bar active", "bar inactive", "bar active", "bar active"]
    assert len({each.get("height") for each in bars}) == 1


def test_share_reached_lies_on_the_line_between_two_points() -> None:
    curve = {"share_contacted": [0, 0.2, 1], "share_of_churners": [0, 0.6, 1]}
    assert charts.share_reached(curve, 0.1, "share_of_churners") == pytest.approx(0.3)


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.integers(2, 8))
def test_ticks_are_within_the_range_and_evenly_apart(low: float, span: float, about: int) -> None:
    found = svg.ticks(low, low + span, about)
    tolerance = 1e-6 * (abs(low) + span)
    assert all(low - tolerance <= value <= low + span + tolerance for value in found)
    assert 1 <= len(found) <= 3 * about
    steps = np.diff(found)
    assert np.allclose(steps, steps[0] if len(steps) else 0, atol=tolerance)


def test_ticks_are_round() -> None:
    assert svg.ticks(0, 1) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert svg.ticks(99.3, 104.2) == pytest.approx([100, 101, 102, 103, 104])
    assert svg.ticks(3, 3) == [3]


@pytest.mark.parametrize("key", ["habitue", "lightgbm", "habitue_without_graph", "rfm_logistic", "something_else"])
def test_every_model_can_be_drawn(key: str) -> None:
    assert ET.fromstring(charts.legend_sample(key)).find("path") is not None


def test_the_main_models_differ_in_more_than_colour() -> None:
    main = [model_name(key) for key in ("habitue", "lightgbm", "habitue_without_graph")]
    assert len({each.marker for each in main}) == 3
    assert len({each.style for each in main}) == 3


# Numbers as text


@pytest.mark.parametrize(
    ("value", "decimals", "signed", "text"),
    [
        (1234567.891, 1, False, "1,234,567.9"),
        (-0.5, 2, False, "−0.50"),
        (0.5, 2, True, "+0.50"),
        (-0.001, 2, True, "0.00"),
        (float("nan"), 2, False, "–"),
        (float("inf"), 0, False, "–"),
        (None, 0, False, "–"),
    ],
)
def test_number(value: float | None, decimals: int, signed: bool, text: str) -> None:
    assert numbers.number(value, decimals, signed=signed) == text


def test_units_stay_with_their_numbers() -> None:
    assert numbers.percent(0.1234, 1) == "12.3\N{NO-BREAK SPACE}%"
    assert numbers.money(1200.4, "EUR") == "1,200\N{NO-BREAK SPACE}EUR"
    assert numbers.money(1200.4, "") == "1,200"
    assert numbers.money(None, "EUR") == "–"
    assert numbers.duration(90) == "90.0\N{NO-BREAK SPACE}s"
    assert numbers.duration(600) == "10.0\N{NO-BREAK SPACE}min"
    assert numbers.interval(0.1, float("nan"), 1) == "–"


def test_metrics_of_the_report_are_those_of_the_backtest_contract() -> None:
    assert set(METRICS) == {
        "churn_auc",
        "churn_average_precision",
        "churn_brier",
        "churn_ece",
        "value_mae",
        "value_rmse",
        "value_spearman",
        "value_top_decile_capture",
    }
