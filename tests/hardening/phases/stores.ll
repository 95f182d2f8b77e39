; Stores are compared in registers behind the store; a store that one instruction reads, changes and writes is read back.
; RUN: swift
target triple = "x86_64-unknown-linux-gnu"

; CHECK-LABEL: define void @two(ptr %p, i64 %v)
; CHECK-DAG: %[[P:.*]] = call ptr asm "", "=r,0"(ptr %p)
; CHECK-DAG: %[[V:.*]] = call i64 asm "", "=r,0"(i64 %v)
; CHECK: store i64 %v, ptr %p
; CHECK-NOT: icmp
; CHECK: store i64 3
; CHECK: %[[B:.*]] = call i64 asm sideeffect "", "=r,0"(i64 %[[V]])
; CHECK-NEXT: %[[D:.*]] = icmp ne i64 %v, %[[B]]
; CHECK-NEXT: br i1 %[[D]], label %rcb.fault.store
; CHECK: %[[E:.*]] = icmp ne ptr %p, %[[P]]
; CHECK-NEXT: br i1 %[[E]], label %rcb.fault.store
; CHECK-NOT: icmp
; CHECK: ret void
define void @two(ptr %p, i64 %v) {
  store i64 %v, ptr %p
  %q = getelementptr i8, ptr %p, i64 8
  store i64 3, ptr %q
  ret void
}

; CHECK-LABEL: define void @change(ptr %p)
; CHECK: store i64
; CHECK-NEXT: %[[R:.*]] = load i64, ptr %[[S:.*]]
; CHECK-NEXT: icmp ne i64 %[[R]]
define void @change(ptr %p) {
  %old = load i64, ptr %p
  %new = or i64 %old, 2
  store i64 %new, ptr %p
  ret void
}

; Nothing but the frame and a number in the instruction has to do with this store.
; CHECK-LABEL: define void @slot()
; CHECK: store i64 3, ptr %s
; CHECK-NOT: icmp
; CHECK: ret void
define void @slot() {
  %s = alloca i64
  store i64 3, ptr %s
  ret void
}
