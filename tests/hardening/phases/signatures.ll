; With +cfc a variable follows the blocks and is compared before the return.
; RUN: swift+cfc
target triple = "x86_64-unknown-linux-gnu"

; CHECK-LABEL: define i32 @loop(i32 %n)
; CHECK: call i32 asm "movl $1, $0", "=r,i"(i32
; CHECK: call i32 asm "xorl $2, $0", "=r,0,i,~{flags}"
; CHECK: br i1 %{{.*}}, label %rcb.fault.signature
; CHECK: ret i32
define i32 @loop(i32 %n) {
entry:
  br label %body
body:
  %i = phi i32 [ 0, %entry ], [ %next, %body ]
  %next = add i32 %i, 1
  %done = icmp eq i32 %next, %n
  br i1 %done, label %end, label %body
end:
  ret i32 %next
}
