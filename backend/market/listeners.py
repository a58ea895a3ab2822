"""Listeners of the market: called in turn, each kept from hurting the others."""

import logging
from collections import Counter
from collections.abc import Callable
from typing import Generic, ParamSpec

P = ParamSpec("P")

logger = logging.getLogger(__name__)


class Listeners(Generic[P]):
    """Who is told of one kind of event. What they raise is counted in `errors`, by `kind`."""

    def __init__(self, kind: str, errors: Counter[str]) -> None:
        self._kind = kind
        self._errors = errors
        self._listeners: tuple[Callable[P, object], ...] = ()
        self._logged: set[type[Exception]] = set()

    def add(self, listener: Callable[P, object]) -> Callable[[], None]:
        """Add a listener; call what is returned to remove it again."""
        # A tuple made anew each time: whoever comes or goes during a call changes nothing in it.
        self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            self._listeners = tuple(other for other in self._listeners if other is not listener)

        return unsubscribe

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        for listener in self._listeners:
            try:
                listener(*args, **kwargs)
            except Exception as error:
                self._errors[self._kind] += 1
                if type(error) not in self._logged:
                    self._logged.add(type(error))
                    logger.exception("a listener of %s failed; counted, logged once", self._kind)
