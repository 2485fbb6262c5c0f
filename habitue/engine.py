"""The front door in Python: one object with the verbs of the command line and the API.

with habitue.Engine.open("my-workspace") as engine:
engine.load("complete-journey")
engine.train()
engine.score()
print(engine.churn_risk("1228"))
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graph.catalogue import resolve_source
from graph.handover.selection import MEMORY_LIMIT, Selection
from graph.loading import LoadReport, load
from graph.opening import open_store
from graph.store import GraphStore, Progress, QueryLimits, Rows, no_progress
from habitue.errors import HabitueError, NothingLoadedError
from habitue.settings import Settings
from habitue.workspace import Workspace

if TYPE_CHECKING:
    from types import TracebackType

    import networkx as nx
    import pandas as pd
    from torch_geometric.data import HeteroData

    from gnn.backtest import BacktestResult
    from gnn.baselines.registry import Extent
    from graph.description import GraphDescription
    from graph.events import EventsReport
    from graph.statistics import GraphStatistics
    from habitue.answers import SortKey
    from habitue.audience_run import KeptAudience
    from habitue.doctor import Diagnosis
    from habitue.erasure import ErasureReport
    from habitue.exports import Exported
    from habitue.moving import Moved
    from habitue.published import Publication
    from habitue.runs import RunManifest
    from habitue.status import Status
    from habitue.views import (
        ChurnRiskPage,
        ChurnRiskView,
        CustomerView,
        HyperscoreView,
        NeighbourhoodView,
        RecommendationsView,
        SimilarCustomer,
        SimilarProduct,
    )


class Engine:
    """A workspace and a store. Reading is safe from several threads; writing takes the workspace's lock."""

    def __init__(self, settings: Settings, *, read_only: bool = False, publisher: str = "python") -> None:
        self.settings = settings
        self.read_only = read_only
        self.publisher = publisher
        self.workspace = Workspace(Path(settings.workspace))

    @classmethod
    def open(
        cls,
        workspace: str | Path | None = None,
        store: str | None = None,
        *,
        read_only: bool = False,
        publisher: str = "python",
    ) -> Engine:
        """Open a workspace; what is not given comes from the environment (`HABITUE_WORKSPACE`, `HABITUE_STORE`, …).

        Args:
            workspace: Directory; made when something is first written.
            store: Address of the graph store; the embedded one inside the workspace by default.
            read_only: Never write, as serving processes do.
            publisher: Named in the runs that are made.
        """
        given = {"workspace": workspace and Path(workspace), "store": store}
        settings = Settings(**{name: value for name, value in given.items() if value})  # type: ignore[arg-type]
        return cls(settings, read_only=read_only, publisher=publisher)

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the store."""
        if "store" in self.__dict__:
            self.store.close()

    @cached_property
    def store(self) -> GraphStore:
        """The graph store, opened on first use."""
        return open_store(self.settings, read_only=self.read_only)

    @cached_property
    def publication(self) -> Publication:
        """The published run."""
        from habitue.published import Publication

        return Publication(self.workspace)

    # -- writing ----------------------------------------------------------------------------------------------------

    def load(
        self, source: str, *, merge: bool = True, vectors: bool = True, progress: Progress = no_progress
    ) -> LoadReport:
        """Load a data set by name or by its `dataset.toml`; loading it again changes nothing.

        Args:
            source: Its name or path.
            merge: Afterwards do at once what the store has put off, when that has become much.
            vectors: Where a run is published, renew the vectors of customers with new events afterwards.
            progress: Called with what is being done.
        """
        with self.workspace.writing(f"loading {source}"):
            dataset = resolve_source(source, lambda: self.workspace.path / "sources" / source)
            report = load(self.store, dataset, source, self.workspace.path, progress, merge=merge)
            if vectors and report.changed and self.workspace.current_run() is not None:
                from habitue.renewing import renew_all

                with suppress(HabitueError):  # what was loaded is loaded; the next load or event renews again
                    renew_all(self, progress)
            return report

    def add_interactions(
        self, interactions: Sequence[Mapping[str, Any]], *, progress: Progress = no_progress
    ) -> EventsReport:
        """Add or correct single interactions (`type`, `id`, `customer`, `product` or `campaign`, `at`, …).

        Where a run is published, the vectors of their customers are renewed, and with them what is served from vectors.
        """
        from graph.events import load_events

        with self.workspace.writing("adding interactions"):
            report = load_events(self.store, interactions, self.workspace.path, progress)
            if report.load is not None and self.workspace.current_run() is not None:
                from habitue.renewing import renew_customers

                customers = {str(each["customer"]).strip() for each in interactions if each.get("customer")}
                with suppress(HabitueError):  # what was added is durable, and is answered as such
                    report = replace(report, vectors_renewed=renew_customers(self, customers))
            return report

    def merge(self, *, progress: Progress = no_progress) -> int:
        """Do what earlier loads left for later, which makes reading faster; how many rows waited for it."""
        with self.workspace.writing("merging"):
            waiting = self.store.unmerged()
            if waiting:
                self.store.merge(progress)
            return waiting

    def train(
        self,
        cutoff: datetime | None = None,
        *,
        horizon_days: int = 60,
        active_window_days: int | None = 180,
        properties: Collection[str] = (),
        seed: int = 0,
        progress: Progress = no_progress,
    ) -> RunManifest:
        """Train embeddings and the forecaster as of a cutoff (by default the end of the data)."""
        from gnn.task import Task
        from habitue.training import train

        with self.workspace.writing("training"):
            return train(
                self, Task(horizon_days, active_window_days, tuple(properties)), cutoff, seed=seed, progress=progress
            )

    def backtest(
        self,
        *,
        cutoffs: list[datetime] | None = None,
        horizon_days: int = 60,
        active_window_days: int | None = 180,
        properties: Collection[str] = (),
        folds: int = 5,
        baselines: Extent = "standard",
        seed: int = 0,
        progress: Progress = no_progress,
    ) -> BacktestResult:
        """Compare Habitué with its baselines over rolling cutoffs; `full` are more of them, tuned, and take longer."""
        from gnn.task import Task
        from habitue.backtesting import run_backtest

        with self.workspace.writing("backtest"):
            return run_backtest(
                self,
                Task(horizon_days, active_window_days, tuple(properties)),
                cutoffs,
                folds=folds,
                seed=seed,
                progress=progress,
                extent=baselines,
            )

    def score(self, *, write_back: bool = True, reason: str = "", progress: Progress = no_progress) -> RunManifest:
        """Score every customer with the newest trained models, publish the run and write the signals on the graph."""
        from habitue.score_run import score

        with self.workspace.writing("scoring"):
            return score(self, write_back=write_back, reason=reason, progress=progress)

    def lookalike(
        self,
        seeds: Iterable[str],
        *,
        size: int = 100,
        name: str = "lookalike",
        min_churn_risk: float | None = None,
        max_churn_risk: float | None = None,
        active_only: bool = False,
        write_back: bool = False,
    ) -> KeptAudience:
        """Customers most like a seed list, ranked; the seed itself is left out."""
        from habitue.audience_run import make_lookalike

        # An audience has a directory of its own; only writing on the graph is one process's at a time.
        with self.workspace.writing("writing an audience") if write_back else nullcontext():
            return make_lookalike(
                self, list(seeds), size=size, name=name, min_churn_risk=min_churn_risk,
                max_churn_risk=max_churn_risk, active_only=active_only, write_back=write_back,
            )  # fmt: skip

    def migrate(self, *, progress: Progress = no_progress) -> list[str]:
        """Bring a graph of a former release to this one's layout; the steps that were taken, in words."""
        from graph.migrations import migrate

        with self.workspace.writing("migrating"):
            return [f"{each.version}: {each.purpose}" for each in migrate(self.store, progress)]

    def doctor(self, *, repair: bool = False, progress: Progress = no_progress) -> Diagnosis:
        """Check every promise of the store and the workspace; with `repair`, first put right what is safe to."""
        from habitue.doctor import diagnose

        with self.workspace.writing("repairing") if repair else nullcontext():
            return diagnose(self, progress, repair=repair)

    def erase(
        self, customers: Sequence[str], *, purge: bool = False, progress: Progress = no_progress
    ) -> ErasureReport:
        """Forget customers: in the graph, in every file of the workspace, and in whatever is loaded later."""
        from habitue.erasure import erase

        with self.workspace.writing("erasing"):
            return erase(self, customers, progress, purge=purge)

    def copy(self, target: str, *, progress: Progress = no_progress) -> Moved:
        """Copy the graph into another, empty store, and compare what both hold."""
        from habitue.moving import copy_graph

        with self.workspace.writing(f"copying the graph to {target}"):
            return copy_graph(self, target, progress)

    def backup(self, directory: str | Path, *, progress: Progress = no_progress) -> Moved:
        """Write graph, runs and audiences into a new directory, from which any store can be restored."""
        from habitue.moving import backup

        with self.workspace.writing("a backup"):
            return backup(self, Path(directory), progress)

    def restore(self, directory: str | Path, *, progress: Progress = no_progress) -> Moved:
        """Bring a backup into an empty workspace and an empty store."""
        from habitue.moving import restore

        with self.workspace.writing("restoring a backup"):
            return restore(self, Path(directory), progress)

    def audience(self, identifier: str) -> KeptAudience:
        """An audience made before."""
        from habitue.audience_run import read_audience

        return read_audience(self.workspace, identifier)

    # -- reading ----------------------------------------------------------------------------------------------------

    def model(self) -> RunManifest:
        """The published run's manifest."""
        return self.publication.current().manifest

    def customer(self, identifier: str) -> CustomerView:
        """A customer's facts and scores."""
        from habitue import answers

        return answers.customer(self.store, self.publication.current_or_none(), identifier)

    def hyperscore(self, identifier: str) -> HyperscoreView:
        """A customer's HyperScore with its components."""
        from habitue import answers

        return answers.hyperscore(self.store, self.publication.current(), identifier)

    def churn_risk(self, identifier: str) -> ChurnRiskView:
        """How likely a customer is not to purchase within the horizon, and why."""
        from habitue import answers

        return answers.churn_risk(self.store, self.publication.current(), identifier)

    def churn_list(
        self,
        *,
        minimum: float = 0.0,
        maximum: float = 1.0,
        category: str | None = None,
        active: bool | None = None,
        sort: SortKey = "-churn_risk",
        cursor: str | None = None,
        limit: int = 50,
    ) -> ChurnRiskPage:
        """Customers by churn risk, page by page."""
        from habitue import answers

        return answers.churn_list(
            self.store, self.publication.current(), minimum=minimum, maximum=maximum, category=category,
            active=active, sort=sort, cursor=cursor, limit=limit,
        )  # fmt: skip

    def recommend(self, identifier: str, *, limit: int = 10, new_only: bool = False) -> RecommendationsView:
        """Products that a customer may buy next, the likeliest first; `new_only` leaves out what they bought before."""
        from habitue.recommending import recommendations

        return recommendations(self.store, self.publication.current(), identifier, limit, new_only=new_only)

    def similar_products(self, identifier: str, *, limit: int = 10) -> list[SimilarProduct]:
        """The products closest to one."""
        from habitue.recommending import similar_products

        return similar_products(self.store, self.publication.current(), identifier, limit)

    def similar(self, identifier: str, *, limit: int = 10) -> list[SimilarCustomer]:
        """The customers closest to one."""
        from habitue import answers

        return answers.similar(self.store, self.publication.current(), identifier, limit)

    def neighbourhood(
        self, identifier: str, *, depth: int = 1, limit: int = 10, types: Collection[str] | None = None
    ) -> NeighbourhoodView:
        """What surrounds a customer in the graph."""
        from habitue import answers

        run = self.publication.current_or_none()
        return answers.neighbourhood(self.store, run, identifier, depth=depth, limit=limit, types=types)

    def cypher(self, text: str, *, limits: QueryLimits | None = None, **parameters: Any) -> Rows:
        """Run a reading Cypher statement with time and row limits."""
        return self.store.query(text, parameters, limits or QueryLimits())

    def query(self, name: str, parameters: Mapping[str, Any] | None = None) -> Rows:
        """Run a statement of the cookbook (`cypher/explore`)."""
        from habitue.cookbook import run_query

        return run_query(self.store, name, parameters or {})

    def to_networkx(
        self, selection: Selection | None = None, *, memory_limit: int | None = MEMORY_LIMIT
    ) -> nx.MultiDiGraph[str]:
        """The graph, or a selected part of it, as a networkx graph (see `graph.handover.memory.to_networkx`).

        Args:
            selection: What of it (`habitue.Selection`); by default all but what is derived.
            memory_limit: Bytes that it may take, by estimate; None for any.
        """
        from graph.handover.memory import read_graph, to_networkx

        return to_networkx(read_graph(self.store, selection or Selection(), "networkx", memory_limit=memory_limit))

    def to_pandas(
        self, selection: Selection | None = None, *, memory_limit: int | None = MEMORY_LIMIT
    ) -> dict[str, pd.DataFrame]:
        """The same as frames: one for each label and each relationship type."""
        from graph.handover.memory import read_graph, to_pandas

        return to_pandas(read_graph(self.store, selection or Selection(), "pandas", memory_limit=memory_limit))

    def to_hetero_data(
        self, selection: Selection | None = None, *, memory_limit: int | None = MEMORY_LIMIT
    ) -> HeteroData:
        """The same as tensors for PyTorch Geometric (see `graph.handover.hetero.to_hetero_data`)."""
        from graph.handover.hetero import to_hetero_data
        from graph.handover.memory import read_graph

        return to_hetero_data(read_graph(self.store, selection or Selection(), "pyg", memory_limit=memory_limit))

    def export_parquet(
        self,
        directory: str | Path,
        selection: Selection | None = None,
        *,
        force: bool = False,
        progress: Progress = no_progress,
    ) -> Exported:
        """Write the graph, or a selected part of it, as a folder of Parquet files; `force` replaces an earlier one."""
        from habitue.exports import export_parquet

        return export_parquet(self.store, Path(directory), selection or Selection(), progress, force=force)

    def export_graphml(
        self,
        file: str | Path,
        selection: Selection | None = None,
        *,
        force: bool = False,
        progress: Progress = no_progress,
    ) -> Exported:
        """Write the same as a GraphML file."""
        from habitue.exports import export_graphml

        return export_graphml(self.store, Path(file), selection or Selection(), progress, force=force)

    def export_pyg(
        self,
        directory: str | Path,
        selection: Selection | None = None,
        *,
        force: bool = False,
        memory_limit: int | None = MEMORY_LIMIT,
        progress: Progress = no_progress,
    ) -> Exported:
        """Write the same as a folder that `habitue.load_hetero_data` reads."""
        from habitue.exports import export_pyg

        return export_pyg(
            self.store, Path(directory), selection or Selection(), progress, force=force, memory_limit=memory_limit
        )

    def export_embedding(
        self, directory: str | Path, *, force: bool = False, progress: Progress = no_progress
    ) -> Exported:
        """Write the vectors of the published run, or else of the newest trained one, for PyKEEN and as a data frame."""
        from habitue.exports import export_embedding

        return export_embedding(self.store, self.workspace, Path(directory), progress, force=force)

    def schema(self, *, progress: Progress = no_progress) -> GraphDescription:
        """Labels, relationship types and properties of the graph, with counts, fill rates and times."""
        from habitue.figures import description

        self.require_data()
        return description(self.store, self.workspace, progress)

    def statistics(self, *, progress: Progress = no_progress) -> GraphStatistics:
        """How many of what customers and products have, and how the graph grew week by week."""
        from habitue.figures import statistics

        self.require_data()
        return statistics(self.store, self.workspace, progress)

    def status(self, *, statistics: bool | None = None, progress: Progress = no_progress) -> Status:
        """What is loaded, trained and published, and what was interrupted.

        Args:
            statistics: With the graph's figures; None: where they are known already, or quickly counted.
            progress: Called with what is being counted.
        """
        from habitue.status import status

        return status(self, statistics=statistics, progress=progress)

    def require_data(self) -> None:
        """Refuse to go on with an empty graph.

        Raises:
            NothingLoadedError: If nothing was loaded.
        """
        if self.store.facts() is None:
            raise NothingLoadedError("The graph is empty.", hint="Run `habitue load SOURCE` first.")
