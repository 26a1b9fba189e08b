"""Counts a kosoku report's verdicts; exits 1 unless all 301 cases ran, none failed, and at most two
were non-strict. Usage: conformance_verdict.py NAME REPORT_FOLDER
"""

import collections
import json
import pathlib
import sys

CASES = 301
NON_STRICT_MAX = 2

name, folder = sys.argv[1], pathlib.Path(sys.argv[2])
(cases,) = json.loads((folder / "index.json").read_text()).values()
verdicts = collections.Counter(case["behavior"] for case in cases.values())
bad = [
    number
    for number, case in cases.items()
    if case["behavior"] not in ("OK", "NON-STRICT", "INFORMATIONAL")
    or case["behaviorClose"] not in ("OK", "INFORMATIONAL")
]
print(f"{name}: {len(cases)} cases, {dict(verdicts)}, failed: {bad or 'none'}")
sys.exit(0 if len(cases) == CASES and not bad and verdicts["NON-STRICT"] <= NON_STRICT_MAX else 1)
