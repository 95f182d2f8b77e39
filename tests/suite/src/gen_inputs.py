#!/usr/bin/python3
"""Write the generated inputs of the suite under the directory given as argument 1; argument 2 is small or full.

Everything comes from fixed seeds and random.Random.random() only, so the bytes
are the same on every machine.  A file that already exists is left alone.
Run it with Debian's /usr/bin/python3 (3.11); needs no module outside the
standard library.
"""
import os, random, struct, sys

OUT = sys.argv[1]
SMALL = sys.argv[2] == "small"


def sized(full, small):
    return small if SMALL else full


class Rng:
    """Small helper over random.Random: only random() is used (stable sequence)."""

    def __init__(self, seed):
        self.r = random.Random(seed).random

    def n(self, k):
        return int(self.r() * k)

    def between(self, a, b):
        return a + int(self.r() * (b - a + 1))

    def pick(self, seq):
        return seq[int(self.r() * len(seq))]


def target(name):
    path = os.path.join(OUT, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return path


def write(name, data):
    path = target(name)
    tmp = path + ".tmp"
    with open(tmp, "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())
    os.rename(tmp, path)
    print("  %-28s %9d bytes" % (name, os.path.getsize(path)))


# ---------------------------------------------------------------- text

SYL = ["ba", "co", "di", "fu", "ga", "he", "is", "jo", "ka", "lu", "mi", "no", "or", "pe",
       "qui", "ra", "se", "ti", "ul", "ve", "wa", "xi", "ya", "zo", "tra", "ster", "ing",
       "ment", "al", "en"]


def vocabulary(seed, count):
    g = Rng(seed)
    words, seen = [], set()
    while len(words) < count:
        w = "".join(g.pick(SYL) for _ in range(g.between(1, 4)))
        if w not in seen:
            seen.add(w)
            words.append(w)
    return words


def text(seed, size, vocab=5000, order_bias=0.55):
    """Zipf-like words with some word-to-word dependence, in sentences and lines."""
    g = Rng(seed)
    words = vocabulary(seed + 1, vocab)
    follow = [[int(vocab * g.r() ** 4) for _ in range(6)] for _ in range(vocab)]
    out, length, col, cur, start = [], 0, 0, 0, True
    while length < size:
        if g.r() < order_bias:
            cur = follow[cur][int(6 * g.r() ** 2)]
        else:
            cur = int(vocab * g.r() ** 4)
        w = words[cur]
        if start:
            w = w.capitalize()
            start = False
        x = g.r()
        if x < 0.08:
            w += "."
            start = True
        elif x < 0.14:
            w += ","
        if col + len(w) > 76:
            out.append("\n")
            col = 0
        elif col:
            out.append(" ")
            col += 1
        out.append(w)
        col += len(w)
        length += len(w) + 1
    out.append("\n")
    return "".join(out)


def records(seed, count):
    """Binary table: slowly changing fields, the kind of thing found in object files."""
    g = Rng(seed)
    out, a, b = [], 0, 100000
    for i in range(count):
        a += g.n(24)
        b += g.n(9) - 4
        out.append(struct.pack("<IiHHd", a, b, g.n(16), i & 0xFFFF, b / 8.0))
    return b"".join(out)


def noise(seed, size):
    g = Rng(seed)
    return bytes(g.n(256) for _ in range(size))


def gen_mixed():
    half = sized(3_500_000, 60_000)
    t = text(11, 2 * half).encode()
    r = records(12, sized(150_000, 3_000))
    z = noise(13, sized(600_000, 12_000))
    csv = "".join("%d,%s,%d\n" % (i, w, len(w) * i) for i, w in enumerate(vocabulary(14, sized(60_000, 1_200)))).encode()
    write("compress/mixed.bin", t[:half] + r + z + csv + t[half:])


# ---------------------------------------------------------------- perl: a mailbox

def gen_mail():
    g = Rng(31)
    body_words = vocabulary(32, 3000)
    people = [("%s %s" % (a.capitalize(), b.capitalize()), "%s.%s@%s.example" % (a, b, c))
              for a, b, c in zip(vocabulary(33, 60), vocabulary(34, 60), vocabulary(35, 60))]
    days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    out, ids = [], []
    for i in range(sized(3600, 120)):
        name, addr = g.pick(people)
        when = "%s, %02d Mar 2021 %02d:%02d:%02d +0000" % (days[(i // 24) % 7], 1 + (i // 24) % 28, i % 24, g.n(60), g.n(60))
        mid = "<m%05d.%s>" % (i, addr)
        out.append("From %s Mon Mar  1 00:00:00 2021" % addr)
        out.append("From: %s <%s>" % (name, addr))
        out.append("To: list@lists.example")
        subject = " ".join(g.pick(body_words) for _ in range(g.between(2, 6)))
        parent = None
        if ids and g.r() < 0.6:
            parent = g.pick(ids[-40:])
            subject = "Re: " + parent[1]
        out.append("Subject: " + subject)
        out.append("Date: " + when)
        out.append("Message-ID: " + mid)
        if parent:
            out.append("In-Reply-To: " + parent[0])
            out.append("References: " + parent[0])
        ids.append((mid, subject.replace("Re: ", "")))
        multi = g.r() < 0.3
        if multi:
            out.append("MIME-Version: 1.0")
            out.append('Content-Type: multipart/alternative; boundary="b%d"' % i)
            out.append("")
            out.append("--b%d" % i)
            out.append("Content-Type: text/plain; charset=us-ascii")
        out.append("")
        for _ in range(g.between(3, 14)):
            line = " ".join(g.pick(body_words) for _ in range(g.between(3, 11)))
            x = g.r()
            if x < 0.2:
                line = "> " + line
            elif x < 0.3:
                line += " http://www.%s.example/%s?id=%d" % (g.pick(body_words), g.pick(body_words), g.n(9999))
            out.append(line)
        if multi:
            out.append("--b%d" % i)
            out.append("Content-Type: text/html; charset=us-ascii")
            out.append("")
            out.append("<html><body>" + "".join("<p>%s <b>%s</b></p>\n" % (g.pick(body_words), g.pick(body_words)) for _ in range(12)) + "</body></html>")
            out.append("--b%d--" % i)
        out.append("")
    write("perl/list.mbox", "\n".join(out) + "\n")


# ---------------------------------------------------------------- mcf: a vehicle-scheduling-like network

def gen_lp():
    network("lp/trips.min", 42, sized(1200, 150), 32)


def network(name, seed, trips, fan):
    """Min-cost flow, DIMACS format: depot, timed trips, arcs between compatible trips."""
    g = Rng(seed)
    start = sorted(g.n(20000) for _ in range(trips))
    end = [s + g.between(30, 600) for s in start]
    place = [g.n(60) for _ in range(trips)]
    place2 = [g.n(60) for _ in range(trips)]
    s, t = 1, 2
    arcs = [(s, t, 0, trips, 0)]
    # each trip i: node 3+2i (needs to be covered) and 4+2i
    for i in range(trips):
        a, b = 3 + 2 * i, 4 + 2 * i
        arcs.append((s, a, 0, 1, 5000 + 20 * place[i]))
        arcs.append((b, t, 0, 1, 5000 + 20 * place2[i]))
        arcs.append((a, b, 0, 1, -20000))
    for i in range(trips):
        n = 0
        j = i + 1
        while j < trips and n < fan:
            wait = start[j] - end[i]
            d = abs(place2[i] - place[j])
            if wait > d * 6:
                if g.r() < 0.15:
                    arcs.append((4 + 2 * i, 3 + 2 * j, 0, 1, wait + 13 * d))
                    n += 1
            j += 1
    nodes = 2 + 2 * trips
    out = ["p min %d %d" % (nodes, len(arcs)), "n %d %d" % (s, trips), "n %d %d" % (t, -trips)]
    out += ["a %d %d %d %d %d" % x for x in arcs]
    write(name, "\n".join(out) + "\n")


# ---------------------------------------------------------------- hmmer: an alignment and a sequence database

AA = "ACDEFGHIKLMNPQRSTVWY"
AAF = [0.0755, 0.0169, 0.0530, 0.0632, 0.0407, 0.0684, 0.0224, 0.0573, 0.0594, 0.0934, 0.0236,
       0.0453, 0.0493, 0.0403, 0.0516, 0.0722, 0.0575, 0.0652, 0.0125, 0.0323]


def residue(g):
    x, acc = g.r(), 0.0
    for a, f in zip(AA, AAF):
        acc += f
        if x < acc:
            return a
    return "L"


def gen_hmmer():
    g = Rng(51)
    cons = [residue(g) for _ in range(160)]

    def member(div):
        return [residue(g) if g.r() < div else c for c in cons]

    rows = []
    for i in range(40):
        m = member(0.35)
        m = ["." if g.r() < 0.03 else c for c in m]
        rows.append(("seq%02d" % i, "".join(m)))
    sto = "# STOCKHOLM 1.0\n" + "".join("%-8s %s\n" % r for r in rows) + "//\n"
    write("hmmer/family.sto", sto)
    out = []
    for i in range(sized(14000, 500)):
        body = [residue(g) for _ in range(g.between(120, 600))]
        if i % 37 == 0:
            at = g.n(len(body))
            body[at:at] = member(0.45)
        s = "".join(body)
        out.append(">prot%05d generated\n" % i)
        out += [s[k:k + 60] + "\n" for k in range(0, len(s), 60)]
    write("hmmer/db.fa", "".join(out))


# ---------------------------------------------------------------- video

def gen_video():
    """150 (small: 4) frames of CIF 4:2:0 y4m with moving shapes, gradients and mild noise."""
    W, H, N = 352, 288, sized(150, 4)
    g = Rng(61)
    base = bytes((x * 3 + y * 2) & 0xFF for y in range(H) for x in range(W))
    nz = [g.n(7) for _ in range(W * 2)]
    out = [b"YUV4MPEG2 W%d H%d F25:1 Ip A1:1 C420jpeg\n" % (W, H)]
    for f in range(N):
        out.append(b"FRAME\n")
        y = bytearray(W * H)
        sh = (f * 5) % W
        for r in range(H):
            row = base[r * W:(r + 1) * W]
            row = row[sh:] + row[:sh]
            y[r * W:(r + 1) * W] = row
        for k in range(6):  # six moving boxes
            bx = (k * 57 + f * (2 + k)) % (W - 40)
            by = (k * 41 + f * (1 + k % 3)) % (H - 40)
            v = 40 + 30 * k
            for r in range(by, by + 40):
                y[r * W + bx:r * W + bx + 40] = bytes((v + nz[(c + f) % W] * (k + 1)) & 0xFF for c in range(40))
        for r in range(0, H, 3):  # noise on every third line
            o = (r * 37 + f * 101) % W
            seg = y[r * W:(r + 1) * W]
            y[r * W:(r + 1) * W] = bytes((a + b) & 0xFF for a, b in zip(seg, nz[o:o + W]))
        out.append(bytes(y))
        out.append(bytes((128 + ((x + f) >> 2)) & 0xFF for _ in range(H // 2) for x in range(W // 2)))
        out.append(bytes((100 + ((yy + 2 * f) >> 1)) & 0xFF for yy in range(H // 2) for _ in range(W // 2)))
    write("video/clip.y4m", b"".join(out))


# ---------------------------------------------------------------- sort and awk

def gen_log():
    g = Rng(111)
    words = vocabulary(112, 4000)
    meth = ["GET", "GET", "GET", "POST", "PUT", "HEAD"]
    out = []
    for i in range(sized(350000, 6000)):
        out.append('10.%d.%d.%d - - [%02d/Mar/2021:%02d:%02d:%02d +0000] "%s /%s/%s HTTP/1.1" %d %d\n' % (
            g.n(4), g.n(64), g.n(256), 1 + i // 12000, g.n(24), g.n(60), g.n(60), g.pick(meth),
            words[int(4000 * g.r() ** 3)], words[int(4000 * g.r() ** 3)], g.pick([200, 200, 200, 304, 404, 500]), g.n(50000)))
    write("text/access.log", "".join(out))


GENS = {
    "mixed": (gen_mixed, "compress/mixed.bin"),
    "mail": (gen_mail, "perl/list.mbox"),
    "lp": (gen_lp, "lp/trips.min"),
    "hmmer": (gen_hmmer, "hmmer/db.fa"),
    "video": (gen_video, "video/clip.y4m"),
    "log": (gen_log, "text/access.log"),
}

for key, (fn, main) in GENS.items():
    if not os.path.exists(os.path.join(OUT, main)):
        fn()
