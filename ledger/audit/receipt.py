"""A receipt proves one entry offline: C2SP tlog-proof text. docs/spec/log.md, section 4.

c2sp.org/tlog-proof@v1
extra <base64 of the entry>
index <leaf index>
<base64 hash, leaf's sibling first> …

<the checkpoint as a signed note>
"""

import re
from dataclasses import dataclass
from typing import Final

from ledger.audit.errors import ReceiptMalformed
from ledger.audit.log import HASH_BYTES, LEVELS_MAX
from ledger.audit.note import NOTE_BYTES_MAX, decode64, encode64

FIRST_LINE: Final = "c2sp.org/tlog-proof@v1"
RECEIPT_BYTES_MAX: Final = NOTE_BYTES_MAX + 16 * 1024
_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,18})\Z")


@dataclass(frozen=True, slots=True)
class Receipt:
    """One entry's proof. Nothing in it is believed before `verify.verify_receipt`.

    Attributes:
        entry: The entry's bytes, kind byte first (docs/spec/log.md, 1).
        index: Its leaf index.
        proof: Sibling hashes from the leaf up.
        note: The checkpoint with its signatures, verbatim.
        note_line: Where the note starts in the text, for errors.
    """

    entry: bytes
    index: int
    proof: tuple[bytes, ...]
    note: str
    note_line: int = 0


def encode_receipt(receipt: Receipt) -> str:
    """The text."""
    lines = [FIRST_LINE, f"extra {encode64(receipt.entry)}", f"index {receipt.index}"]
    lines += [encode64(value) for value in receipt.proof]
    return "\n".join(lines) + "\n\n" + receipt.note


def decode_receipt(text: str) -> Receipt:
    """Read a receipt strictly: one text for one receipt.

    Raises:
        ReceiptMalformed: The line, and what is wrong with it.
    """
    if len(text) > RECEIPT_BYTES_MAX:
        raise ReceiptMalformed(1, f"longer than {RECEIPT_BYTES_MAX} characters")
    head, blank, note = text.partition("\n\n")
    lines = head.split("\n")
    if lines[0] != FIRST_LINE:
        raise ReceiptMalformed(1, f"{FIRST_LINE} belongs here")
    if len(lines) < 3 or not blank:
        raise ReceiptMalformed(len(lines), "cut short")
    entry = decode64(lines[1].removeprefix("extra ")) if lines[1].startswith("extra ") else None
    if not entry:
        raise ReceiptMalformed(2, "extra and the entry in base64 belong here")
    index = _INDEX.match(lines[2])
    if index is None:
        raise ReceiptMalformed(3, "index and a plain number belong here")
    if len(lines) > 3 + LEVELS_MAX:
        raise ReceiptMalformed(4 + LEVELS_MAX, "more hashes than any tree is high")
    proof = []
    for number, line in enumerate(lines[3:], 4):
        value = decode64(line)
        if value is None or len(value) != HASH_BYTES:
            raise ReceiptMalformed(number, "not 32 bytes of base64")
        proof.append(value)
    return Receipt(entry, int(index[1]), tuple(proof), note, len(lines) + 2)
