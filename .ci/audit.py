"""Known vulnerabilities in the packages of the lock files: found is a failure, not having been able to ask is said aloud.

pip-audit by itself ends well, too, when the advisory service knew none of the packages (a mirror that has no advisories);
so every package that nobody answered for is counted here.

    python .ci/audit.py requirements.lock requirements-dev.lock
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIMEOUT_S = 120
EXIT_FOUND, EXIT_USAGE = 1, 2


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit of one lock file came to: how many packages were answered for, how many were not, what was found."""

    answered: int
    unanswered: int
    vulnerabilities: tuple[str, ...]


def audited(document: dict[str, Any]) -> Audited:
    """What pip-audit's JSON says."""
    packages = document["dependencies"]
    found = tuple(
        f"{package['name']} {package['version']}: {one['id']}"
        + (f", fixed in {', '.join(one['fix_versions'])}" if one["fix_versions"] else "")
        for package in packages
        for one in package.get("vulns", ())
    )
    skipped = sum("skip_reason" in package for package in packages)
    return Audited(len(packages) - skipped, skipped, found)


def verdict(result: Audited) -> tuple[int, str]:
    """The exit code and the sentence: only what was found is a failure."""
    if result.vulnerabilities:
        return EXIT_FOUND, "vulnerable: " + "; ".join(result.vulnerabilities)
    if result.unanswered:
        return (
            0,
            f"NOT AUDITED: nobody answers for {result.unanswered} of {result.answered + result.unanswered} packages",
        )
    return 0, f"no known vulnerability in {result.answered} packages"


def ask(lock: Path) -> tuple[int, str]:
    """The verdict over one lock file."""
    command = [sys.executable, "-m", "pip_audit", "-r", str(lock), "--disable-pip", "--require-hashes"]
    try:
        done = subprocess.run(
            [*command, "--format", "json", "--progress-spinner", "off"],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 0, f"NOT AUDITED: no answer within {TIMEOUT_S} s"
    try:
        return verdict(audited(json.loads(done.stdout)))
    except ValueError:  # it prints no document when the service cannot be reached
        last = (done.stderr.strip().splitlines() or ["pip-audit says nothing"])[-1]
        return 0, f"NOT AUDITED: {last[:200]}"


def main(names: list[str]) -> int:
    if not names:
        print("usage: python .ci/audit.py LOCK...", file=sys.stderr)
        return EXIT_USAGE
    code = 0
    for name in names:
        found, sentence = ask(Path(name))
        print(f"{name}: {sentence}")
        code = max(code, found)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
