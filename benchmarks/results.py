"""The figures of a run, and ratios of them."""

from dataclasses import dataclass, field
from statistics import median

from benchmarks.scenarios import Figures


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of repeated figures, with the least and the greatest."""

    middle: float
    low: float
    high: float
    count: int

    def text(self, form: str = ".2f", unit: str = "") -> str:
        """Such as `0.55 (0.52-0.60)`; one figure alone has no spread."""
        middle = f"{self.middle:{form}}{unit}"
        if self.count < 2:
            return middle
        return f"{middle} ({self.low:{form}}-{self.high:{form}})"


@dataclass(slots=True)
class Results:
    """Figures by scenario and peer, one entry a turn, in turns' order; and what went wrong."""

    figures: dict[tuple[str, str], list[Figures]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, scenario: str, peer: str, figures: Figures) -> None:
        self.figures.setdefault((scenario, peer), []).append(figures)

    def spread(self, scenario: str, peer: str, name: str) -> Spread | None:
        """The figure over all turns that have it."""
        turns = self.figures.get((scenario, peer), [])
        return _spread([turn[name] for turn in turns if name in turn])

    def ratio(self, scenario: str, name: str, peer: str, to: str) -> Spread | None:
        """`peer`'s figure over that of `to`, each within one turn."""
        return _spread([ours / theirs for ours, theirs in self._pairs(scenario, name, peer, to)])

    def difference(self, scenario: str, name: str, peer: str, to: str) -> Spread | None:
        """`peer`'s figure less that of `to`, each within one turn."""
        return _spread([ours - theirs for ours, theirs in self._pairs(scenario, name, peer, to)])

    def _pairs(self, scenario: str, name: str, peer: str, to: str) -> list[tuple[float, float]]:
        pairs = zip(
            self.figures.get((scenario, peer), []),
            self.figures.get((scenario, to), []),
            strict=False,
        )
        return [
            (ours[name], theirs[name])
            for ours, theirs in pairs
            if ours.get(name) and theirs.get(name)
        ]

    def total(self, scenario: str, peer: str, name: str) -> float:
        """The sum over all turns; 0 where there is none."""
        return sum(turn.get(name, 0) for turn in self.figures.get((scenario, peer), []))


def _spread(values: list[float]) -> Spread | None:
    if not values:
        return None
    return Spread(median(values), min(values), max(values), len(values))
