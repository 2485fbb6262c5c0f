import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.centrality import bipartite, core_number, pagerank


def random_shop(seed: int, customers: int, products: int, share: float) -> sparse.csr_array:
    """Weights of who bought what; some bought nothing, and some products nobody did."""
    generator = np.random.default_rng(seed)
    bought = generator.random((customers, products)) < share
    return sparse.csr_array(bought * (0.05 + generator.random((customers, products))))


shops = st.builds(random_shop, st.integers(0, 2**31), st.integers(1, 14), st.integers(1, 14), st.floats(0, 1))


def graph_of(adjacency: sparse.csr_array) -> "nx.Graph[int]":
    return nx.from_scipy_sparse_array(adjacency)


@settings(max_examples=60, deadline=None)
@given(shops)
def test_both_measures_equal_networkx_on_any_shop(biadjacency: sparse.csr_array) -> None:
    adjacency = bipartite(biadjacency)
    graph = graph_of(adjacency)
    ranks = nx.pagerank(graph, alpha=0.85, tol=1e-13, max_iter=1000)
    assert pagerank(adjacency).tolist() == pytest.approx([ranks[node] for node in graph], abs=1e-9)
    cores = nx.core_number(graph)
    assert core_number(adjacency).tolist() == [cores[node] for node in graph]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 60), st.floats(0, 0.4))
def test_core_numbers_equal_networkx_on_any_graph(seed: int, size: int, share: float) -> None:
    graph = nx.gnp_random_graph(size, share, seed=seed)
    adjacency = sparse.csr_array(nx.to_scipy_sparse_array(graph, nodelist=range(size)))
    cores = nx.core_number(graph)
    assert core_number(adjacency).tolist() == [cores[node] for node in range(size)]


def test_core_numbers_by_hand() -> None:
    # A triangle with a tail of two, and one alone: 2 2 2, 1 1, 0.
    graph = nx.Graph([(0, 1), (1, 2), (2, 0), (2, 3), (3, 4)])
    graph.add_node(5)
    adjacency = sparse.csr_array(nx.to_scipy_sparse_array(graph, nodelist=range(6)))
    assert core_number(adjacency).tolist() == [2, 2, 2, 1, 1, 0]


def test_customers_come_first_in_the_bipartite_adjacency() -> None:
    adjacency = bipartite(sparse.csr_array(np.array([[2.0, 0.0, 3.0]])))
    assert adjacency.toarray().tolist() == [[0, 2, 0, 3], [2, 0, 0, 0], [0, 0, 0, 0], [3, 0, 0, 0]]


def test_pagerank_of_a_directed_graph_with_a_dangling_node_equals_networkx() -> None:
    graph = nx.gnp_random_graph(25, 0.12, seed=4, directed=True)
    graph.remove_edges_from(list(graph.out_edges(7)))
    generator = np.random.default_rng(1)
    for _, _, data in graph.edges(data=True):
        data["weight"] = float(generator.random()) + 0.1
    matrix = sparse.csr_array(nx.to_scipy_sparse_array(graph, nodelist=range(25), weight="weight"))
    assert graph.out_degree(7) == 0
    expected = nx.pagerank(graph, alpha=0.85, tol=1e-12, max_iter=500)
    assert pagerank(matrix).tolist() == pytest.approx([expected[node] for node in range(25)], abs=1e-9)
