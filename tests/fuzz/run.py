"""Fuzzes every target with clang's libFuzzer for a number of seconds each, two or so at a time.

    python3 tests/fuzz/run.py --build build/fuzz --seconds 600 --libs "..." [--only NAME]
The committed corpus is the start; what is found grows beside the build, and a crashing input is kept there and named.
"""
import argparse
import concurrent.futures
import glob
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SANITIZE = "-fsanitize=address,undefined,fuzzer"
RSS_MAX_MIB = 4096      # of one target: a push may take PUSH_ARENA_MAX, and the sanitizer multiplies


def link(target, build, libs):
    """The target as a program of its own; the archives in the order in which they need each other."""
    program = os.path.join(build, "tests", "fuzz", target)
    archives = [os.path.join(build, name) for name in ("libclient.a", "libdaemon.a", "libproto.a")]
    command = ["clang", SANITIZE, "-pthread", "-o", program, program + ".o",
               *[path for path in archives if os.path.exists(path)], *libs.split()]
    subprocess.run(command, cwd=ROOT, check=True)
    return program


def fuzz(target, args):
    """Runs one target; gives its name, whether all was well, and a line about it."""
    build = os.path.abspath(args.build)
    program = link(target, build, args.libs)
    name = target[len("fuzz_"):]
    grown = os.path.join(build, "corpus", name)
    found = os.path.join(build, "found", name + "-")
    os.makedirs(grown, exist_ok=True)
    os.makedirs(os.path.dirname(found), exist_ok=True)
    command = [program, f"-max_total_time={args.seconds}", f"-rss_limit_mb={RSS_MAX_MIB}", "-timeout=30",
               "-print_final_stats=1", f"-artifact_prefix={found}", grown, os.path.join(ROOT, "tests", "fuzz", "corpus", name)]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=args.seconds + 300, check=False)
    output = done.stdout.decode("utf-8", "replace")
    runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", output)
    if done.returncode != 0:
        print(output[-6000:], flush=True)
    return name, done.returncode == 0, f"{name}: {runs.group(1) if runs else '?'} runs, exit code {done.returncode}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build/fuzz")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--libs", default="")
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args()
    targets = sorted(os.path.basename(path)[:-2] for path in glob.glob(os.path.join(ROOT, "tests", "fuzz", "fuzz_*.c")))
    targets = [target for target in targets if args.only in target]
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for _, is_well, line in pool.map(lambda target: fuzz(target, args), targets):
            print(line, flush=True)
            passed += is_well
            failed += not is_well
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
