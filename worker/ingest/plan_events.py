"""The facts that a change of plans is told by. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from worker import correlation
from worker.events.catalogue import (
    Event,
    SetupCreated,
    SetupFact,
    SetupReinstated,
    SetupSuperseded,
    SetupUpdated,
    SetupWithdrawn,
)
from worker.ingest.plans import PlanValue, SetupValue, price_text
from worker.words import Origin, PlanState

_RESTATED: dict[tuple[PlanState | None, PlanState | None], type[SetupFact]] = {
    ("current", "superseded"): SetupSuperseded,
    ("superseded", "current"): SetupReinstated,
}


@dataclass(frozen=True, slots=True)
class Teller:
    """Makes the events of what one message does to setups, its own and other messages'."""

    origin: Origin
    guild_id: int | None

    def created(self, plan: PlanValue, setup: SetupValue) -> Event:
        return self._event(SetupCreated, plan, setup)

    def updated(self, plan: PlanValue, setup: SetupValue, changed: list[str], caused_by: int | None = None) -> Event:
        cause = str(caused_by) if caused_by is not None else None
        return self._event(SetupUpdated, plan, setup, changed=changed, caused_by=cause)

    def withdrawn(self, plan: PlanValue, setup: SetupValue) -> Event:
        return self._event(SetupWithdrawn, plan, setup)

    def restated(
        self, plan: PlanValue, setup: SetupValue, stood: PlanState | None, caused_by: int | None
    ) -> Iterator[Event]:
        """Superseded or reinstated, where the state that the setup stood in is not its plan's."""
        fact = _RESTATED.get((stood, plan.state))
        if fact is not None:
            cause = str(caused_by) if caused_by not in (None, plan.message_id) else None
            yield self._event(fact, plan, setup, caused_by=cause)

    def _event(self, fact: type[SetupFact], plan: PlanValue, setup: SetupValue, **more: Any) -> Event:
        return Event(
            fact(
                **setup_data(plan, setup),
                origin=self.origin,
                message_id=str(plan.message_id),
                channel_id=str(plan.channel_id),
                guild_id=str(self.guild_id) if self.guild_id is not None else None,
                **more,
            ),
            correlation.of_message(plan.message_id),
        )


def setup_data(plan: PlanValue, setup: SetupValue) -> dict[str, Any]:
    """What is told of a setup; its former states are kept in this shape too."""
    return {
        "setup_id": str(setup.setup_id),
        "plan_id": str(plan.plan_id),
        "ticker": plan.ticker,
        "trading_day": plan.trading_day.isoformat(),
        "trading_day_source": plan.trading_day_source,
        "kind": setup.kind,
        "strategy": setup.strategy,
        "direction": setup.direction,
        "triggers": [(price_text(low), price_text(high)) for low, high in setup.triggers],
        "targets": [price_text(target) for target in setup.targets],
        "stop": price_text(setup.stop) if setup.stop is not None else None,
        "bias_direction": plan.bias_direction,
        "flags": list(setup.flags),
        "plan_flags": list(plan.plan_flags),
        "confidence": price_text(setup.confidence),
        "instrument": setup.instrument,
        "quantity": setup.quantity,
    }
