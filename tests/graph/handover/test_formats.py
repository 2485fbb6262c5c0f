"""Each format read back by the library it is meant for."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import networkx
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graph.handover.extract import Extract
from graph.handover.graphml import token, write_graphml
from graph.handover.hetero import load_hetero_data, to_hetero_data, write_hetero_data
from graph.handover.memory import ROW_BYTES, read_graph, to_networkx, to_pandas
from graph.handover.parquet import ParquetGraph, write_parquet
from graph.handover.selection import Selection
from graph.store import GraphStore
from habitue.errors import HabitueError, UsageError

NAMESPACE = "{http://graphml.graphdrawing.org/xmlns}"
COUNTS = {"Customer": 4, "Product": 3, "Category": 5, "Brand": 2, "Campaign": 1, "PropertyValue": 7,
          "PURCHASED": 5, "CONTACTED": 1, "IN_CATEGORY": 3, "CHILD_OF": 3, "MADE_BY": 2}  # fmt: skip


def parquet(store: GraphStore, folder: Path, selection: Selection | None = None) -> ParquetGraph:
    return write_parquet(Extract(store, selection or Selection()), folder)


# Parquet


def test_parquet_is_read_by_pyarrow_as_the_manifest_says(shop_store: GraphStore, tmp_path: Path) -> None:
    written = parquet(shop_store, tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert {name: written.counts[name] for name in COUNTS} == COUNTS
    for kind in ("nodes", "relationships"):
        for name, facts in manifest[kind].items():
            path = tmp_path / "out" / kind / (f"{name}.parquet" if kind == "nodes" else name)
            found = ds.dataset(path).to_table()
            assert len(found) == facts["count"]
            assert {field.name: str(field.type) for field in found.schema} == facts["columns"]
    purchased = ds.dataset(tmp_path / "out" / "relationships" / "PURCHASED").to_table().sort_by("id")
    assert purchased["source"].to_pylist() == ["ann", "ann", "bob", "bob", "cyd"]
    assert purchased["amount"].to_pylist() == [12.5, 30.25, 20.0, 8.0, 99.0]
    ends = manifest["relationships"]["HAS_PROPERTY"]["ends"]
    assert [(end["from"], end["to"]) for end in ends] == [
        ("Customer", "PropertyValue"), ("Product", "PropertyValue"), ("Campaign", "PropertyValue")
    ]  # fmt: skip
    assert sum(end["count"] for end in ends) == manifest["relationships"]["HAS_PROPERTY"]["count"]


def test_many_small_tables_become_few_groups_and_files_roll(
    shop_store: GraphStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graph.handover.parquet._ROWS_OF_GROUP", 2)
    monkeypatch.setattr("graph.handover.parquet._ROWS_OF_FILE", 2)
    table = ds.dataset(parquet(shop_store, tmp_path / "whole").directory / "relationships" / "PURCHASED").to_table()
    pieces = [table.slice(row, 1).rename_columns(["customer", *table.column_names[1:]]) for row in range(5)]
    monkeypatch.setattr(shop_store, "interactions", lambda name: iter(pieces if name == "PURCHASED" else []))
    written = parquet(shop_store, tmp_path / "pieces")
    files = written.manifest["relationships"]["PURCHASED"]["ends"][0]["files"]
    assert [len(ds.dataset(written.directory / file).to_table()) for file in files] == [2, 2, 1]
    assert written.counts["PURCHASED"] == 5


# GraphML


def test_graphml_is_read_by_networkx(shop_store: GraphStore, tmp_path: Path) -> None:
    written = parquet(shop_store, tmp_path / "parts", Selection(derived=True))
    assert write_graphml(written, tmp_path / "graph.graphml") == 0
    graph = networkx.read_graphml(tmp_path / "graph.graphml")
    assert isinstance(graph, networkx.MultiDiGraph)  # bob bought p1 twice
    assert graph.nodes["Product:p1"] == {
        "label": "Product", "id": "p1", "name": 'Knife <&> "sharp"', "price": 12.5, "stub": False
    }  # fmt: skip
    assert graph.nodes["Customer:ann"]["churn_risk"] == 0.25
    assert "churn_risk" not in graph.nodes["Customer:cyd"]
    bought = graph["Customer:bob"]["Product:p1"]
    assert {key: facts["amount"] for key, facts in bought.items()} == {"PURCHASED:3": 20.0, "PURCHASED:4": 8.0}
    assert bought["PURCHASED:3"]["known_at"] == "2024-02-10T00:00:00.000"
    assert graph["Customer:ann"]["Product:p1"]["PURCHASED:1"]["at"] == "2024-02-01T10:00:00.123"
    ends = {(source, target) for source, target, facts in graph.edges(data=True) if facts["type"] == "SIMILAR_TO"}
    assert ends == {("Customer:ann", "Customer:bob"), ("Customer:bob", "Customer:ann")}
    in_categories = [each for each in graph.edges(data="type") if each[2] == "IN_CATEGORY"]
    assert ("Product:p2", "Category:KITCHEN_x002F_POTS", "IN_CATEGORY") in in_categories
    counts = written.counts
    assert graph.number_of_nodes() == sum(counts[name] for name in counts if name[1].islower())
    assert graph.number_of_edges() == sum(counts[name] for name in counts if name.isupper())


def test_graphml_with_ids_and_names_that_xml_cannot_hold(tmp_path: Path) -> None:
    ids = ["a b", "a_x0020_b", "é/漢🙂", "\x01", "\x02", "<&\">'", "\ttab\nline\rreturn", "_x", "x"]
    names = ["ok", "bell \x07, twice \x07", "\ufffe", None, "]]>", " spaces ", "\r\n", "<b>", "&amp;"]
    graph = ParquetGraph(tmp_path, {"dataset": "odd & <shop>", "nodes": {}, "relationships": {}})
    table = pa.table({"id": pa.array(ids, pa.string()), "name": pa.array(names, pa.string())})
    columns = {"id": "string", "name": "string"}
    graph.manifest["nodes"] = {"Customer": {"count": len(ids), "files": ["n.parquet"], "columns": columns}}
    pq.write_table(table, tmp_path / "n.parquet")
    links = pa.table({"source": ids[:-1], "target": ids[1:], "id": ids[:-1]})
    pq.write_table(links, tmp_path / "e.parquet")
    ends = [{"from": "Customer", "to": "Customer", "count": 8, "files": ["e.parquet"]}]
    columns = {"source": "string", "target": "string", "id": "string"}
    graph.manifest["relationships"] = {"LIKES": {"count": 8, "ends": ends, "columns": columns}}
    replaced = write_graphml(graph, tmp_path / "odd.graphml")
    assert replaced == 2 + 2 + 1 + 2  # of two ids, of two names, of the same two ids on edges
    root = ElementTree.parse(tmp_path / "odd.graphml").getroot()
    nodes = root.findall(f"./{NAMESPACE}graph/{NAMESPACE}node")
    assert [node.get("id") for node in nodes] == [f"Customer:{token(each)}" for each in ids]
    assert len({node.get("id") for node in nodes}) == len(ids)
    told = [{each.get("key"): each.text for each in node} for node in nodes]
    legal = [each.replace("\x01", "\ufffd").replace("\x02", "\ufffd") for each in ids]
    assert [each["node_id"] for each in told] == legal
    assert [each.get("node_name") for each in told] == [
        "ok", "bell \ufffd, twice \ufffd", "\ufffd", None, "]]>", " spaces ", "\r\n", "<b>", "&amp;"
    ]  # fmt: skip
    assert networkx.read_graphml(tmp_path / "odd.graphml").number_of_edges() == 8


def decoded(text: str) -> str:
    return re.sub("_x([0-9A-F]{8}|[0-9A-F]{4})_", lambda match: chr(int(match[1], 16)), text)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]) | st.sampled_from("_x05F ")))
def test_tokens_are_one_to_one(text: str) -> None:
    made = token(text)
    assert all(each.isascii() and (each.isalnum() or each in "-.:_") for each in made)
    assert decoded(made) == text


# In memory


def test_pandas(shop_store: GraphStore) -> None:
    frames = to_pandas(read_graph(shop_store, Selection(), "pandas"))
    assert {name: len(frames[name]) for name in COUNTS} == COUNTS
    spent = frames["PURCHASED"].groupby("source")["amount"].sum().to_dict()
    assert spent == {"ann": 42.75, "bob": 28.0, "cyd": 99.0}
    assert frames["PURCHASED"]["at"].is_monotonic_increasing
    assert frames["PURCHASED"]["at"].iloc[0] == pd.Timestamp("2024-02-01T10:00:00.123")
    assert set(frames["HAS_PROPERTY"]["source_label"]) == {"Customer", "Product", "Campaign"}
    assert "source_label" not in frames["PURCHASED"]


def test_networkx(shop_store: GraphStore) -> None:
    graph = to_networkx(read_graph(shop_store, Selection(derived=True), "networkx"))
    assert graph.number_of_edges("Customer:bob", "Product:p1") == 2
    assert graph["Customer:bob"]["Product:p1"]["PURCHASED:4"]["at"] == datetime(2024, 2, 7, 10)
    assert graph["Customer:ann"]["Customer:bob"]["SIMILAR_TO"] == {"type": "SIMILAR_TO", "score": 0.9, "model": "run-1"}
    assert graph.nodes["Customer:idle"] == {"id": "idle", "label": "Customer"}
    assert [each[1] for each in graph.in_edges("Product:p1")] == ["Product:p1"] * 3


def test_hetero_data(shop_store: GraphStore) -> None:
    graph = read_graph(shop_store, Selection(derived=True), "pyg")
    data = to_hetero_data(graph)
    assert data.validate()
    assert data["Customer"].node_id == ["ann", "bob", "cyd", "idle"]
    assert data["Customer"].num_nodes == 4
    assert np.array_equal(data["Customer"].churn_risk.numpy(), [0.25, 0.5, np.nan, np.nan], equal_nan=True)
    assert np.array_equal(data["Product"].price.numpy(), [12.5, np.nan, np.nan], equal_nan=True)
    bought = data["Customer", "PURCHASED", "Product"]
    assert bought.edge_index.dtype == torch.int64
    assert bought.edge_index.tolist() == [[0, 0, 1, 1, 2], [0, 1, 0, 0, 2]]
    assert bought.amount.tolist() == [12.5, 30.25, 20.0, 8.0, 99.0]
    first = pd.Timestamp("2024-02-01T10:00:00.123").value // 1_000_000
    assert bought.time[0].item() == first
    assert bought.known_at.tolist()[0] == first
    assert bought.known_at.tolist()[4] == pd.Timestamp("2024-03-05").value // 1_000_000
    assert "rating" not in bought
    assert data["Customer", "IN_AUDIENCE", "Audience"].rank.tolist() == [1.0]


def test_hetero_data_from_disk_is_the_same(shop_store: GraphStore, tmp_path: Path) -> None:
    graph = read_graph(shop_store, Selection(derived=True), "pyg")
    data, kept = write_hetero_data(graph, tmp_path / "out"), load_hetero_data(tmp_path / "out")
    assert sorted(each.suffix for each in (tmp_path / "out").iterdir()) == [".json", ".safetensors"]
    assert kept.validate()
    assert kept.metadata() == data.metadata()
    for one, other in zip(data.node_stores + data.edge_stores, kept.node_stores + kept.edge_stores, strict=True):
        assert set(one.keys()) == set(other.keys())
        for name, value in one.items():
            same = torch.equal(value.nan_to_num(-1), other[name].nan_to_num(-1)) if hasattr(value, "dtype") else (
                value == other[name])  # fmt: skip
            assert same, name


def test_what_is_no_export_for_pyg_is_refused(tmp_path: Path) -> None:
    (tmp_path / "graph.json").write_text('{"format": "something else"}')
    with pytest.raises(HabitueError, match="format"):
        load_hetero_data(tmp_path)
    with pytest.raises(HabitueError, match="holds no graph"):
        load_hetero_data(tmp_path / "nowhere")


def test_what_is_too_large_for_memory_is_refused(shop_store: GraphStore) -> None:
    limit = 6 * ROW_BYTES["networkx"]
    with pytest.raises(UsageError, match="nodes and relationships"):
        read_graph(shop_store, Selection(), "networkx", memory_limit=limit)
    few = Selection.of(["PURCHASED"], since=datetime(2024, 2, 20))  # a purchase, a customer, a product
    assert len(to_networkx(read_graph(shop_store, few, "networkx", memory_limit=limit))) == 2
