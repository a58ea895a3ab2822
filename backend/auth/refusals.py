"""Refused logins and tokens in the log: from where and why, and nothing of what was said."""

import logging

log = logging.getLogger(__name__)


def log_refusal(where: str, network: str, reason: str) -> None:
    """Something was refused to somebody there; `where` is a route of ours or an event.

    Each reason, of a bounded set, is a kind of message of its own to the log, which writes so many
    lines of a kind and counts the rest: a flood of one doesn't hide the others.
    """
    log.info(f"%s refused from %s: {reason}", where, network)
