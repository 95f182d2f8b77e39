; A function that is called directly moves to a twin with every parameter twice; who calls it passes both.
; RUN: swift
target triple = "x86_64-unknown-linux-gnu"

define internal i32 @inner(i32 %a) noinline {
  %b = add i32 %a, 7
  ret i32 %b
}

; CHECK-LABEL: define i32 @outer(i32 %x)
; CHECK: %[[S:.*]] = call i32 asm "", "=r,0"(i32 %x)
; CHECK: %[[P:.*]] = call { i32, i32 } @inner.rcb.swift(i32 %x, i32 %[[S]])
; CHECK: %[[A:.*]] = extractvalue { i32, i32 } %[[P]], 0
; CHECK: %[[B:.*]] = extractvalue { i32, i32 } %[[P]], 1
; CHECK: %[[D:.*]] = icmp ne i32 %[[A]], %[[B]]
; CHECK: br i1 %[[D]], label %rcb.fault.return
; CHECK: ret i32 %[[A]]
; CHECK: rcb.fault.return:
; CHECK-NEXT: call void @__rcb_fault(ptr @rcb.site
; CHECK-NEXT: unreachable
define i32 @outer(i32 %x) {
  %r = call i32 @inner(i32 %x)
  ret i32 %r
}

; CHECK: define internal { i32, i32 } @inner.rcb.swift(i32 %a, i32 %[[T:.*]])
; CHECK-NEXT: %b = add i32 %a, 7
; CHECK-NEXT: add i32 %[[T]], 7
