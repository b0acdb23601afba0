"""`qingting data index`: a person's words, to be looked up in calls."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def index(
    records: Annotated[
        list[Path], typer.Argument(metavar="RECORDS…", help="JSONL from `data clean`.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write.")],
    personal_data: Annotated[
        bool, typer.Option("--personal-data", help="Write it although personal data remains.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
) -> None:
    """Write what the person said into an index that calls look things up in.

    Name it in the settings as `rag.index`; nothing is looked up without that.
    """
    from agent.cli import data_view
    from agent.recall.index import Fact, write_index
    from pipeline.errors import DataError
    from train import facts, schema
    from train.clean.gate import high_risk
    from train.tally import Tally

    schema.refuse_existing(output, force=force)
    for path in records:
        if not personal_data and (left := high_risk(path)):
            raise DataError(
                f"{left.found()}: run `qingting data clean` on it first, or add --personal-data."
            )
    tally = Tally()
    with data_view.progress("reading", lambda: tally.rows_in) as follow:
        said = facts.facts((one for path in records for one in schema.read(path)), tally)
        found = (Fact(one.id, one.said, one.asked) for one in said)
        count = write_index(output, follow(found), force=force)
    data_view.show_tally(tally, "replies and paragraphs")
    data_view.done(f"{count} facts in {output}")
    data_view.say(f"to use them: qingting --set rag.index={output} chat")
