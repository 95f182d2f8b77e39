; What goes to other code is compared before, what comes from it is copied; atomics are performed once.
; RUN: swift
target triple = "x86_64-unknown-linux-gnu"
declare i32 @other(i32, ptr)

; CHECK-LABEL: define i32 @ask(i32 %x, ptr %p)
; CHECK: icmp ne i32 %s, %
; CHECK: br i1 %{{.*}}, label %rcb.fault.call
; CHECK: icmp ne ptr %p, %
; CHECK: br i1 %{{.*}}, label %rcb.fault.call
; CHECK: call void asm sideeffect "cld", "~{dirflag}"()
; CHECK-NEXT: %r = call i32 @other(i32 %s, ptr %p)
; CHECK-NEXT: call i32 asm "", "=r,0"(i32 %r)
define i32 @ask(i32 %x, ptr %p) {
  %s = mul i32 %x, 5
  %r = call i32 @other(i32 %s, ptr %p)
  %t = add i32 %r, 1
  ret i32 %t
}

; CHECK-LABEL: define i64 @count(ptr %p, i64 %n)
; CHECK: br i1 %{{.*}}, label %rcb.fault.access
; CHECK: atomicrmw add ptr %p, i64 %n
; CHECK-NOT: atomicrmw
; CHECK: ret i64
define i64 @count(ptr %p, i64 %n) {
  %old = atomicrmw add ptr %p, i64 %n seq_cst
  ret i64 %old
}

; The C library counts on the direction flag, in long operations.
; CHECK-LABEL: define void @fill(ptr %p, i64 %n)
; CHECK: "cld"
; CHECK-NEXT: call void @llvm.memset.p0.i64(ptr %p, i8 0, i64 4096, i1 false)
; CHECK-NOT: "cld"
; CHECK: call void @llvm.memset.p0.i64(ptr %p, i8 1, i64 %n, i1 false)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
define void @fill(ptr %p, i64 %n) {
  call void @llvm.memset.p0.i64(ptr %p, i8 0, i64 4096, i1 false)
  call void @llvm.memset.p0.i64(ptr %p, i8 1, i64 %n, i1 false)
  ret void
}
