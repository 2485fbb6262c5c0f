"""The synthetic retailer: its ground truth is calibrated and exact, its files are deterministic, sized and loadable."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.stats import norm

import habitue
from bench.synthetic.__main__ import main
from bench.synthetic.baskets import MEAN_QUANTITY
from bench.synthetic.behaviour import draw_spells
from bench.synthetic.customers import Traits, draw_traits
from bench.synthetic.generate import generate
from bench.synthetic.settings import EFFECT_DAYS, HISTORY, START, FloatArray, Settings
from bench.synthetic.truth import forecast
from bench.synthetic.world import World, make_world
from habitue.errors import UsageError

#: 20,000 customers and 400 days.
CALIBRATED = Settings(customers=20_000, interactions=240_000, seed=11, days=400)
SMALL = Settings(customers=1_000, interactions=20_000, seed=3, days=300, increments=2, increment_rows=1_000)


@dataclass(frozen=True, eq=False)
class Shop:
    """A generated folder, with its order lines as read back."""

    folder: Path
    lines: pd.DataFrame


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("calibrated") / "shop"
    generate(folder, CALIBRATED)
    return Shop(folder, table(folder, "orders-*.parquet"))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small") / "shop"
    generate(folder, SMALL)
    return folder


def table(folder: Path, name: str) -> pd.DataFrame:
    frame: pd.DataFrame = pa.concat_tables([pq.read_table(path) for path in sorted(folder.glob(name))]).to_pandas()
    return frame


def true_and_seen(shop: Shop, cutoff: date, days: int) -> pd.DataFrame:
    """The truth at a cutoff, with the orders and the amount that the tables hold in the horizon."""
    start = pd.Timestamp(cutoff)
    at = shop.lines["ordered_at"]
    window = shop.lines[(at >= start) & (at < start + pd.Timedelta(days=days))]
    seen = window.groupby("customer_id").agg(orders=("order", "nunique"), amount=("total", "sum"))
    truth = table(shop.folder / "truth", f"cutoff-{cutoff}.parquet").set_index("customer_id")
    return truth.join(seen).fillna({"orders": 0, "amount": 0.0})


def observed(settings: Settings) -> list[tuple[date, int]]:
    """Cutoffs and horizons whose outcomes are in the data."""
    return [
        (cutoff, days)
        for cutoff in settings.cutoffs
        for days in (30, 60)
        if cutoff + timedelta(days=days) <= settings.end
    ]


def largest(scores: int) -> float:
    """What none of so many standard scores exceeds in 999 of 1,000 seeds, whether or not they are independent."""
    return float(norm.isf(0.001 / 2 / scores))


def deviations(outcome: FloatArray, probability: FloatArray) -> FloatArray:
    """Standard scores of the number of outcomes in each tenth of the customers by probability."""
    by_probability = np.argsort(probability, kind="stable")
    return np.array([
        (outcome[tenth] - probability[tenth]).sum() / np.sqrt((probability[tenth] * (1 - probability[tenth])).sum())
        for tenth in np.array_split(by_probability, 10)
    ])  # fmt: skip


# Ground truth


def test_true_probabilities_agree_with_what_happened(calibrated: Shop) -> None:
    cases = observed(CALIBRATED)
    assert len(cases) >= 6
    bound = largest(10 * len(cases))
    for cutoff, days in cases:
        frame = true_and_seen(calibrated, cutoff, days)
        probability = frame[f"no_purchase_{days}"].to_numpy(float)
        nothing = (frame["orders"] == 0).to_numpy().astype(np.float64)
        assert np.abs(deviations(nothing, probability)).max() < bound, (cutoff, days)
        # The same judge refuses probabilities that are 5 % off.
        assert np.abs(deviations(nothing, probability * 0.95)).max() > bound, (cutoff, days)


@pytest.mark.parametrize("group", ["active", "responding"])
def test_true_probabilities_hold_within_each_state(calibrated: Shop, group: str) -> None:
    bound = largest(2 * len(observed(CALIBRATED)))
    groups = set()
    for cutoff, days in observed(CALIBRATED):
        frame = true_and_seen(calibrated, cutoff, days)
        for value, part in frame.groupby(group):
            groups.add(value)
            probability = part[f"no_purchase_{days}"].astype(float)
            excess = ((part["orders"] == 0) - probability).sum()
            assert abs(excess) < bound * math.sqrt((probability * (1 - probability)).sum()), (cutoff, days, value)
    assert groups == {False, True}


@pytest.mark.parametrize("what", ["orders", "amount"])
def test_expected_orders_and_amounts_agree_with_what_happened(calibrated: Shop, what: str) -> None:
    cases = observed(CALIBRATED)
    bound = largest(len(cases))
    for cutoff, days in cases:
        frame = true_and_seen(calibrated, cutoff, days)
        excess = frame[what] - frame[f"expected_{what}_{days}"].astype(float)
        assert abs(excess.sum()) < bound * excess.std() * math.sqrt(len(excess)), (cutoff, days)


def by_enumeration(
    settings: Settings, world: World, traits: Traits, who: int, active: bool, responding: bool, cutoff: int, days: int
) -> tuple[float, float]:
    """Probability of no order, and expected orders, summed over every path of states and every response."""
    nothing = expected = 0.0
    # No more than one campaign begins to work within the days that the test asks for.
    begins = [c for c, day in enumerate(world.campaign_day) if cutoff <= day < cutoff + days - 1]
    share = traits.contact[who, begins[0]] * traits.responsiveness[who] if begins else 0.0
    for path in itertools.product((True, False), repeat=days):
        if path[0] != active:
            continue
        chance = 1.0
        for at, (now, then) in enumerate(itertools.pairwise(path)):
            hazard = traits.lapse[who] * world.wave[traits.community[who], cutoff + at] if now else traits.comeback[who]
            chance *= math.exp(-hazard) if now == then else 1 - math.exp(-hazard)
        for responds in (True, False):
            weight = chance * (share if responds else 1 - share)
            orders = 0.0
            for at, is_active in enumerate(path):
                day = cutoff + at
                known = responding and any(c < cutoff <= day <= c + EFFECT_DAYS for c in world.campaign_day)
                new = responds and bool(begins) and world.campaign_day[begins[0]] < day
                orders += is_active * traits.rate[who] * world.season[day] * (1 + settings.lift * (known or new))
            nothing += weight * math.exp(-orders)
            expected += weight * orders
    return nothing, expected


@pytest.mark.parametrize("offset", [-1, -6, 1, EFFECT_DAYS - 2])  # around a campaign's contacts
def test_recursion_is_the_sum_over_all_paths(offset: int) -> None:
    world = make_world(SMALL)
    traits = draw_traits(SMALL, world, SMALL.random(HISTORY), range(4), 0.4, 0.6)
    cutoff = int(world.campaign_day[8]) + offset
    works = any(day < cutoff <= day + EFFECT_DAYS for day in world.campaign_day)
    who = np.repeat(np.arange(4), 4)
    active = np.tile([True, True, False, False], 4)
    responding = np.tile([True, False], 8) & works
    nothing, orders, _ = forecast(SMALL, world, traits, who, active, responding, cutoff, 2.5, horizons=(1, 3, 7))
    for column, days in enumerate((1, 3, 7)):
        for row in range(len(who)):
            state = bool(active[row]), bool(responding[row])
            wanted = by_enumeration(SMALL, world, traits, int(who[row]), *state, cutoff, days)
            assert (nothing[column, row], orders[column, row]) == pytest.approx(wanted, rel=1e-12)


def test_expected_amount_is_orders_times_lines_times_price() -> None:
    settings = Settings(customers=1_000, interactions=20_000, drift=0.0)
    world = make_world(settings)
    traits = draw_traits(settings, world, settings.random(HISTORY), range(50), 0.1, 0.1)
    who, active = np.arange(50), np.ones(50, bool)
    _, orders, amount = forecast(settings, world, traits, who, active, ~active, 400, 2.5)
    catalogue, popularity = world.catalogue, np.diff(world.catalogue.reach)
    for customer in range(50):
        price = 0.0
        for department, share in enumerate(traits.taste_start[customer]):
            whole = catalogue.department == department
            own = whole & (catalogue.style == traits.community[customer])
            means = [np.average(catalogue.price[each], weights=popularity[each]) for each in (whole, own)]
            price += share * np.mean(means)  # half of the lines are bought in the community's own style
        assert amount[:, customer] == pytest.approx(orders[:, customer] * 2.5 * MEAN_QUANTITY * price)


def test_states_change_with_the_hazards() -> None:
    settings = Settings(customers=20_000, interactions=400_000, seed=5)
    world = make_world(settings)
    random = settings.random(HISTORY)
    traits = draw_traits(settings, world, random, range(20_000), 0.03, 0.05)
    spells = draw_spells(settings, world, random, traits)
    everybody = np.arange(20_000)
    bound = largest(6)
    for day in (50, 333, 700):
        now = spells.active_on(everybody, np.full(20_000, day))
        then = spells.active_on(everybody, np.full(20_000, day + 1))
        wave = world.wave[traits.community, day]
        for state, hazard in ((True, traits.lapse * wave), (False, traits.comeback)):
            there = (now == state) & (traits.joined <= day)
            chance = -np.expm1(-hazard[there])
            excess = (then[there] != state).sum() - chance.sum()
            assert abs(excess) < bound * math.sqrt((chance * (1 - chance)).sum()), (day, state)


def test_lines_follow_the_tastes(calibrated: Shop) -> None:
    truth = table(calibrated.folder / "truth", "customers.parquet").set_index("customer_id")
    lines = calibrated.lines.merge(table(calibrated.folder, "products.parquet"), on="sku")
    names = json.loads((calibrated.folder / "truth" / "process.json").read_text())["departments"]
    day = (lines["ordered_at"].dt.normalize() - pd.Timestamp(START)).dt.days.to_numpy()
    later = (day / CALIBRATED.days)[:, None]
    at = truth.index.get_indexer(pd.Index(lines["customer_id"]))
    start, end = (np.stack(list(truth[name]))[at].astype(float) for name in ("taste_start", "taste_end"))
    taste = (1 - later) * start + later * end
    bought = lines["department"].to_numpy()[:, None] == np.array(names)
    excess = (bought - taste).sum(axis=0)
    assert np.abs(excess / np.sqrt((taste * (1 - taste)).sum(axis=0))).max() < largest(len(names))


# Shape


def test_purchases_are_heavy_tailed_and_customers_differ(calibrated: Shop) -> None:
    lines = calibrated.lines
    sold = lines["sku"].value_counts()
    assert sold.iloc[: CALIBRATED.product_count // 10].sum() > 0.5 * len(lines)
    orders = lines.groupby("customer_id")["order"].nunique()
    assert orders.var() > 3 * orders.mean()  # equal customers would give a ratio of 1


def test_weeks_and_years_have_seasons(small: Path) -> None:
    season = np.array(json.loads((small / "truth" / "process.json").read_text())["season"])
    days = pd.date_range(START, periods=len(season))
    assert season[: SMALL.days].mean() == pytest.approx(1.0)
    assert season[days.day_of_week == 5].mean() > 1.4 * season[days.day_of_week == 0].mean()
    week = pd.Series(season, days).rolling(7).mean()
    assert week["2024-12-10"] > 1.3 * week["2024-08-01"]


@pytest.mark.parametrize(("customers", "interactions"), [(1_000, 20_000), (3_000, 12_000), (2_000, 300_000)])
def test_there_are_as_many_interactions_as_asked_for(tmp_path: Path, customers: int, interactions: int) -> None:
    rows = generate(tmp_path / "shop", Settings(customers, interactions, days=300))
    total = sum(rows[name] for name in ("orders", "returns", "contacts", "redemptions"))
    assert total == pytest.approx(interactions, rel=0.02)
    assert rows["customers"] == customers


def test_ends_of_all_interactions_are_in_the_tables(small: Path) -> None:
    customers = set(table(small, "customers.parquet")["customer_id"])
    products = set(table(small, "products.parquet")["sku"])
    campaigns = set(table(small, "campaigns.parquet")["campaign_id"])
    orders = table(small, "orders-*.parquet")
    returns, contacts = table(small, "returns-*.parquet"), table(small, "contacts-*.parquet")
    redemptions = table(small, "redemptions-*.parquet")
    for frame in (orders, returns, contacts, redemptions):
        assert len(frame)
        assert frame.iloc[:, 0].is_unique
        assert set(frame["customer_id"]) <= customers
    assert set(orders["sku"]) | set(returns["sku"]) <= products
    assert set(contacts["campaign_id"]) | set(redemptions["campaign_id"]) <= campaigns
    bought = orders.groupby(["order", "sku"])["ordered_at"].min().rename("bought")
    returned = returns.join(bought, on=["order", "sku"])
    assert (returned["returned_at"] > returned["bought"]).all()
    contact = contacts.groupby(["customer_id", "campaign_id"])["contacted_at"].min().rename("contact")
    redeemed = redemptions.join(contact, on=["customer_id", "campaign_id"])
    assert (redeemed["redeemed_at"] > redeemed["contact"]).all()
    last = max(each.max() for each in (orders["ordered_at"], returns["returned_at"]))
    assert last < pd.Timestamp(SMALL.end)


# Files


def test_equal_settings_give_equal_bytes(small: Path, tmp_path: Path) -> None:
    threads = pa.cpu_count()
    pa.set_cpu_count(threads + 1)
    try:
        generate(tmp_path / "again", SMALL)
    finally:
        pa.set_cpu_count(threads)
    paths = sorted(each.relative_to(small) for each in small.rglob("*") if each.is_file())
    assert paths == sorted(each.relative_to(tmp_path / "again") for each in (tmp_path / "again").rglob("*.*"))
    for path in paths:
        assert (small / path).read_bytes() == (tmp_path / "again" / path).read_bytes(), path


def test_another_seed_gives_other_customers(small: Path, tmp_path: Path) -> None:
    generate(tmp_path / "other", Settings(customers=1_000, interactions=20_000, seed=4, days=300))
    name = "customers.parquet"
    assert (small / name).read_bytes() != (tmp_path / "other" / name).read_bytes()


def test_data_set_and_increments_load(small: Path, tmp_path: Path) -> None:
    rows = json.loads((small / "truth" / "process.json").read_text())["rows"]
    base = set(table(small, "orders-*.parquet")["line_id"])
    with habitue.Engine.open(tmp_path / "workspace") as engine:
        report = engine.load(str(small / "dataset.toml"))
        assert report.loaded == {
            "PURCHASED": rows["orders"],
            "RETURNED": rows["returns"],
            "CONTACTED": rows["contacts"],
            "REDEEMED": rows["redemptions"],
        }
        assert (report.repeated, report.guests, report.quarantined, report.ignored_columns) == (0, 0, {}, {})
        assert {name: report.nodes[name] for name in ("Customer", "Product")} == {"Customer": 1_000, "Product": 2_000}
        for number in (1, 2):
            folder = small / "increments" / f"day-{number:04d}"
            expected = json.loads((folder / "expected.json").read_text())
            lines = table(folder, "orders-*.parquet")
            day = pd.Timestamp(SMALL.end) + pd.Timedelta(days=number - 1)
            assert len(lines) == expected["rows"] == SMALL.increment_rows
            new = lines[~lines["line_id"].isin(base)]
            assert len(new) == expected["new"]
            assert (new["ordered_at"] < day).sum() == expected["late"]
            assert (new["ordered_at"] < day + pd.Timedelta(days=1)).all()
            report = engine.load(str(folder / "dataset.toml"))
            assert report.loaded == {"PURCHASED": expected["new"]}
            assert report.corrected == {"PURCHASED": expected["corrected"]}
            assert report.nodes == {"Customer": expected["new_customers"]}
        again = engine.load(str(folder / "dataset.toml"))
        assert (again.changed, dict(again.unchanged)) == (False, {"PURCHASED": SMALL.increment_rows})


def test_command_line_writes_and_refuses_to_overwrite(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = [str(tmp_path / "shop"), "--customers", "1000", "--days", "200"]
    assert main(command) == 0
    assert "customers            1,000" in capsys.readouterr().out
    assert main(command) == 2
    assert "is not empty" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [{"customers": 10}, {"interactions": 1_500}, {"days": 20}, {"seed": -1}])
def test_settings_out_of_range_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="must lie within"):
        Settings(**{"customers": 1_000, "interactions": 20_000} | wrong)
