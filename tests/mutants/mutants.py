"""Bugs that would lose or repeat something: each is a small change of text, with the test that has to fail then."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """In `file` the text `old`, which stands there once, becomes `new`."""

    name: str
    file: str
    old: str
    new: str
    caught_by: str


_SLICE = "tests/faults/test_slice.py::test_nothing_is_lost"
_CATCH_UP = "tests/acceptance/test_catch_up.py"

MUTANTS = (
    Mutant(
        "coverage is committed before the rows",
        "worker/ingest/writer.py",
        "        events = await write_seen(connection, seen, covered, tally, first=self._begin)\n",
        """\
        early = [(had.channel_id, had.after, had.up_to) for had in covered]
        if early:
            await connection.execute(sql.with_ids(sql.ADD_COVERAGE, *columns(early)))
        events = await write_seen(connection, seen, covered, tally, first=self._begin)
""",
        f"{_SLICE}[killed at each failpoint]",
    ),
    Mutant(
        "events are committed before the rows",
        "worker/ingest/writer.py",
        '        reach("writer.rows_written")\n',
        """\
        early = await self._connect()
        await begin(early, self._epoch)
        await commit_events(early, events)
        await early.close()
        events = []
        reach("writer.rows_written")
""",
        f"{_SLICE}[killed at each failpoint]",
    ),
    Mutant(
        "no look for gaps after READY",
        "worker/gateway/catch_up.py",
        "        self._reasons.append(reason)\n        self._wanted.set()\n",
        """\
        if reason in ("start", "reconnected", "access_changed"):
            return
        self._reasons.append(reason)
        self._wanted.set()
""",
        f"{_CATCH_UP}::test_several_channels_are_caught_up_side_by_side_and_each_gap_is_told_once",
    ),
    Mutant(
        "a writer that lost the lease goes on",
        "worker/db/lease.py",
        '"" if epoch is None else f"SELECT hold_ingest_epoch({epoch:d})"',
        '""',
        "tests/acceptance/test_lease.py::test_one_that_was_frozen_writes_nothing_once_it_goes_on",
    ),
    Mutant(
        "a live message closes the gap before it",
        "worker/gateway/client.py",
        'self._spans.begin(int(channel["id"]), int(channel.get("last_message_id") or 0))',
        'self._spans.begin(int(channel["id"]), 0)',
        f"{_CATCH_UP}::test_what_may_not_be_read_is_no_empty_channel",
    ),
    Mutant(
        "an empty page proves that there is nothing",
        "worker/gateway/gap_fetch.py",
        "            await self._prove_empty(client, gap)\n",
        "            pass\n",
        f"{_CATCH_UP}::test_a_permission_that_goes_while_a_page_is_asked_for_proves_nothing",
    ),
    Mutant(
        "nothing is read again after downtime",
        "worker/gateway/catch_up.py",
        "                self._due.update(stored)\n",
        "                pass\n",
        "tests/acceptance/test_look_back.py::test_edits_and_deletions_made_while_away_are_found",
    ),
    Mutant(
        "what was told of a thread counts as unbroken, though sight of it was lost",
        "worker/gateway/client.py",
        "                self._spans.forget(one)\n",
        "                pass\n",
        "tests/acceptance/test_unseen.py",
    ),
    Mutant(
        "what does not fit into memory leaves no gap",
        "worker/ingest/queue.py",
        "            metrics.QUEUE_DROPPED.inc()\n",
        "            metrics.QUEUE_DROPPED.inc()\n            return True\n",
        f"{_CATCH_UP}::test_what_did_not_fit_into_memory_is_fetched_once_the_database_is_back",
    ),
    Mutant(
        "what is seen twice is told twice",
        "worker/ingest/message_writer.py",
        "    elif decided is Verdict.FORMER:\n",
        """\
    elif decided is Verdict.NOTHING:
        _tell(wave, message, MessageStored, stored, revision=stored.revision)
    elif decided is Verdict.FORMER:
""",
        f"{_SLICE}[gateway]",
    ),
    Mutant(
        "a late creation overwrites a deletion",
        "worker/ingest/statements.py",
        "       edited_at = seen.edited_at, revision = seen.revision,",
        "       edited_at = seen.edited_at, deleted_at = NULL, revision = seen.revision,",
        "tests/integration/ingest/test_order.py",
    ),
    Mutant(
        "pages within the overlap begin again and again",
        "worker/gateway/gap_fetch.py",
        "gap.first_id in (last.first_id, self._after + 1)",
        "gap.first_id == self._after + 1",
        f"{_CATCH_UP}::test_a_gap_behind_more_than_a_page_of_the_last_minute_is_closed",
    ),
    Mutant(
        "a deletion that is announced is not written",
        "worker/gateway/client.py",
        '        if self._listens(channel_id):\n            self._put(Observation("deleted"',
        '        if not self._listens(channel_id):\n            self._put(Observation("deleted"',
        f"{_SLICE}[gateway]",
    ),
)
