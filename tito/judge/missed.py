"""What is kept of the exercises of a submission that lost points, to know their mistakes again."""

from __future__ import annotations

from collections.abc import Sequence

from tito.judge.pack import Pack, form_of
from tito.judge.verdicts import Verdict
from tito.notebook.export import CodeCell

LONGEST_CODE = 20_000  # characters of a cell that are kept


def missed_in(pack: Pack, cells: Sequence[CodeCell], verdict: Verdict) -> list[dict]:
    """The exercises that lost points, as what JSON can hold.

    Parameters
    ----------
    pack : Pack
        The module.
    cells : sequence of CodeCell
        The text under test.
    verdict : Verdict
        From `tito.judge.verdicts.grade`.

    Returns
    -------
    list of dict
        Of each: ``exercise``; ``failed``, the names of its observations that failed; ``blank``,
        whether nothing was written; ``code``, the text of its cell, and ``form``, a hash of what
        that does; ``behaviour``, from `Behaviour.as_data`, None where it is not known; and
        ``digest``, of the module that all this belongs to.
    """
    failed: dict[str, list[str]] = {}
    for result in verdict.results:
        if result.fault:
            failed.setdefault(result.observation.exercise, []).append(result.observation.name)
    return [_one(pack, cells, verdict, *item) for item in failed.items()]


def _one(
    pack: Pack, cells: Sequence[CodeCell], verdict: Verdict, exercise: str, failed: list[str]
) -> dict:
    own = [cell for cell in cells if cell.name == exercise]
    code = "\n\n".join(cell.source for cell in own)[:LONGEST_CODE]
    behaviour = verdict.behaviours.get(exercise)
    return {
        "exercise": exercise,
        "failed": failed,
        "blank": all(pack.is_blank(cell) for cell in own),
        "code": code,
        "form": form_of(code).hex()[:16],
        "behaviour": behaviour and behaviour.as_data(),
        "digest": pack.digest,
    }
