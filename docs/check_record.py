"""Checks an export of the public record, without the program that made it: python check_record.py FILE [HEAD ...]

FILE is what `python bot.py verify --export FILE` wrote; a HEAD is what a post or a daily digest showed, 8 digits or more.
"""

import hashlib
import json
import sys
from pathlib import Path


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def difference(export: bytes, heads: list[str]) -> str | None:
    """The first thing that is not as it was published; None when all is."""
    chain = ["0" * 64]
    *lines, rest = export.split(b"\n")
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line.decode())
            as_exported, claimed = canonical(row) == line, row.pop("hash")
            follows = (row["seq"], row["prev_hash"]) == (number, chain[-1])
            if not (as_exported and follows and hashlib.sha256(canonical(row)).hexdigest() == claimed):
                return f"line {number} is not what was published there"
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            return f"line {number} is no publication: {error}"
        chain.append(claimed)
    missing = [head for head in heads if len(head) < 8 or not any(known.startswith(head) for known in chain)]
    return "the last line is cut off" if rest else f"the head {missing[0]} is not in it" if missing else None


if __name__ == "__main__":
    found = difference(Path(sys.argv[1]).read_bytes(), sys.argv[2:])
    print(found or "the record is whole")
    sys.exit(1 if found else 0)
