"""py-evm's key-value database as one SQLite file: a sealed block is one SQLite transaction.

py-evm writes trie nodes while it executes, long before the block is sealed. They stay inside the
open SQLite transaction, so that `commit` makes a block durable as a whole and `rollback` (or
kill -9) leaves the chain at the block before.
"""

import sqlite3
from pathlib import Path
from typing import Final

from eth.db.backends.base import BaseDB

from ledger.settlement.errors import ChainDamaged, ChainFormat, ChainLocked, WrongChain

FORMAT: Final = 1
FILE_NAME: Final = "chain.sqlite3"
_APPLICATION_ID: Final = 0x50564E43  # "PVNC"
_SCHEMA: Final = "CREATE TABLE IF NOT EXISTS node (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID"


class BlockDatabase(BaseDB):
    """A mapping of bytes to bytes whose writes become durable together."""

    def __init__(self, directory: Path, chain_id: int) -> None:
        """Open or create the database; it is locked for this process until `close`.

        Raises:
            ChainLocked: Another process has it open.
            ChainFormat: It was written by another version.
            WrongChain: It holds another chain.
            ChainDamaged: It is not an SQLite database, or damaged.
        """
        directory.mkdir(parents=True, exist_ok=True)
        self._path = directory / FILE_NAME
        self._connection = sqlite3.connect(self._path, isolation_level=None, timeout=0)
        try:
            self._open(chain_id)
        except sqlite3.OperationalError as error:
            self._connection.close()
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise ChainLocked(str(self._path)) from error
            raise
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise ChainDamaged(str(self._path), str(error)) from error
        except (ChainFormat, WrongChain):
            self._connection.close()
            raise

    def _open(self, chain_id: int) -> None:
        run = self._connection.execute
        run("PRAGMA locking_mode=EXCLUSIVE")
        run("PRAGMA journal_mode=WAL")
        run("PRAGMA synchronous=FULL")
        run("BEGIN IMMEDIATE")
        application, version = self._pragma("application_id"), self._pragma("user_version")
        if application == 0 and version == 0:
            run(f"PRAGMA application_id={_APPLICATION_ID}")
            run(f"PRAGMA user_version={FORMAT}")
            run(_SCHEMA)
            run("CREATE TABLE chain (id INTEGER NOT NULL)")
            run("INSERT INTO chain VALUES (?)", (chain_id,))
            return
        if application != _APPLICATION_ID or version != FORMAT:
            raise ChainFormat(str(self._path), FORMAT, version)
        (found,) = run("SELECT id FROM chain").fetchone()
        if found != chain_id:
            raise WrongChain(chain_id, found)

    def _pragma(self, name: str) -> int:
        (value,) = self._connection.execute(f"PRAGMA {name}").fetchone()
        assert isinstance(value, int)
        return value

    def commit(self) -> None:
        """Make everything written since the last commit durable (one fsync of the log)."""
        self._connection.execute("COMMIT")
        self._connection.execute("BEGIN IMMEDIATE")

    def rollback(self) -> None:
        """Forget everything written since the last commit."""
        self._connection.execute("ROLLBACK")
        self._connection.execute("BEGIN IMMEDIATE")

    def close(self) -> None:
        """Give the file back; what was not committed is gone."""
        self._connection.execute("ROLLBACK")
        self._connection.close()

    def __getitem__(self, key: bytes) -> bytes:
        """Return the value stored under `key`, or raise KeyError."""
        row = self._connection.execute("SELECT value FROM node WHERE key=?", (key,)).fetchone()
        if row is None:
            raise KeyError(key)
        value = row[0]
        assert isinstance(value, bytes)
        return value

    def __setitem__(self, key: bytes, value: bytes) -> None:
        """Store `value` under `key` within the open transaction."""
        self._connection.execute("INSERT OR REPLACE INTO node VALUES (?, ?)", (key, value))

    def __delitem__(self, key: bytes) -> None:
        """Remove `key`, or raise KeyError."""
        if self._connection.execute("DELETE FROM node WHERE key=?", (key,)).rowcount == 0:
            raise KeyError(key)

    def _exists(self, key: bytes) -> bool:
        row = self._connection.execute("SELECT 1 FROM node WHERE key=?", (key,)).fetchone()
        return row is not None
