; No critical edge, no undefined operand, short copies written out as loads and stores.
; RUN: swift
target triple = "x86_64-unknown-linux-gnu"
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)

; CHECK-LABEL: define void @copy(ptr %to, ptr %from)
; CHECK-NOT: call void @llvm.memcpy
; CHECK: load <2 x i64>, ptr %from
; CHECK: store <2 x i64>
; CHECK: ret void
define void @copy(ptr %to, ptr %from) {
  call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %from, i64 24, i1 false)
  ret void
}

; CHECK-LABEL: define i32 @undefined(i32 %x)
; CHECK-NOT: undef
; CHECK-NOT: poison
; CHECK: add i32 %x, 0
; CHECK: ret i32
define i32 @undefined(i32 %x) {
  %y = add i32 %x, undef
  ret i32 %y
}
