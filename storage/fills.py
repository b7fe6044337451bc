"""The fills: every execution of a position, once."""

from dataclasses import dataclass

from engine.vocabulary import FillKind
from storage.database import Connection, insert


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution: `fee` in the account's currency, `slippage` in price; `ambiguous`: its candle hid the order."""

    position_id: int
    at_ms: int
    kind: FillKind
    qty: float
    price: float
    idem_key: str
    fee: float = 0.0
    slippage: float = 0.0
    target_no: int | None = None
    ambiguous: bool = False


class Fills:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, fill: Fill) -> int:
        """Write a fill and return its id; the same `idem_key` again raises IntegrityError."""
        return insert(
            self._connection,
            "INSERT INTO fills(position_id, at_ms, kind, target_no, qty, price, fee, slippage, ambiguous, idem_key)"
            " VALUES(?,?,?,?,?,?,?,?,?,?)",
            (
                fill.position_id, fill.at_ms, fill.kind.value, fill.target_no, fill.qty, fill.price, fill.fee,
                fill.slippage, int(fill.ambiguous), fill.idem_key,
            ),
        )  # fmt: skip

    def of_position(self, position_id: int) -> tuple[Fill, ...]:
        """The position's fills in the order they happened."""
        rows = self._connection.execute(
            "SELECT position_id, at_ms, kind, qty, price, idem_key, fee, slippage, target_no, ambiguous"
            " FROM fills WHERE position_id=? ORDER BY at_ms, id",
            (position_id,),
        )
        return tuple(
            Fill(position, at_ms, FillKind(kind), qty, price, key, fee, slippage, target_no, bool(ambiguous))
            for position, at_ms, kind, qty, price, key, fee, slippage, target_no, ambiguous in rows
        )
