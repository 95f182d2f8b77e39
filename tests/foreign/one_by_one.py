"""one_by_one.py MODULE JOURNAL: python's tests of one module, one line of the journal per test.

A test that is there already is not run again: whoever starts this learns from a line `begin` without its end which test
has hung or has taken the interpreter with it, writes that down and starts it again.
"""
import os, signal, sys, tempfile, unittest

sys.path.insert(0, os.environ["FOREIGN_PYTHON"])
from test import support

module, journal = sys.argv[1:]
done = {line.rstrip("\n").split("\t")[1] for line in open(journal)} if os.path.exists(journal) else set()
out = open(journal, "a", buffering=1)
writer = os.getpid()


class Journal(unittest.TestResult):
    def startTest(self, test):
        super().startTest(test)
        self.verdict = "pass"
        out.write("begin\t%s\n" % test.id())

    def note(self, test, verdict, error=None):
        if error is not None:
            sys.stderr.write("%s: %s\n%s\n" % (verdict, test.id(), self._exc_info_to_string(error, test)))
            sys.stderr.flush()
        self.verdict = verdict
        # Failures of a module's or class's set-up have no start.
        if not isinstance(test, unittest.TestCase):
            out.write("%s\t%s\n" % (verdict, test.id()))

    def addError(self, test, err):
        self.note(test, "fail", err)

    def addFailure(self, test, err):
        self.note(test, "fail", err)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.note(test, "fail", err)

    def addSkip(self, test, reason):
        self.note(test, "skip")

    def addExpectedFailure(self, test, err):
        self.note(test, "skip")

    def addUnexpectedSuccess(self, test):
        self.note(test, "fail")

    def stopTest(self, test):
        # A child that a test has forgotten to end must not speak for its parent.
        if os.getpid() != writer:
            os._exit(1)
        out.write("%s\t%s\n" % (self.verdict, test.id()))


def singles(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            left = list(singles(test))
            if left:
                test._tests = left
                yield test
        elif test.id() not in done:
            yield test


signal.signal(signal.SIGINT, signal.default_int_handler)
support.use_resources = []
with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    try:
        loaded = unittest.defaultTestLoader.loadTestsFromName("test." + module)
    except unittest.SkipTest as reason:
        out.write("skip\t%s\n" % module)
    else:
        loaded._tests = list(singles(loaded))
        loaded.run(Journal())
    os.chdir("/")
out.write("over\t%s\n" % module)
