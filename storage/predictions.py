"""The predictions: what the acting model said of each signal, and how far that moved its confidence."""

from dataclasses import dataclass

from storage.database import Connection


@dataclass(frozen=True, slots=True)
class Prediction:
    """One model's word on one signal: probability of winning 0..1, the model's weight 0..1, points of confidence moved."""

    signal_id: int
    model_id: int
    p_win: float
    weight: float
    adjustment: float
    created_ms: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A prediction beside what became of its signal."""

    prediction: Prediction
    is_win: bool
    closed_ms: int


class Predictions:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, prediction: Prediction) -> None:
        """Write a prediction; the first word of a model on a signal stands."""
        self._connection.execute(
            "INSERT INTO predictions(signal_id, model_id, p_win, weight, adjustment, created_ms) VALUES(?,?,?,?,?,?)"
            " ON CONFLICT(signal_id,model_id) DO NOTHING",
            (
                prediction.signal_id, prediction.model_id, prediction.p_win, prediction.weight, prediction.adjustment,
                prediction.created_ms,
            ),
        )  # fmt: skip

    def of_signal(self, signal_id: int) -> tuple[Prediction, ...]:
        """What models said of a signal, the newest model first; empty = no prediction was made."""
        rows = self._connection.execute(
            "SELECT signal_id, model_id, p_win, weight, adjustment, created_ms FROM predictions WHERE signal_id=?"
            " ORDER BY model_id DESC",
            (signal_id,),
        )
        return tuple(Prediction(*row) for row in rows)

    def models_asked(self) -> tuple[int, ...]:
        """The ids of the models that said a word on any signal of this book, in their order."""
        rows = self._connection.execute("SELECT DISTINCT model_id FROM predictions ORDER BY model_id")
        return tuple(model_id for (model_id,) in rows)

    def kept_by(self, model_id: int) -> tuple[Kept, ...]:
        """A model's predictions of signals that have won or lost since, in the order of their closes."""
        rows = self._connection.execute(
            "SELECT p.signal_id, p.model_id, p.p_win, p.weight, p.adjustment, p.created_ms, j.outcome='WIN', j.closed_ms"
            " FROM predictions p JOIN journal j ON j.id=p.signal_id WHERE p.model_id=? AND j.outcome IN('WIN','LOSS')"
            " ORDER BY j.closed_ms, p.signal_id",
            (model_id,),
        )
        return tuple(Kept(Prediction(*row[:6]), bool(row[6]), row[7]) for row in rows)
