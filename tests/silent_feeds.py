"""Feeds that bring nothing: a market beside one is told of everything by hand."""

from backend.feeds.base import Feed


class SilentFeed(Feed):
    name = "x"

    def run(self) -> None: ...
    def stop(self) -> None: ...
    def follow(self, symbol: str) -> None: ...
    def unfollow(self, symbol: str) -> None: ...


class SilentRecording(SilentFeed):
    begins_anew = True
