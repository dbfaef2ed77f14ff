"""Query results as columns: Arrow batches from the driver, of which no row ever becomes a Python object."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

import pyarrow as pa

from stockjobs.domain.masks import mask_secrets
from stockjobs.errors import Unreachable
from stockjobs.store.columns_postgresql import Server
from stockjobs.store.columns_sqlite import Reader
from stockjobs.store.database import Database


class Source(Protocol):
    """A connection that answers with columns, one statement after the other."""

    def begin(self, *, in_order: bool) -> None:
        """Begin a transaction that sees one state of the data; `in_order` for answers by index, as they are streamed."""
        ...

    def batches(self, statement: str) -> Iterator[pa.RecordBatch]:
        """The answer to a statement."""
        ...

    def end(self) -> None:
        """End the transaction."""
        ...

    def close(self) -> None:
        """Give the connection up, whatever it is doing."""
        ...


class Snapshot:
    """One state of the data, in which statements are asked one after the other."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.is_answered = True

    def batches(self, statement: str) -> Iterator[pa.RecordBatch]:
        """The answer to a statement; to be read to its end before the next is asked. None if there are no rows."""
        self.is_answered = False
        yield from self._source.batches(statement)
        self.is_answered = True


class Columns:
    """Connections for reading columns, kept open for the next who reads; safe for threads, and after a fork."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._idle: list[Source] = []
        self._abandoned: list[Source] = []
        self._lock = threading.Lock()
        self._pid = os.getpid()

    @contextmanager
    def snapshot(self, *, in_order: bool = False) -> Iterator[Snapshot]:
        """One state of the data; `in_order` where batches are to come as an index gives them. Raises Unreachable."""
        source = self._begun(in_order=in_order)
        snapshot = Snapshot(source)
        try:
            yield snapshot
            if snapshot.is_answered:
                source.end()
        except BaseException:
            source.close()
            raise
        if snapshot.is_answered:
            with self._lock:
                self._idle.append(source)
        else:
            # Nobody wants the rest of the answer.
            source.close()

    def close(self) -> None:
        """Close all idle connections of this process."""
        while (source := self._take()) is not None:
            source.close()

    def _begun(self, *, in_order: bool) -> Source:
        while (source := self._take()) is not None:
            # It may have been idle while the server went away, and perhaps came back.
            with suppress(Unreachable):
                return _begin(source, in_order=in_order)
        return _begin(self._opened(), in_order=in_order)

    def _opened(self) -> Source:
        shown = mask_secrets(self._database.url.render_as_string(hide_password=True))
        if self._database.is_postgresql:
            # Who takes rows from us may take his time, in a pager say. Only who moves the bars needs them alone meanwhile, and
            # he gives up soon, so that nobody waits behind him for long.
            settings = {"jit": "off", "idle_in_transaction_session_timeout": "0"}
            return Server(self._database.conninfo(**settings), shown)
        return Reader(str(self._database.url.database), shown)

    def _take(self) -> Source | None:
        with self._lock:
            if self._pid != os.getpid():
                # They are the parent's: kept, so that nothing of them is closed here.
                self._abandoned, self._idle, self._pid = [*self._abandoned, *self._idle], [], os.getpid()
            return self._idle.pop() if self._idle else None


def _begin(source: Source, *, in_order: bool) -> Source:
    try:
        source.begin(in_order=in_order)
    except BaseException:
        # Ctrl-C too: it may come as the lock does that was waited for.
        source.close()
        raise
    return source
