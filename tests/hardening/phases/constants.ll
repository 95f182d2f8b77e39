; The shadow has its own large and floating constants and factors of divisions; small ones are part of the instruction.
; RUN: swift
target triple = "x86_64-unknown-linux-gnu"

; CHECK: @rcb.k = internal global double 2.500000e+00

; CHECK-LABEL: define i64 @mix(i64 %x)
; CHECK: %a = xor i64 %x, 81985529216486895
; CHECK-NEXT: %[[K:.*]] = call i64 asm "movabsq $1, $0", "=r,i"(i64 81985529216486895)
; CHECK-NEXT: xor i64 %{{.*}}, %[[K]]
; CHECK: %b = add i64 %a, 9
; CHECK-NEXT: add i64 %{{.*}}, 9
define i64 @mix(i64 %x) {
  %a = xor i64 %x, 81985529216486895
  %b = add i64 %a, 9
  ret i64 %b
}

; CHECK-LABEL: define double @half(double %x)
; CHECK: fmul double %x, 2.500000e+00
; CHECK-NEXT: %[[F:.*]] = load double, ptr @rcb.k
; CHECK-NEXT: fmul double %{{.*}}, %[[F]]
define double @half(double %x) {
  %y = fmul double %x, 2.5
  ret double %y
}

; CHECK-LABEL: define i32 @seventh(i32 %x)
; CHECK-NOT: udiv
; CHECK: zext i32 613566757 to i64
; CHECK: call i32 asm "movl $1, $0", "=r,i"(i32 613566757)
; CHECK-NOT: udiv
; CHECK: ret i32
define i32 @seventh(i32 %x) {
  %y = udiv i32 %x, 7
  ret i32 %y
}
