"""Gradescope's list of who handed in what, and when: ``submission_metadata.yml``."""

from __future__ import annotations

from datetime import UTC, datetime

import yaml

from tito.author.lms.senders import Sender
from tito.errors import TitoError

METADATA = "submission_metadata.yml"
LARGEST_METADATA = 20_000_000  # bytes


class Reader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Reads YAML that Ruby wrote: of its own kinds, only what is in them counts."""


def _content(reader: Reader, _kind: str, node: yaml.Node):
    if isinstance(node, yaml.MappingNode):
        return reader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return reader.construct_sequence(node, deep=True)
    return reader.construct_scalar(node)


Reader.add_multi_constructor("!", _content)


def senders_in(content: bytes) -> dict[str, Sender]:
    """Who handed in each folder of a download.

    Parameters
    ----------
    content : bytes
        Of Gradescope's list.

    Raises
    ------
    TitoError
        If it cannot be read.
    """
    if len(content) > LARGEST_METADATA:
        raise TitoError(f"{METADATA} is too large to be a list of hand-ins")
    try:
        data = yaml.load(content, Loader=Reader)
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError, TypeError) as error:
        where = " ".join(str(error).split())[:100]
        raise TitoError(f"{METADATA} cannot be read ({where}); export it once more") from None
    if not isinstance(data, dict):
        raise TitoError(f"{METADATA} is no list of hand-ins; export it once more")
    return {str(name): _sender(one) for name, one in data.items() if isinstance(one, dict)}


def _sender(one: dict) -> Sender:
    listed = _get(one, "submitters")
    people = [p for p in listed if isinstance(p, dict)] if isinstance(listed, list) else []
    numbers, emails, names = (
        tuple(str(_get(person, fact)) for person in people if _get(person, fact))
        for fact in ("sid", "email", "name")
    )
    time = _get(one, "created_at")
    return Sender(
        "Gradescope", numbers, emails, names, time=_with_a_zone(time), students=len(people)
    )


def _get(data: dict, name: str):
    """A value by its name, which Ruby writes with a colon before it."""
    return data.get(f":{name}", data.get(name))


def _with_a_zone(time) -> datetime | None:
    """A time in UTC; none, if it does not say in which zone it is."""
    try:
        time = datetime.fromisoformat(time) if isinstance(time, str) else time
        return time.astimezone(UTC) if isinstance(time, datetime) and time.tzinfo else None
    except (ValueError, OverflowError):
        return None
