#!/usr/bin/python3
"""Test suites that others have written, natively and replicated.

  foreign.py DIR [--run 'RUNTIME ARGS'] [--logs FOLDER] [--limit SECONDS] [SUITE[/PART]...]

DIR is what prepare.sh has made. Suites are python, perl, bash, make and coreutils; their parts stand in parts.tsv. Without --run
the tests run natively and what passes is noted in DIR/native; with --run they run as `RUNTIME ARGS test` and are held
against that. A test that passes natively and does not pass replicated has to stand in differences.tsv, with the reason;
one that stands there and passes is told of. The last lines count; the exit status is 1 if there is a difference that no
line explains.
"""
import argparse, fnmatch, os, re, shlex, shutil, signal, subprocess, sys, tempfile, time

EXPECTED = "# TO" "DO"  # how perl's tests mark failures that are expected
SHOWN = 12  # unexplained tests of a part that are named
HERE = os.path.dirname(os.path.abspath(__file__))


def table(name):
    with open(os.path.join(HERE, name)) as lines:
        return [line.rstrip("\n").split("\t") for line in lines if line.strip() and not line.startswith("#")]


class Runner:
    """Runs commands in front of which the runtime stands, with a limit; nothing of them outlives it."""

    def __init__(self, base, run, limit, logs):
        self.base, self.run, self.limit, self.logs = base, shlex.split(run), limit, logs

    def __call__(self, log, argv, cwd, journal=None, **env):
        """Exit status (`None` past the limit) and output of a command; the limit counts from the journal's last line."""
        settings = dict(PATH="/usr/local/bin:/usr/bin:/bin", HOME=self.home, LC_ALL="C", TZ="UTC0", TERM="dumb",
                        TMPDIR=self.home, **env)
        with tempfile.TemporaryFile() as out:
            child = subprocess.Popen(self.run + argv, cwd=cwd, env=settings, stdin=subprocess.DEVNULL, stdout=out,
                                     stderr=subprocess.STDOUT, start_new_session=True)
            status, size, since = None, 0, time.monotonic()
            while status is None and time.monotonic() < since + self.limit:
                try:
                    status = child.wait(0.2)
                except subprocess.TimeoutExpired:
                    now = os.stat(journal).st_size if journal else 0
                    size, since = now, time.monotonic() if now != size else since
            try:
                os.killpg(child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            child.wait()
            out.seek(0)
            text = out.read().decode(errors="replace")
        if self.logs:
            with open(os.path.join(self.logs, log.replace("/", "-") + ".log"), "a") as file:
                file.write("%s\nexit: %s\n" % (text, status))
        return status, text


def python(run, part):
    journal = os.path.join(run.home, "journal")
    open(journal, "w").close()
    lines = []
    for _ in range(40):
        before = len(lines)
        argv = ["/usr/bin/python3", os.path.join(HERE, "one_by_one.py"), part, journal]
        status, _ = run("python/" + part, argv, run.home, journal, FOREIGN_PYTHON=os.path.join(run.base, "python/lib"))
        lines = lines_of(journal)
        # Without a test begun it has ended between two: the next start goes on, if this one has got anywhere.
        if len(lines) == before or lines[-1][0] == "over":
            break
        ended = {name for verdict, name in lines if verdict != "begin"}
        stuck = [name for verdict, name in lines if verdict == "begin" and name not in ended]
        with open(journal, "a") as file:
            file.writelines("%s\t%s\n" % ("hang" if status is None else "died", name) for name in stuck)
    return {name: verdict for verdict, name in lines_of(journal) if verdict not in ("begin", "over")}


def lines_of(path):
    return [line.rstrip("\n").split("\t") for line in open(path)]


def perl(run, part):
    status, text = run("perl/" + part, ["/usr/bin/perl", part], os.path.join(run.base, "perl/t"))
    results = {}
    for line in text.splitlines():
        found = re.match(r"(not )?ok (\d+)", line)
        if found:
            results[part + "#" + found[2]] = "fail" if found[1] and EXPECTED not in line else "pass"
    results[part + "#end"] = "pass" if status == 0 else "hang" if status is None else "fail"
    return results


def bash(run, part):
    folder = os.path.join(run.base, "bash/tests")
    argv = ["/bin/sh", "run-" + part]
    path = ".:/usr/local/bin:/usr/bin:/bin"
    status, _ = run("bash/" + part, ["/usr/bin/env", "PATH=" + path] + argv, folder, THIS_SH="/bin/bash",
                    BASH_TSTOUT=os.path.join(run.home, "out"), BUILD_DIR=os.path.join(run.base, "bash"))
    return {part: "pass" if status == 0 else "hang" if status is None else "fail"}


def make(run, part):
    folder = os.path.join(run.home, "tests")
    shutil.copytree(os.path.join(run.base, "make/tests"), folder)
    argv = ["/usr/bin/perl", "run_make_tests.pl", "-make", "/usr/bin/make", part]
    status, text = run("make/" + part, argv, folder)
    found = re.search(r"(\d+) Tests? in \d+ Categor\w+ Complete \.\.\. No Failures", text)
    return {part: "pass" if found and status == 0 else "hang" if status is None else "fail"}


def coreutils(run, part):
    folder = os.path.join(run.base, "coreutils")
    listed = subprocess.run(["dpkg", "-L", "coreutils"], stdout=subprocess.PIPE, check=True).stdout.decode().split()
    programs = [os.path.basename(name) for name in listed if re.match(r"(/usr)?/s?bin/.", name)]
    script = "tests/" + part
    words = [script] if part.endswith(".sh") else ["-w", "-I./tests", "-MCuSkip", "-MCoreutils", "-MCuTmpdir qw(%s)" % part.replace("/", "-"), script]
    interpreter = "/bin/sh" if part.endswith(".sh") else "/usr/bin/perl"
    argv = ["/bin/sh", "-c", 'exec "$@" 9>&2', "sh", interpreter] + words
    status, _ = run("coreutils/" + part, ["/usr/bin/env", "PATH=%s/src:/usr/bin:/bin:/usr/sbin:/sbin" % folder] + argv, folder,
                    srcdir=".", top_srcdir=".", abs_srcdir=folder, abs_top_srcdir=folder, abs_top_builddir=folder,
                    VERSION="9.1", PACKAGE_VERSION="9.1", built_programs=" ".join(programs), fail="0",
                    host_os="linux-gnu", host_triplet="x86_64-pc-linux-gnu", CONFIG_HEADER=folder + "/lib/config.h",
                    CU_TEST_NAME="coreutils," + part.replace("/", "-"), CC="gcc", AWK="mawk", EGREP="grep -E",
                    EXEEXT="", MAKE="make", PERL="perl", SHELL="/bin/sh", LOCALE_FR="none", LOCALE_FR_UTF8="none")
    verdict = {0: "pass", 77: "skip", None: "hang"}.get(status, "fail")
    return {part: verdict}


SUITES = {"python": python, "perl": perl, "bash": bash, "make": make, "coreutils": coreutils}


def parts(base, wanted):
    """(suite, part) as parts.tsv says; patterns stand for the files that fit."""
    found = []
    for suite, pattern in table("parts.tsv"):
        folders = {"perl": "perl/t", "make": "make/tests/scripts", "coreutils": "coreutils/tests"}
        if suite in folders:
            root = os.path.join(base, folders[suite])
            names = [d + "/" + f for d in sorted(os.listdir(root)) if os.path.isdir(os.path.join(root, d))
                     for f in sorted(os.listdir(os.path.join(root, d)))]
        elif suite == "bash":
            names = sorted(f[4:] for f in os.listdir(os.path.join(base, "bash/tests")) if f.startswith("run-"))
        else:
            names = [pattern]
        leave = pattern.startswith("!")
        fits = set(fnmatch.filter(names, pattern.lstrip("!")))
        if leave:
            found = [(s, p) for s, p in found if s != suite or p not in fits]
        else:
            found += [(suite, name) for name in names if name in fits and (suite, name) not in found]
    if wanted:
        found = [(s, p) for s, p in found if any(s == w or fnmatch.fnmatch(s + "/" + p, w) for w in wanted)]
    return found


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("dir")
    ap.add_argument("wanted", nargs="*")
    ap.add_argument("--run", default="")
    ap.add_argument("--limit", type=float, default=60)
    ap.add_argument("--logs")
    a = ap.parse_intermixed_args()
    base = os.path.abspath(a.dir)
    if a.logs:
        os.makedirs(a.logs, exist_ok=True)
    run = Runner(base, a.run, a.limit, a.logs)
    native = os.path.join(base, "native")
    os.makedirs(native, exist_ok=True)
    reasons = table("differences.tsv")
    totals, unexplained, stale = {}, 0, []
    for suite, part in parts(base, a.wanted):
        noted = os.path.join(native, suite + "-" + part.replace("/", "-"))
        if a.run and not os.path.exists(noted):
            print("%s/%s has not been run natively" % (suite, part))
            continue
        with tempfile.TemporaryDirectory(prefix="foreign.") as run.home:
            results = SUITES[suite](run, part)
        passed = {name for name, verdict in results.items() if verdict == "pass"}
        if not a.run:
            with open(noted, "w") as file:
                file.writelines(name + "\n" for name in sorted(passed))
            print("%s/%s: %d of %d pass" % (suite, part, len(passed), len(results)), flush=True)
            continue
        before = {line.rstrip("\n") for line in open(noted)}
        missing = sorted(before - passed)
        count = totals.setdefault(suite, [0, 0, 0])
        count[0] += len(before)
        count[1] += len(before & passed)
        known = lambda name: [r[2] for r in reasons if r[0] == suite and fnmatch.fnmatchcase(name, r[1])]
        stale += [name for name in sorted(before & passed) if any(r[0] == suite and r[1] == name for r in reasons)]
        new = [name for name in missing if not known(name)]
        count[2] += len(missing) - len(new)
        unexplained += len(new)
        print("%s/%s: %d of %d%s" % (suite, part, len(before & passed), len(before), "" if not new else ", not explained:"), flush=True)
        for name in new[:SHOWN]:
            print("    %s\t%s" % (results.get(name, "missing"), name), flush=True)
        if len(new) > SHOWN:
            print("    and %d more" % (len(new) - SHOWN), flush=True)
    for name in stale:
        print("passes, though differences.tsv has it: " + name)
    for suite, (all_, same, explained) in totals.items():
        print("%s: %d of %d that pass natively pass replicated (%.1f %%); %d differ for a reason that is listed" % (suite, same, all_, 100 * same / max(all_, 1), explained))
    sys.exit(1 if unexplained else 0)


main()
