"""Runs every test and closes with 'N passed, N failed'.

Unit tests are cmocka programs (build/tests/unit/test_*), fuzz corpora are replayed by the fuzz programs linked
with replay.c, flow tests are Python modules tests/flow/test_*.py (unittest) that drive the real programs.
    python3 tests/run.py --build build [--only NAME,…] [--skip NAME,…] [--verbose]
"""
import argparse
import concurrent.futures
import glob
import os
import re
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
UNIT_TIMEOUT_S = 300
FLOW_TIMEOUT_S = int(os.environ.get("FLOW_TIMEOUT_S", 1200))


def run(command, timeout_s, env):
    """Exit code and output of a command; 124 when it took too long, 127 when it is not there."""
    if not os.path.exists(command[0]):
        return 127, f"{command[0]} was not built"
    with subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, start_new_session=True) as process:
        try:
            output, _ = process.communicate(timeout=timeout_s)
            return process.returncode, output.decode("utf-8", "replace")
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            output, _ = process.communicate()
            return 124, output.decode("utf-8", "replace") + f"\ntook longer than {timeout_s} s"


def run_unit(program, env):
    code, output = run([program], UNIT_TIMEOUT_S, env)
    passed = len(re.findall(r"^\[       OK \]", output, re.M))
    failed = len(set(re.findall(r"^\[  FAILED  \] (?!\d+ test)(?!.*test\(s\))(.*)$", output, re.M)))
    if code != 0 and failed == 0:
        failed = 1
    if passed + failed == 0:
        failed = 1
    return passed, failed, output


def run_fuzz(program, env):
    corpus = os.path.join(ROOT, "tests", "fuzz", "corpus", os.path.basename(program)[len("fuzz_"):])
    code, output = run([program, corpus], UNIT_TIMEOUT_S, env)
    return (1, 0, output) if code == 0 else (0, 1, output)


def run_flow(module, env):
    code, output = run([sys.executable, "-m", "unittest", "-v", "tests.flow." + module], FLOW_TIMEOUT_S, env)
    ran = re.search(r"^Ran (\d+) tests? in", output, re.M)
    total = int(ran.group(1)) if ran else 0
    bad = sum(int(n) for n in re.findall(r"(?:failures|errors)=(\d+)", output))
    if code != 0 and bad == 0:
        bad = 1
    if total == 0:
        bad = 1
    return max(total - bad, 0), bad, output


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--only", default="", help="only tests whose name contains this, or one of these, with commas between")
    parser.add_argument("--skip", default="", help="names of test files to leave out, separated by commas")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args()
    build = os.path.abspath(args.build)
    env = dict(os.environ, SUBSIDY_BUILD=build, PYTHONDONTWRITEBYTECODE="1", LC_ALL="C.UTF-8")
    env.pop("MAKEFLAGS", None)

    jobs = []
    for path in sorted(glob.glob(os.path.join(ROOT, "tests", "flow", "test_*.py"))):
        jobs.append((run_flow, os.path.basename(path)[:-3]))
    for path in sorted(glob.glob(os.path.join(ROOT, "tests", "unit", "test_*.c"))):
        jobs.append((run_unit, os.path.join(build, "tests", "unit", os.path.basename(path)[:-2])))
    for path in sorted(glob.glob(os.path.join(ROOT, "tests", "fuzz", "fuzz_*.c"))):
        jobs.append((run_fuzz, os.path.join(build, "tests", "fuzz", os.path.basename(path)[:-2])))
    skipped = set(args.skip.split(","))
    jobs = [job for job in jobs
            if any(name in job[1] for name in args.only.split(",")) and os.path.basename(job[1]) not in skipped]

    passed = failed = 0
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        futures = {pool.submit(runner, what, env): what for runner, what in jobs}
        for future in concurrent.futures.as_completed(futures):
            ok, bad, output = future.result()
            passed += ok
            failed += bad
            print(f"{os.path.basename(futures[future])}: {ok} passed, {bad} failed", flush=True)
            if bad or args.verbose:
                print(output, flush=True)
    print(f"took {time.monotonic() - start:.0f} s")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
