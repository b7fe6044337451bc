"""The text of a legacy record as its receipt keeps it: squeezed one by one, with what most records say known before."""

import zlib

from isal import isal_zlib

# Receipts are the larger part of a book. Never edited: what it squeezed is read with it.
# The most frequent stands last, where a reference to it is shortest.
DICTIONARY = rb"""{"final_alerts": [], "exit_price": , "duration_hours": , "original_signal": , "alert_type": "ALERT80"
"source": "type": "STRONG_BUY", "entry": , "tp": , "sl": , "result": null, "outcome": "SUCCESS", "status": "COMPLETED"
"note": "Auto-closed: Price hit TP @ $"
          "note": "\u0410\u0432\u0442\u043e\u043c\u0430\u0442\u0438\u0447\u043d\u043e \u0437\u0430\u0442\u0432\u043e\u0440\u0435\u043d: \u0426\u0435\u043d\u0430 \u0443\u0434\u0430\u0440\u0438 SL @ $"
        }
      ]
    },
    {
      "id": 1,
      "timestamp": "2025-11-25T06:59:56.360429",
      "symbol": "XRPUSDT",
      "symbol": "SOLUSDT",
      "symbol": "ADAUSDT",
      "symbol": "BNBUSDT",
      "symbol": "ETHUSDT",
      "symbol": "BTCUSDT",
      "timeframe": "15m",
      "timeframe": "1h",
      "timeframe": "4h",
      "signal": "SELL",
      "signal": "BUY",
      "confidence": 87,
      "entry_price": 2.2375,
      "tp_price": 2.170375,
      "sl_price": 2.28225,
      "status": "PENDING",
      "outcome": null,
      "profit_loss_pct": null,
      "closed_at": null,
      "status": "LOSS",
      "outcome": "LOSS",
      "profit_loss_pct": -2.1
      "status": "WIN",
      "outcome": "WIN",
      "profit_loss_pct": 3.2178770949720508,
      "closed_at": "2025-11-25T15:03:07.559183",
      "conditions": {
        "rsi": 83.35661080074482,
        "ma_20": 2.0572299999999997,
        "ma_50": 2.087822,
        "volume_ratio": 0.4887764800153579,
        "volatility": 5.08982760377244,
        "trend": null,
        "btc_correlation": null,
        "sentiment": null
      },
      "notes": [
        {
          "timestamp": "2025-11-25T15:03:07.559195",
          "note": "\u0410\u0432\u0442\u043e\u043c\u0430\u0442\u0438\u0447\u043d\u043e \u0437\u0430\u0442\u0432\u043e\u0440\u0435\u043d: \u0426\u0435\u043d\u0430 \u0443\u0434\u0430\u0440\u0438 TP @ $2.17"
"""  # noqa: E501 - a line break would be a part of it

_LEVEL = 1  # the next one takes longer for a byte less
_WINDOW_BITS = 12  # holds the dictionary and a record


def packed(text: str) -> bytes:
    """The text of a record, squeezed: ISA-L takes half the time of zlib, which reads what it writes."""
    squeezing = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _WINDOW_BITS, zdict=DICTIONARY)
    return squeezing.compress(text.encode("utf-8", "backslashreplace")) + squeezing.flush()


def unpacked(raw: bytes) -> str:
    """The text of a record as it was found; zlib.error when `raw` is not whole."""
    opening = zlib.decompressobj(zdict=DICTIONARY)
    text = opening.decompress(raw)
    if not opening.eof:
        raise zlib.error("a squeezed record lacks its end")
    return text.decode()
