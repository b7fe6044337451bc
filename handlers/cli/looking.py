"""The commands that show what the engine sees in candle files, and prove that it stands by it."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from handlers.cli.options import (
    EXIT_FINDING,
    AsJson,
    CandlePaths,
    NoDb,
    NoJson,
    NoParams,
    ParamsFile,
    Rooms,
    UsageError,
    json_object_in,
    params_in,
    tell_gaps,
)


def detect_command(rooms: Rooms) -> Callable[..., None]:
    def detect(
        file: Annotated[Path, typer.Argument(help="A candle file.")],
        params: Annotated[Path | None, typer.Option("--params", help="JSON object of detection parameters.")] = None,
        db: NoDb = None,
        as_json: NoJson = True,
    ) -> None:
        """Print every finding of one file as JSON lines, in the words of the event contract."""
        from engine.contract import events
        from engine.detect import detect
        from engine.detection_params import DetectionParams
        from gateways.candle_files import read_file

        overrides = {} if params is None else json_object_in(params)
        try:
            rules = DetectionParams.from_mapping(overrides)
        except ValueError as error:
            raise UsageError(f"{params}: {error}") from error
        candles = read_file(file)
        if not len(candles):
            raise UsageError(f"{file} holds no candles.")
        write = sys.stdout.write
        for event in events(candles, detect(candles, rules)):
            write(json.dumps(event) + "\n")

    return detect


def conformance_command(rooms: Rooms) -> Callable[..., None]:
    def conformance(
        cases: Annotated[Path, typer.Argument(help="Conformance cases, as JSON.")],
        db: NoDb = None,
        params: NoParams = None,
        as_json: NoJson = True,
    ) -> None:
        """Run conformance cases through the engine: every case, every prefix, mirrored where allowed."""
        from dataclasses import asdict

        from engine.conformance import run_cases

        try:
            result = run_cases(json_object_in(cases))
        except ValueError as error:
            raise UsageError(f"{cases}: {error}.") from error
        print(json.dumps(asdict(result)))
        raise typer.Exit(EXIT_FINDING if result.failures else 0)

    return conformance


def scan_command(rooms: Rooms) -> Callable[..., None]:
    def scan(files: CandlePaths, params: ParamsFile = None, as_json: AsJson = False, db: NoDb = None) -> None:
        """Decide at the last closed candle of each series; nothing is stored."""
        from concurrent.futures import ProcessPoolExecutor
        from time import perf_counter

        from gateways.candle_files import candle_paths, read_series
        from handlers.cli_scan import scan_document, scan_line
        from services.scan_files import SHORT_SCAN_SERIES, scan_files, scan_series

        began = perf_counter()
        rules = params_in(params)
        paths = [file for path in files for file in candle_paths(path)]
        if len(paths) <= SHORT_SCAN_SERIES:
            scanned = scan_files(paths, rules)
        else:
            with ProcessPoolExecutor(1) as beside:  # files are read while the compiled kernel loads
                reading = beside.submit(read_series, paths)
                from engine.compiled import COMPILED, load

                load()
                series = reading.result()
            scanned = scan_series(series, rules, COMPILED)
        for one in scanned:
            tell_gaps(f"{one.symbol} {one.timeframe.text}", one.gaps)
        seconds = perf_counter() - began
        if as_json:
            print(json.dumps(scan_document(scanned, seconds)))
            return
        for one in scanned:
            print(scan_line(one))
        sent = sum(one.rejected is None for one in scanned)
        print(f"{sent} signals in {len(scanned)} series, {seconds:.2f} s", file=sys.stderr)

    return scan


def prove_command(rooms: Rooms) -> Callable[..., None]:
    def prove(
        file: Annotated[Path, typer.Argument(help="A candle file.")],
        params: ParamsFile = None,
        as_json: AsJson = False,
        db: NoDb = None,
    ) -> None:
        """Try to make the engine rewrite what it said of a file: prefixes, noise, windows, scale, mirror, a cheat."""
        from engine.compiled import COMPILED
        from engine.looks import chart_reader
        from engine.prove import Proof, prove
        from engine.prove_decisions import prove_decisions
        from gateways.candle_files import read_file

        candles, rules = read_file(file), params_in(params)
        found = prove(candles, rules.detection, COMPILED)
        decided = prove_decisions(candles, rules, chart_reader(rules, COMPILED))
        proof = Proof(found.bars, (*found.checks, *decided), found.twin_is_caught)
        document = {
            "bars": proof.bars,
            "compared": proof.compared,
            "rewritten": proof.rewritten,
            "cheating_twin_caught": proof.twin_is_caught,
            "checks": [{"name": c.name, "compared": c.compared, "rewritten": c.rewritten} for c in proof.checks],
        }
        if as_json:
            print(json.dumps(document))
        else:
            for check in proof.checks:
                print(f"{check.name:24} {check.compared:>14,} compared  {check.rewritten:>6,} rewritten")
            print(f"{'all':24} {proof.compared:>14,} compared  {proof.rewritten:>6,} rewritten")
            print("a detector that peeks one bar ahead was " + ("caught" if proof.twin_is_caught else "NOT caught"))
        raise typer.Exit(0 if proof.holds else EXIT_FINDING)

    return prove
