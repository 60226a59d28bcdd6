"""Asks a public service whether an installed package has a known vulnerability: `make audit`.

Exit code 1 for a vulnerability that is not listed below, 0 otherwise: a machine that cannot reach the service says so
and goes on.
"""

import json
import subprocess  # nosec B404 # see below
import sys
from typing import Any

SECONDS = 120
ACCEPTED: dict[str, str] = {}  # vulnerability -> why it does no harm here


def verdict(report: dict[str, Any]) -> tuple[list[str], bool]:
    """pip-audit's report -> what to say, and whether a vulnerability was found."""
    packages = report["dependencies"]
    missed = [package["name"] for package in packages if "skip_reason" in package]
    if len(missed) == len(packages):
        return ["not audited: no network, or no vulnerability service there"], False
    lines, found = [], False
    for package in packages:
        for flaw in package.get("vulns", []):
            names = {flaw["id"], *flaw.get("aliases", [])}
            reason = next((why for name, why in ACCEPTED.items() if name in names), None)
            found |= reason is None
            mend = f"mended in {', '.join(flaw['fix_versions'])}" if flaw.get("fix_versions") else "not mended yet"
            said = f"accepted: {reason}" if reason else mend
            lines.append(f"{package['name']} {package['version']}: {flaw['id']}, {said}")
    if missed:
        lines.append(f"not audited, unknown to the service: {', '.join(missed)}")
    lines.append(f"audited {len(packages) - len(missed)} of {len(packages)} installed packages")
    return lines, found


def main() -> None:
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off", "--timeout", "10"]
    try:
        done = subprocess.run(  # nosec B603 # a fixed command, no shell
            command, capture_output=True, text=True, check=False, timeout=SECONDS
        )
        report = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        print(f"not audited: the vulnerability service did not answer within {SECONDS} s")
        return
    except ValueError:
        last = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        if "No module named" in last:
            sys.exit(f"{last}. Run `make audit`, which installs it.")
        print(f"not audited: no network ({last[:200]})")
        return
    lines, found = verdict(report)
    print("\n".join(lines))
    sys.exit(found)


if __name__ == "__main__":
    main()
