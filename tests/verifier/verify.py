#!/usr/bin/env python3
"""Verifies what a ledger gave away, without the ledger and without its programs.

    verify.py statement DIR [--vkey KEY] [--policy FILE]      what `subsidy statement` wrote
    verify.py export DIR [--vkey KEY] [--policy FILE]         what `subsidy export` wrote

KEY is a checkpoint key of the ledger, from elsewhere: paper, or somebody trusted. FILE is a tlog-policy: whose cosignatures
the checkpoint must have. Needs Python 3 and the openssl program. Exit codes: 0 all is proven, 1 something is not (the place
and what is wrong on stderr), 2 misused. Written from proto/FORMAT.md alone; see README.md.
"""
import argparse
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from export import Export                       # noqa: E402
from forms import Refused                       # noqa: E402
from notes import Key, TrustPolicy              # noqa: E402
from statement import Statement                 # noqa: E402


def verify(kind, folder, vkey=None, policy=None):
    """The counts; Refused where something is not proven."""
    given = Key(vkey, "--vkey") if vkey else None
    trust = None
    if policy:
        with open(policy, "rb") as file:
            trust = TrustPolicy(file.read(), policy)
    return {"statement": Statement, "export": Export}[kind](folder, given, trust).verify()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=("statement", "export"))
    parser.add_argument("folder")
    parser.add_argument("--vkey")
    parser.add_argument("--policy")
    args = parser.parse_args()
    if not os.path.isdir(args.folder):
        parser.error(f"{args.folder} is no folder")
    try:
        report = verify(args.kind, args.folder, args.vkey, args.policy)
    except Refused as refused:
        print(f"verify: {refused}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"verify: {error}", file=sys.stderr)
        return 2
    print(json.dumps(report, ensure_ascii=False))
    if not args.vkey:
        print("verify: no --vkey was given: that this is the ledger it says it is, nobody has shown", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
