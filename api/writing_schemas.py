"""The shape of what is written through the API, and of what became of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, FiniteFloat, NaiveDatetime

from api.schemas import Answer

MAXIMUM_INTERACTIONS = 10_000

_Text = Annotated[str, Field(min_length=1, max_length=500)]


class NewInteraction(BaseModel):
    """One interaction, as a row of a data set would have it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["PURCHASED", "VIEWED", "RETURNED", "REVIEWED", "CONTACTED", "REDEEMED"]
    id: _Text = Field(description="Names it within its type: sent again, it is not written twice")
    customer: _Text
    product: _Text | None = Field(None, description="Of PURCHASED (optional), VIEWED, RETURNED, REVIEWED")
    campaign: _Text | None = Field(None, description="Of CONTACTED, REDEEMED")
    at: AwareDatetime | NaiveDatetime = Field(description="When it happened; without an offset: UTC")
    known_at: AwareDatetime | NaiveDatetime | None = Field(None, description="When you learnt of it; default: `at`")
    order_id: _Text | None = None
    quantity: FiniteFloat | None = None
    amount: FiniteFloat | None = Field(None, description="Of the line, in the data set's currency")
    discount: FiniteFloat | None = None
    rating: FiniteFloat | None = None
    channel: _Text | None = None
    treatment: _Text | None = None


class NewInteractions(BaseModel):
    """Interactions to add or correct."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    interactions: list[NewInteraction] = Field(min_length=1, max_length=MAXIMUM_INTERACTIONS)


class RefusedInteraction(Answer):
    """An interaction that was not taken."""

    row: int = Field(description="Its place in the request, from 1")
    column: str
    reason: str


class InteractionsAdded(Answer):
    """What became of the interactions; each is counted exactly once."""

    load: int | None = Field(description="Number of the load they are in; null where nothing changed")
    loaded: dict[str, int] = Field(description="New, by type")
    corrected: dict[str, int] = Field(description="Values changed, by type")
    unchanged: dict[str, int] = Field(description="There already, by type")
    repeated: int = Field(description="Came again in the same request; the last one stands")
    erased: int = Field(description="Of customers that were erased: left out")
    refused: list[RefusedInteraction]
    seconds: float = Field(description="Until they were durable")
    vectors_renewed: int = Field(description="Customers whose vectors were solved for anew, where a run is published")


class Erasure(Answer):
    """What an erasure removed; it names nobody."""

    customers: int
    graph: dict[str, int] = Field(description="Removed nodes by label and relationships by type")
    files: dict[str, int] = Field(description="Removed rows by file of the workspace")
    remaining: list[str] = Field(description="Files that still name them; empty when complete")
    absent: bool = Field(description="Whether the graph, asked afterwards, knows none of them")
    purged: bool = Field(description="Whether the embedded store's files were written anew")
    notes: list[str]
    complete: bool
