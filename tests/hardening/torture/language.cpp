// Exceptions, virtual calls, run-time types, templates, standard containers, structures by value, bit fields, long double,
// 128-bit integers, half precision, atomics, thread-local variables, computed goto, inline assembly, longjmp, var args.
#include <algorithm>
#include <atomic>
#include <csetjmp>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

struct Shape { virtual ~Shape() = default; virtual double area() const = 0; };
struct Square : Shape { double s; explicit Square(double s) : s(s) {} double area() const override { return s * s; } };
struct Circle : Shape { double r; explicit Circle(double r) : r(r) {} double area() const override { if (r < 0) throw std::domain_error("radius"); return 3 * r * r; } };
struct Big { long a[9]; char c; };
struct Bits { unsigned a : 3, b : 7, c : 22; int d : 5; };
static thread_local int per_thread = 5;
static std::atomic<long> counter{0};

static Big change(Big b, int k) { for (auto &x : b.a) x = x * k + 1; b.c ^= k; return b; }
static long sum(int n, ...) { va_list l; va_start(l, n); long s = 0; for (int i = 0; i < n; i++) s += i % 2 ? (long)va_arg(l, double) : va_arg(l, long); va_end(l); return s; }
static int interpret(const unsigned char *p) {
    static void *const to[] = {&&add, &&mul, &&neg, &&end};
    int x = 1;
    goto *to[*p];
add: x += 7; goto *to[*++p];
mul: x *= 3; goto *to[*++p];
neg: x = -x; goto *to[*++p];
end: return x;
}
static jmp_buf back;
__attribute__((noinline)) static void leap(int n) { if (n == 0) longjmp(back, 42); leap(n - 1); }
static int days(int m) { switch (m) { case 2: return 28; case 4: case 6: case 9: case 11: return 30; case 1: case 3: case 5: case 7: case 8: case 10: case 12: return 31; default: return -1; } }
template <class T> T power(T x, unsigned n) { T r = 1; for (; n; n >>= 1, x *= x) if (n & 1) r *= x; return r; }
__attribute__((annotate("rcb.none"))) int left_alone(int x) { return x * 3; }

int main() {
    std::vector<std::unique_ptr<Shape>> all;
    for (int i = 0; i < 6; i++) { if (i % 2) all.emplace_back(new Square(i)); else all.emplace_back(new Circle(i == 4 ? -1 : i)); }
    double total = 0;
    for (auto &s : all) try { total += s->area(); if (auto *q = dynamic_cast<Square *>(s.get())) total += q->s; } catch (const std::exception &e) { std::printf("caught %s\n", e.what()); }
    std::printf("area %.3f\n", total);
    Big b{{1, 2, 3, 4, 5, 6, 7, 8, 9}, 'x'}; b = change(b, 3); long h = b.c; for (long x : b.a) h = h * 31 + x; std::printf("big %ld\n", h);
    std::printf("sum %ld\n", sum(4, 10L, 2.5, 30L, 4.5));
    const unsigned char code[] = {0, 1, 2, 0, 1, 3}; std::printf("interpreted %d\n", interpret(code));
    if (int v = setjmp(back)) std::printf("leapt %d\n", v); else leap(5);
    int d = 0; for (int m = 0; m < 14; m++) d = d * 3 + days(m); std::printf("days %d\n", d);
    unsigned __int128 wide = power<unsigned __int128>(7, 40); std::printf("wide %016llx%016llx\n", (unsigned long long)(wide >> 64), (unsigned long long)wide);
    long double ld = power<long double>(1.25L, 17); std::printf("long double %.15Lg\n", ld);
    _Float16 half = 1.5; for (int i = 0; i < 5; i++) half = half * (_Float16)1.25 + (_Float16)0.5; std::printf("half %.4f\n", (double)half);
    Bits bits{5, 100, 1234567, -3}; bits.b += 30; bits.d -= 9; std::printf("bits %d %d %d %d\n", bits.a, bits.b, bits.c, bits.d);
    std::vector<std::thread> threads; for (int i = 0; i < 4; i++) threads.emplace_back([i] { per_thread += i; for (int k = 0; k < 500; k++) counter += per_thread; }); for (auto &t : threads) t.join();
    long expected = 1; counter.compare_exchange_strong(expected, 2); std::printf("counter %ld\n", counter.load());
    uint32_t lo; asm("bswapl %0" : "=r"(lo) : "0"(0x11223344)); std::printf("asm %x\n", lo);
    std::map<std::string, std::function<int(int)>> m; for (int i = 0; i < 5; i++) m["f" + std::to_string(i)] = [i](int x) { return x * i + 1; };
    int s = 0; for (auto &[k, f] : m) s = s * 7 + f((int)k.size()); std::printf("functions %d\n", s);
    double nan = __builtin_nan(""), list[] = {3, nan, 1, -0.0, 2}; int less = 0; for (double x : list) for (double y : list) less = less * 2 + (x < y); std::printf("nan %d\n", less);
    std::string text(300, 'a'); for (size_t i = 0; i < text.size(); i++) text[i] += i * 7 % 26; std::sort(text.begin(), text.end()); std::printf("text %.10s %zu\n", text.c_str() + 140, text.find("zz"));
    float v[37]; for (int i = 0; i < 37; i++) v[i] = i * 0.5f; float dot = 0; for (int i = 0; i < 37; i++) dot += v[i] * v[36 - i]; std::printf("dot %.2f left %d\n", dot, left_alone(14));
    std::puts("done");
}
